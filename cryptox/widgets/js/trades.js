// The tape: newest trades on top.

function apply_trades(picture, change) {
  const after = { ...picture };
  if (change.digits) after.digits = change.digits;
  if (change.rows) {
    const newest = (one, other) => other[2] - one[2] || other[3] - one[3] || compare_items(other[1], one[1]);
    after.rows = apply_rows(picture.rows, change.rows).sort(newest).slice(0, picture.most);
  }
  return after;
}

// Messages a second, from how many had come at which moments of the last seconds.
class Rate {
  constructor() {
    this.seen = [];
  }

  note(received, now) {
    const last = this.seen[this.seen.length - 1];
    if (last && received < last[1]) this.seen = [];
    this.seen.push([now, received]);
    while (this.seen.length > 2 && now - this.seen[1][0] > 5000) this.seen.shift();
  }

  at(now) {
    if (this.seen.length < 2) return null;
    const [since, before] = this.seen[0];
    return now - since < 1000 ? null : ((this.seen[this.seen.length - 1][1] - before) * 1000) / (now - since);
  }
}

const FAST = 5; // trades a second from which on the tape says how many there are

function paint_trades(el, initial) {
  let picture = initial;
  const columns = [
    { name: "side", className: "cryptox-left", is_plain: true }, { name: "symbol", className: "cryptox-left" },
    { name: "price" }, { name: "quantity" }, { name: "time, UTC" },
  ];
  const { table, head, body } = table_of(columns, "Trades, newest first");
  table.classList.add("cryptox-tape");
  const note = make("p", "cryptox-note");
  el.append(scrolled(table), note);
  const number = "cryptox-number";
  const looks = ["cryptox-left", "cryptox-left", number, number, number + " cryptox-faint"];
  const rows = new Rows(body, () => row_of(looks));
  const known = new Digits();
  const rate = new Rate();
  let is_fast = false;
  let is_first = true;

  function draw_row(line, row, is_new, several) {
    const [, symbol, time, , price, quantity, side] = row;
    const digits = known.grown(symbol, picture.digits[symbol]);
    if (!is_new && line.cx_digits === digits) return;
    line.cx_digits = digits;
    const [side_at, symbol_at, price_at, quantity_at, time_at] = line.cx_cells;
    put_side(side_at, side, false);
    symbol_at.hidden = !several;
    put_text(symbol_at, symbol);
    put_class(price_at, "cryptox-number " + (side === "buy" ? "cryptox-up" : "cryptox-down"));
    put_text(price_at, amount(price, digits[0]));
    put_text(quantity_at, amount(quantity, digits[1]));
    put_text(time_at, clock_text(time));
    if (is_new && !is_first && !is_fast) flash(line, side === "buy" ? 1 : -1);
  }

  function draw() {
    const several = picture.symbols.length > 1;
    head[1].hidden = !several;
    rows.show(picture.rows, (line, row, is_new) => draw_row(line, row, is_new, several));
    is_first = false;
    say();
  }

  function say() {
    const now = rate.at(performance.now());
    is_fast = now !== null && now >= FAST;
    put_text(note, !picture.rows.length ? "No trade yet."
      : is_fast ? Math.round(now) + " a second; the newest are shown" : "");
    note.hidden = !note.cx_text;
  }

  const timer = setInterval(say, 1000);
  draw();
  return {
    update(changes, state) {
      rate.note(state.received, performance.now());
      picture = changes.reduce(apply_trades, picture);
      draw();
    },
    replace(other) {
      picture = other;
      draw();
      return true;
    },
    destroy() {
      clearInterval(timer);
      el.replaceChildren();
    },
  };
}
