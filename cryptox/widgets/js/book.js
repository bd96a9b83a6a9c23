// Ladders: asks above, bids below, bars as deep as the book up to there.

function apply_book(picture, change) {
  const books = picture.books.slice();
  for (const [place, told] of change.books || []) {
    const book = { ...books[place] };
    if (told.digits) book.digits = told.digits;
    if (told.bids) book.bids = apply_rows(book.bids, told.bids).sort((one, other) => other[0] - one[0]);
    if (told.asks) book.asks = apply_rows(book.asks, told.asks).sort((one, other) => one[0] - other[0]);
    books[place] = book;
  }
  return { ...picture, books };
}

function make_ladder(several) {
  const root = make("div", "cryptox-ladder");
  const title = make("div", "cryptox-ladder-title");
  title.hidden = !several;
  const grid = make("div", "cryptox-ladder-rows");
  grid.setAttribute("role", "table");
  const head = make("div", "cryptox-level cryptox-level-head");
  head.setAttribute("role", "row");
  for (const name of ["price", "quantity", "total"]) {
    const cell = make("span", "", name);
    cell.setAttribute("role", "columnheader");
    head.append(cell);
  }
  const asks = make("div", "cryptox-asks");
  const bids = make("div", "cryptox-bids");
  for (const side of [asks, bids]) side.setAttribute("role", "rowgroup");
  const middle = make("div", "cryptox-middle");
  const mid = make("strong", "cryptox-mid");
  const spread = make("span", "cryptox-spread");
  middle.append(mid, spread);
  grid.append(head, asks, middle, bids);
  root.append(title, grid);
  return { root, title, grid, asks, bids, mid, spread, lines: { asks: [], bids: [] }, was: null, digits: new Digits() };
}

function make_level(parent, side) {
  const line = make("div", "cryptox-level cryptox-level-" + side);
  line.setAttribute("role", "row");
  const bar = make("span", "cryptox-bar");
  bar.setAttribute("aria-hidden", "true");
  const cells = ["cryptox-price", "", "cryptox-total"].map((className) => {
    const cell = make("span", className);
    cell.setAttribute("role", "cell");
    return cell;
  });
  line.append(bar, ...cells);
  parent.append(line);
  return { line, bar, cells };
}

function draw_side(ladder, side, levels, digits, deepest) {
  const lines = ladder.lines[side];
  while (lines.length < levels.length) lines.push(make_level(ladder[side], side));
  let total = 0;
  lines.forEach(({ line, bar, cells }, place) => {
    const level = levels[place];
    if (line.hidden !== !level) line.hidden = !level;
    if (!level) return;
    total += level[1];
    put_text(cells[0], amount(level[0], digits[0]));
    put_text(cells[1], amount(level[1], digits[1]));
    put_text(cells[2], amount(total, digits[1]));
    const width = (deepest ? total / deepest : 0).toFixed(3);
    if (bar.cx_width !== width) {
      bar.cx_width = width;
      bar.style.transform = "scaleX(" + width + ")";
    }
  });
}

function draw_ladder(ladder, book) {
  if (ladder.was === book) return;
  ladder.was = book;
  const { bids, asks } = book;
  const digits = ladder.digits.grown("", book.digits);
  const depth = (levels) => levels.reduce((sum, level) => sum + level[1], 0);
  const deepest = Math.max(depth(bids), depth(asks));
  put_text(ladder.title, book.symbol);
  ladder.grid.setAttribute("aria-label", "Order book of " + book.symbol);
  draw_side(ladder, "asks", asks, digits, deepest);
  draw_side(ladder, "bids", bids, digits, deepest);
  if (!bids.length || !asks.length) {
    put_text(ladder.mid, "–");
    put_text(ladder.spread, bids.length || asks.length ? "one side only" : "no levels yet");
    return;
  }
  const [bid, ask] = [bids[0][0], asks[0][0]];
  const mid = (bid + ask) / 2;
  const spread = ask - bid;
  put_text(ladder.mid, amount(mid, digits[0] + 1));
  const share = mid > 0 ? " (" + amount((spread / mid) * 1e4, spread / mid < 1e-4 ? 3 : 1) + " bp)" : "";
  put_text(ladder.spread, "spread " + amount(spread, digits[0]) + share);
}

function paint_book(el, initial) {
  let picture = initial;
  let ladders = [];
  const root = make("div", "cryptox-ladders");
  const more = make("p", "cryptox-note");
  el.append(root, more);

  function draw() {
    const books = picture.books;
    if (ladders.length !== books.length) {
      ladders = books.map(() => make_ladder(books.length > 1));
      root.replaceChildren(...ladders.map((one) => one.root));
    }
    books.forEach((book, place) => draw_ladder(ladders[place], book));
    more.hidden = !picture.more;
    put_text(more, picture.more ? picture.more + " more symbols are not shown." : "");
  }

  draw();
  return {
    update(changes) {
      picture = changes.reduce(apply_book, picture);
      draw();
    },
    replace(other) {
      picture = other;
      draw();
      return true;
    },
    destroy() {
      el.replaceChildren();
    },
  };
}
