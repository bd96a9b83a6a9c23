// Prices: a card for one symbol, a table for many. Of tickers, and of best quotes.

function apply_tickers(picture, change) {
  const after = { ...picture };
  if (change.digits) after.digits = { ...picture.digits, ...change.digits };
  if (change.rows) {
    const by_symbol = new Map(apply_rows(picture.rows, change.rows).map((row) => [row[0], row]));
    after.rows = picture.symbols.map((symbol) => by_symbol.get(symbol));
  }
  return after;
}

// How a column is written: name at its head, and its text by value and digits [of prices, of quantities].
const TICKER_COLUMNS = {
  last: ["last", (value, digits) => amount(value, digits[0])],
  price_change: ["change", (value, digits) => signed_amount(value, digits[0])],
  price_change_percent: ["change %", (value) => (value === null ? "–" : signed_amount(value, 2) + " %")],
  weighted_avg_price: ["average", (value, digits) => amount(value, digits[0])],
  bid: ["bid", (value, digits) => amount(value, digits[0])],
  bid_quantity: ["bid quantity", (value, digits) => amount(value, digits[1])],
  ask: ["ask", (value, digits) => amount(value, digits[0])],
  ask_quantity: ["ask quantity", (value, digits) => amount(value, digits[1])],
  open: ["open", (value, digits) => amount(value, digits[0])],
  high: ["high", (value, digits) => amount(value, digits[0])],
  low: ["low", (value, digits) => amount(value, digits[0])],
  volume: ["volume", (value, digits) => short_amount(value, digits[1])],
  quote_volume: ["quote volume", (value) => short_amount(value, 2)],
  trades: ["trades", (value) => amount(value, 0)],
  close_time: ["at, UTC", (value) => clock_text(value)],
  spread: ["spread", (value, digits) => amount(value, digits[0])],
};
const TABLE_ORDER = ["last", "price_change_percent", "high", "low", "volume", "quote_volume", "bid", "bid_quantity",
  "ask", "ask_quantity", "spread"];
const CARD_ORDER = ["bid", "ask", "high", "low", "open", "weighted_avg_price", "volume", "quote_volume", "trades",
  "close_time"];
const COLOURED = new Set(["price_change", "price_change_percent"]);

// The value of a column in a row; the spread is not sent, for it says nothing new.
function ticker_value(picture, row, name) {
  const place = picture.columns.indexOf(name);
  if (place >= 0) return row[place + 1];
  if (name !== "spread") return null;
  const [bid, ask] = [ticker_value(picture, row, "bid"), ticker_value(picture, row, "ask")];
  return bid === null || ask === null ? null : ask - bid;
}

function has_column(picture, name) {
  return picture.columns.includes(name) || (name === "spread" && !picture.columns.includes("last"));
}

function sign_class(value) {
  return value > 0 ? "cryptox-up" : value < 0 ? "cryptox-down" : "";
}

function draw_value(node, name, value, digits, className, flashed) {
  put_text(node, TICKER_COLUMNS[name][1](value, digits));
  put_class(node, (className + " " + (COLOURED.has(name) ? sign_class(value) : "")).trim());
  if (flashed !== undefined && flashed !== value && flashed !== null && value !== null) {
    flash(node, Math.sign(value - flashed));
  }
}

function ticker_card(el) {
  const root = make("div", "cryptox-quote");
  const big = make("div", "cryptox-quote-big");
  const price = make("span", "cryptox-quote-price");
  const change = make("span", "cryptox-quote-change");
  big.append(price, change);
  const facts = make("div", "cryptox-facts"); // no list of terms: notebooks have a look of their own for those
  root.append(big, facts);
  el.append(root);
  const shown = new Map();
  const known = new Digits();
  let was = null;

  function fact(name) {
    const box = make("div", "cryptox-fact");
    const value = make("div", "cryptox-fact-value");
    box.append(make("div", "cryptox-fact-name", TICKER_COLUMNS[name][0]), value);
    facts.append(box);
    shown.set(name, value);
  }

  function draw_big(picture, row, digits) {
    const value = (name) => ticker_value(picture, row, name);
    if (!picture.columns.includes("last")) {
      put_text(price, amount(value("bid"), digits[0]) + " / " + amount(value("ask"), digits[0]));
      put_text(change, value("bid") === null ? "" : "bid / ask, spread " + amount(value("spread"), digits[0]));
      return;
    }
    const [last, percent] = [value("last"), value("price_change_percent")];
    put_text(price, amount(last, digits[0]));
    if (was !== null && last !== null && was !== last) flash(price, Math.sign(last - was));
    was = last;
    const arrow = percent > 0 ? "▲ " : percent < 0 ? "▼ " : "";
    put_text(change, percent === null ? "" : arrow + signed_amount(value("price_change"), digits[0]) + " ("
      + signed_amount(percent, 2) + " %) in 24 h");
    put_class(change, ("cryptox-quote-change " + sign_class(percent)).trim());
  }

  return (picture) => {
    const row = picture.rows[0];
    const names = (picture.columns.includes("last") ? CARD_ORDER : ["bid", "bid_quantity", "ask", "ask_quantity"])
      .filter((name) => has_column(picture, name));
    if (!shown.size) names.forEach(fact);
    const digits = known.grown(row[0], picture.digits[row[0]]);
    draw_big(picture, row, digits);
    for (const name of names) {
      draw_value(shown.get(name), name, ticker_value(picture, row, name), digits, "cryptox-fact-value");
    }
  };
}

