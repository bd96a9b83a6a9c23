// The user's own orders: open ones first, then the last of the others.

function apply_orders(picture, change) {
  const after = { ...picture };
  for (const name of ["digits", "open", "more"]) if (name in change) after[name] = change[name];
  if (change.rows) {
    const at = Object.fromEntries(picture.columns.map((name, place) => [name, place]));
    const compare = (name) => (one, other) => compare_items(other[at[name]], one[at[name]]);
    const [open, updated, time, key] = ["is_open", "updated", "time", "key"].map(compare);
    after.rows = apply_rows(picture.rows, change.rows).sort((one, other) =>
      open(one, other) || updated(one, other) || time(one, other) || key(one, other));
  }
  return after;
}

const ORDER_HEADS = [
  { name: "side", className: "cryptox-left" }, { name: "symbol", className: "cryptox-left" },
  { name: "state", className: "cryptox-left" }, { name: "type", className: "cryptox-left" },
  ...["price", "quantity", "filled", "average", "changed, UTC"].map((name) => ({ name })),
];
const ORDER_CELLS = [...Array(4).fill("cryptox-left"), ...Array(4).fill("cryptox-number"),
  "cryptox-number cryptox-faint"];
const ORDER_WORDS = new Map([
  ["new", "open"], ["pending_new", "pending"], ["partially_filled", "partly filled"],
  ["pending_cancel", "being cancelled"],
]);

// How far an order is, as text and as a bar.
function draw_filled(cell, filled, quantity, digits) {
  if (!cell.cx_bar) {
    cell.cx_bar = make("span", "cryptox-progress");
    cell.cx_bar.setAttribute("aria-hidden", "true");
    cell.cx_bar.append(make("span"));
    cell.cx_label = make("span");
    cell.append(cell.cx_label, cell.cx_bar);
  }
  const share = quantity ? Math.min(1, filled / quantity) : 0;
  put_text(cell.cx_label, amount(filled, digits) + (quantity ? " (" + amount(100 * share, 0) + " %)" : ""));
  cell.cx_bar.hidden = !quantity;
  cell.cx_bar.firstChild.style.transform = "scaleX(" + share.toFixed(3) + ")";
}

function draw_order(line, order, digits, now) {
  const [side, symbol, state, type, price, quantity, filled, average, changed] = line.cx_cells;
  put_side(side, order.side, true);
  put_text(symbol, order.symbol);
  put_text(type, order.type.replaceAll("_", " ").toLowerCase());
  const limit = order.price === null ? "–" : amount(order.price, digits[0]);
  put_text(price, order.stop_price === null ? limit : limit + " (at " + amount(order.stop_price, digits[0]) + ")");
  put_text(quantity, order.quantity === null && order.quote_quantity !== null
    ? "for " + amount(order.quote_quantity, 2) : amount(order.quantity, digits[1]));
  draw_filled(filled, order.filled, order.quantity, digits[1]);
  put_text(average, amount(order.average_price, digits[2]));
  put_text(state, ORDER_WORDS.get(order.status) || order.status.replaceAll("_", " "));
  put_text(changed, moment_text(order.updated || order.time, now));
  line.title = "order " + order.id;
}

function paint_orders(el, initial) {
  let picture = initial;
  const known = new Digits();
  const note = make("p", "cryptox-note");
  const { table, body } = table_of(ORDER_HEADS, "Own orders, open ones first");
  const holder = scrolled(table);
  el.append(note, holder);
  const rows = new Rows(body, () => row_of(ORDER_CELLS));
  let is_first = true;

  function draw() {
    const now = Date.now();
    rows.show(picture.rows, (line, row, is_new) => {
      const order = Object.fromEntries(picture.columns.map((name, place) => [name, row[place]]));
      const digits = known.grown(order.symbol, picture.digits[order.symbol]);
      if (!is_new && line.cx_row === row && line.cx_digits === digits) return;
      const is_change = !is_first && line.cx_row !== row;
      line.cx_row = row;
      line.cx_digits = digits;
      put_class(line, order.is_open ? "cryptox-open" : "cryptox-done");
      draw_order(line, order, digits, now);
      if (is_change) flash(line, 0);
    });
    is_first = false;
    const last = picture.rows.length - (picture.open - picture.more);
    const more = picture.more ? " (" + picture.more + " of them are not shown)" : "";
    put_text(note, !picture.rows.length ? "No orders yet."
      : picture.open + " open" + more + (last ? ", the last " + last + " of the others" : ""));
    holder.hidden = !picture.rows.length;
  }

  draw();
  return {
    update(changes) {
      picture = changes.reduce(apply_orders, picture);
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
