// What ladders, tapes and tables share. Whatever comes from outside becomes text; rows are used again, not made anew.

// Sets the text only where it differs: what does not change costs the page nothing.
function put_text(node, text) {
  if (node.cx_text !== text) {
    node.cx_text = text;
    node.textContent = text;
  }
}

function put_class(node, className) {
  if (node.cx_class !== className) {
    node.cx_class = className;
    node.className = className;
  }
}

// A number with its decimals and its thousands apart: 64,000.10. A dash for none.
function amount(value, digits) {
  if (value === null || value === undefined) return "–";
  const text = Math.abs(value).toFixed(Math.min(20, Math.max(0, digits)));
  const point = text.indexOf(".");
  const end = point < 0 ? text.length : point;
  let whole = text.slice(0, end);
  for (let place = end - 3; place > 0; place -= 3) whole = whole.slice(0, place) + "," + whole.slice(place);
  const sign = value < 0 && Number(text) !== 0 ? "−" : "";
  return sign + whole + text.slice(end);
}

// With its sign always: +1.25, −0.40.
function signed_amount(value, digits) {
  const text = amount(value, digits);
  return value > 0 && Number(value.toFixed(digits)) !== 0 ? "+" + text : text;
}

// A large figure in four digits: 1.234 M. Small ones as they are.
function short_amount(value, digits) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  for (const [unit, name] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e4, "K"]]) {
    if (size >= unit) {
      const scaled = value / (unit === 1e4 ? 1e3 : unit);
      return amount(scaled, Math.abs(scaled) >= 100 ? 1 : Math.abs(scaled) >= 10 ? 2 : 3) + " " + name;
    }
  }
  return amount(value, digits);
}

// 12:34:56.789 of a time in ms UTC.
function clock_text(ms) {
  return ms === null || ms === undefined || !Number.isFinite(ms) ? "–" : new Date(ms).toISOString().slice(11, 23);
}

// The same with its day, where it is another than that of ``now``.
function moment_text(ms, now) {
  if (!ms || !Number.isFinite(ms)) return "–";
  const text = new Date(ms).toISOString();
  return text.slice(0, 10) === new Date(now).toISOString().slice(0, 10)
    ? text.slice(11, 19) : text.slice(0, 10) + " " + text.slice(11, 19);
}

// Digits of columns by symbol: never less than there were, so that columns stay where they are.
class Digits {
  constructor() {
    this.known = new Map();
  }

  // The same list as before, unless it grows.
  grown(key, found) {
    const before = this.known.get(key);
    if (before && !(found || []).some((digits, place) => digits > before[place])) return before;
    const now = before ? before.map((digits, place) => Math.max(digits, found[place])) : [...(found || [0, 0])];
    this.known.set(key, now);
    return now;
  }
}

// Rows after a change {put, gone}: by their first item. A new list, in no order.
function apply_rows(rows, change) {
  if (!change) return rows;
  const by_key = new Map(rows.map((row) => [row[0], row]));
  for (const key of change.gone || []) by_key.delete(key);
  for (const row of change.put || []) by_key.set(row[0], row);
  return [...by_key.values()];
}

function compare_items(one, other) {
  return one < other ? -1 : one > other ? 1 : 0;
}

const calm = typeof matchMedia === "function" ? matchMedia("(prefers-reduced-motion: reduce)") : { matches: false };

// A gentle light behind what has changed; none for those who want no motion.
function flash(node, direction) {
  if (calm.matches || typeof node.animate !== "function") return;
  const colour = direction > 0 ? "var(--cx-up-soft)" : direction < 0 ? "var(--cx-down-soft)" : "var(--cx-soft)";
  if (node.cx_flash) node.cx_flash.cancel();
  node.cx_flash = node.animate([{ backgroundColor: colour }, { backgroundColor: "transparent" }],
    { duration: 900, easing: "ease-out" });
}

// Keeps one make a key in a parent, in the order given: moves only what is out of place, uses again what is gone.
class Rows {
  constructor(parent, make) {
    this.parent = parent;
    this.make = make;
    this.by_key = new Map();
    this.spare = [];
  }

  // ``draw(make, row, is_new)`` is called for each row.
  show(rows, draw) {
    const wanted = new Set(rows.map((row) => row[0]));
    for (const [key, node] of this.by_key) {
      if (!wanted.has(key)) {
        this.by_key.delete(key);
        this.spare.push(node);
      }
    }
    const places = [];
    for (const row of rows) {
      let node = this.by_key.get(row[0]);
      const is_new = !node;
      if (is_new) {
        node = this.spare.pop() || this.make();
        node.remove(); // else its new place would push all rows between out of theirs
        this.by_key.set(row[0], node);
      }
      draw(node, row, is_new);
      places.push(node);
    }
    for (const node of this.spare) if (node.parentNode) node.remove();
    let next = null;
    for (let place = places.length - 1; place >= 0; place -= 1) {
      if (places[place].parentNode !== this.parent || places[place].nextSibling !== next) {
        this.parent.insertBefore(places[place], next);
      }
      next = places[place];
    }
  }
}

// A table's head of names; ``sortable`` makes buttons of them. Returns {table, head, body, cells}.
function table_of(columns, label) {
  const table = make("table", "cryptox-table");
  table.setAttribute("aria-label", label);
  const head = make("thead");
  const line = make("tr");
  const cells = columns.map(({ name, className, is_plain }) => {
    const cell = make("th", className || "", is_plain ? undefined : name);
    if (is_plain) cell.append(make("span", "cryptox-unseen", name)); // what its cells show needs no name to be seen
    cell.setAttribute("scope", "col");
    line.append(cell);
    return cell;
  });
  head.append(line);
  const body = make("tbody");
  table.append(head, body);
  return { table, head: cells, body };
}

// A box that scrolls what is too wide or too long; by keyboard too.
function scrolled(table) {
  const box = make("div", "cryptox-scroll");
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", table.getAttribute("aria-label"));
  box.append(table);
  return box;
}

// A row of so many cells.
function row_of(class_names) {
  const line = make("tr");
  line.cx_cells = class_names.map((className) => {
    const cell = make("td", className);
    line.append(cell);
    return cell;
  });
  return line;
}

// A side as colour, sign and word; the word is for those who see neither.
function put_side(cell, side, word) {
  if (cell.cx_side === side) return;
  cell.cx_side = side;
  const sign = make("span", side === "buy" ? "cryptox-up" : "cryptox-down", side === "buy" ? "▲" : "▼");
  sign.setAttribute("aria-hidden", "true");
  cell.replaceChildren(sign, word ? document.createTextNode(" " + side) : make("span", "cryptox-unseen", side));
}