function ticker_table(el) {
  let names = [];
  let rows = null;
  let heads = [];
  let sorted = null; // [name, 1 or -1]; null: as asked for
  let newest = null;
  const known = new Digits();

  function sort_by(name) {
    const first = name === "symbol" ? 1 : -1;
    if (!sorted || sorted[0] !== name) sorted = [name, first];
    else sorted = sorted[1] === first ? [name, -first] : null;
    draw(newest);
  }

  function build(picture) {
    names = TABLE_ORDER.filter((name) => has_column(picture, name));
    const columns = ["symbol", ...names].map((name) =>
       ({ name: "", className: name === "symbol" ? "cryptox-left" : "" }));
    const { table, head, body } = table_of(columns, "Prices");
    heads = head.map((cell, place) => {
      const name = place ? names[place - 1] : "symbol";
      const button = make("button", "cryptox-sort", place ? TICKER_COLUMNS[name][0] : "symbol");
      button.type = "button";
      button.title = "Sort by this column; a third time: as asked for";
      button.addEventListener("click", () => sort_by(name));
      cell.append(button);
      return { cell, name };
    });
    rows = new Rows(body, () => row_of(["cryptox-left", ...names.map(() => "cryptox-number")]));
    el.append(scrolled(table));
  }

  function ordered(picture) {
    if (!sorted) return picture.rows;
    const [name, direction] = sorted;
    const key = name === "symbol" ? (row) => row[0] : (row) => ticker_value(picture, row, name);
    return picture.rows.slice().sort((one, other) => {
      const [a, b] = [key(one), key(other)];
      if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1; // what is not known goes last
      return direction * compare_items(a, b);
    });
  }

  function draw(picture) {
    newest = picture;
    if (!rows) build(picture);
    for (const { cell, name } of heads) {
      const word = !sorted || sorted[0] !== name ? "none" : sorted[1] > 0 ? "ascending" : "descending";
      if (cell.getAttribute("aria-sort") !== word) cell.setAttribute("aria-sort", word);
    }
    rows.show(ordered(picture), (line, row, is_new) => {
      const [name_at, ...cells] = line.cx_cells;
      const digits = known.grown(row[0], picture.digits[row[0]]);
      if (!is_new && line.cx_row === row && line.cx_digits === digits) return;
      const before = is_new ? null : line.cx_row;
      line.cx_row = row;
      line.cx_digits = digits;
      put_text(name_at, row[0]);
      names.forEach((name, place) => {
        const flashed = before && (name === "last" || name === "bid" || name === "ask")
          ? ticker_value(picture, before, name) : undefined;
        draw_value(cells[place], name, ticker_value(picture, row, name), digits, "cryptox-number", flashed);
      });
    });
  }

  return draw;
}

function paint_ticker(el, initial) {
  let picture = initial;
  const is_card = picture.rows.length === 1;
  const draw = is_card ? ticker_card(el) : ticker_table(el);
  draw(picture);
  return {
    update(changes) {
      picture = changes.reduce(apply_tickers, picture);
      draw(picture);
    },
    replace(other) {
      const is_same_kind = other.columns.join() === picture.columns.join() && other.rows.length > 1 === !is_card;
      if (is_same_kind) {
        picture = other;
        draw(picture);
      }
      return is_same_kind; // else it is painted anew, with other facts
    },
    destroy() {
      el.replaceChildren();
    },
  };
}
