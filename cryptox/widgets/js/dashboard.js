// A dashboard: ticker above, chart, book and tape beneath; beside each other where there is room.

const DASHBOARD_PARTS = { ticker: paint_ticker, klines: paint_klines, book: paint_book, trades: paint_trades };

function paint_dashboard(el, initial, tools) {
  const grid = make("div", "cryptox-dashboard");
  const parts = new Map();
  const holder = make("div", "cryptox-dashboard-holder"); // whose width decides
  holder.append(grid);
  el.append(holder);
  for (const [name, paint] of Object.entries(DASHBOARD_PARTS)) {
    const box = make("section", "cryptox-part cryptox-part-" + name);
    grid.append(box);
    parts.set(name, paint(box, initial[name], { ...tools, kept: tools.kept?.[name] }));
  }

  return {
    update(changes, state) {
      for (const [name, part] of parts) {
        const some = changes.map((change) => change[name]).filter((change) => change !== undefined);
        if (some.length) part.update(some, { ...state, received: state.parts?.[name] ?? state.received });
      }
    },
    replace(other) {
      return [...parts].every(([name, part]) => part.replace(other[name]));
    },
    theme() {
      for (const part of parts.values()) part.theme?.();
    },
    keep: () => Object.fromEntries([...parts].map(([name, part]) => [name, part.keep?.()])),
    destroy() {
      for (const part of parts.values()) part.destroy();
    },
  };
}
