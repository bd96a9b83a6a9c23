// The user's own balances, zeros left out.

function apply_account(picture, change) {
  const after = { ...picture };
  for (const name of ["digits", "more"]) if (name in change) after[name] = change[name];
  if (change.rows) {
    after.rows = apply_rows(picture.rows, change.rows).sort((one, other) => compare_items(one[0], other[0]));
  }
  return after;
}

function paint_account(el, initial) {
  let picture = initial;
  const known = new Digits();
  const note = make("p", "cryptox-note");
  const heads = [{ name: "asset", className: "cryptox-left" }, { name: "free" }, { name: "locked" }, { name: "total" }];
  const { table, body } = table_of(heads, "Own balances");
  const holder = scrolled(table);
  el.append(holder, note);
  const rows = new Rows(body, () => row_of(["cryptox-left", "cryptox-number", "cryptox-number", "cryptox-number"]));
  let is_first = true;

  function draw() {
    rows.show(picture.rows, (line, row, is_new) => {
      const digits = known.grown(row[0], [picture.digits[row[0]] || 0]);
      if (!is_new && line.cx_row === row && line.cx_digits === digits) return;
      const before = is_new ? null : line.cx_row;
      line.cx_row = row;
      line.cx_digits = digits;
      put_text(line.cx_cells[0], row[0]);
      for (const place of [1, 2, 3]) {
        put_text(line.cx_cells[place], amount(row[place], digits[0]));
        put_class(line.cx_cells[place], "cryptox-number" + (row[place] ? "" : " cryptox-faint"));
        if (before && before[place] !== row[place]) flash(line.cx_cells[place], row[place] - before[place]);
      }
      if (is_new && !is_first) flash(line, 1);
    });
    is_first = false;
    holder.hidden = !picture.rows.length;
    put_text(note, !picture.rows.length ? "No balances." : picture.more ? picture.more + " more assets" : "");
    note.hidden = !note.cx_text;
  }

  draw();
  return {
    update(changes) {
      picture = changes.reduce(apply_account, picture);
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
