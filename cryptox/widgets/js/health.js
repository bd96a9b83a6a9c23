// How everything is doing: a line a component, and below what to do.

const HEALTH_SIGNS = {
  healthy: ["●", "cryptox-up"], degraded: ["▲", "cryptox-warn"], unhealthy: ["✘", "cryptox-down"],
  unknown: ["?", "cryptox-faint"],
};

// A status as sign, colour and word; the word is for those who see neither.
function put_status(cell, status) {
  if (cell.cx_status === status) return;
  cell.cx_status = status;
  const [sign, look] = HEALTH_SIGNS[status] || HEALTH_SIGNS.unknown;
  const mark = make("span", look, sign);
  mark.setAttribute("aria-hidden", "true");
  cell.replaceChildren(mark, document.createTextNode(" " + status));
}

function put_lines(parent, texts, tag) {
  const said = JSON.stringify(texts);
  if (parent.cx_said === said) return;
  parent.cx_said = said;
  parent.replaceChildren(...texts.map((text) => make(tag, "", text)));
}

function paint_health(el, initial) {
  let picture = initial;
  const heads = ["component", "status", "figures and reasons"].map((name) => ({ name, className: "cryptox-left" }));
  const { table, body } = table_of(heads, "Health");
  const title = make("p", "cryptox-note", "What to do");
  const advice = make("ul", "cryptox-advice");
  const time = make("p", "cryptox-note");
  el.append(scrolled(table), title, advice, time);
  const rows = new Rows(body, () => {
    const line = row_of(["cryptox-left", "cryptox-left", "cryptox-said"]);
    line.cx_figures = make("div");
    line.cx_reasons = make("div");
    line.cx_cells[2].append(line.cx_figures, line.cx_reasons);
    return line;
  });

  function draw() {
    rows.show(picture.rows, (line, [name, status, is_used, figures, reasons]) => {
      put_text(line.cx_cells[0], name.replaceAll("_", " "));
      put_status(line.cx_cells[1], status);
      put_text(line.cx_figures, figures);
      put_class(line.cx_figures, is_used ? "" : "cryptox-faint");
      put_lines(line.cx_reasons, reasons, "div");
    });
    put_lines(advice, picture.advice, "li");
    title.hidden = advice.hidden = !picture.advice.length;
    put_text(time, "Looked at " + picture.time.replace("T", " ").replace("Z", " UTC"));
    time.hidden = !picture.time;
  }

  draw();
  return {
    update() {},
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
