// Candles with volume: a trace of those that are closed, a trace of the last one, and bars of volume beneath.

function apply_candles(candles, step) {
  if (step.digits !== undefined) candles.digits = step.digits;
  if (step.volume_digits !== undefined) candles.volume_digits = step.volume_digits;
  if (step.rows === undefined) return false;
  const before = candles.rows.length;
  const last = candles.rows[before - 1];
  candles.rows.splice(0, step.drop);
  candles.rows.splice(step.keep, Infinity, ...step.rows);
  // Whether more than the last candle is another: else the long trace stays as it is.
  return !(step.drop === 0 && step.keep === before - 1 && step.rows.length === 1 && step.rows[0][0] === last[0]);
}

// Text: plotly takes numbers for dates only until one of the axes' values changes.
function dates(rows) {
  return rows.map((row) => new Date(row[0]).toISOString().slice(0, 23).replace("T", " "));
}

function candle_traces(rows, colours, interval) {
  // A lone candle has an empty neighbour, from which plotly learns how wide candles are.
  const neighbour = (row) => [row[0] - UNIT_MS[interval.slice(-1)] * parseInt(interval), ...NOTHING];
  const closed = rows.length === 1 ? [neighbour(rows[0])] : rows.slice(0, -1);
  const last = rows.slice(-1);
  const candles = (some) => ({
    type: "candlestick",
    x: dates(some), open: some.map((row) => row[1]), high: some.map((row) => row[2]),
    low: some.map((row) => row[3]), close: some.map((row) => row[4]),
    increasing: { line: { color: colours.up, width: 1 }, fillcolor: colours.up },
    decreasing: { line: { color: colours.down, width: 1 }, fillcolor: colours.down },
    hoverinfo: "x+y", showlegend: false,
  });
  const bars = (some) => ({
    type: "bar", yaxis: "y2", x: dates(some), y: some.map((row) => row[5]), opacity: 0.55,
    marker: { color: some.map((row) => (row[4] < row[1] ? colours.down : colours.up)), line: { width: 0 } },
    hovertemplate: "volume %{y}<extra></extra>", showlegend: false,
  });
  return [candles(closed), bars(closed), candles(last), bars(last)];
}

function candle_layout(colours, { rows, digits, volume_digits }) {
  const visible = rows.length > 0; // else plotly makes an axis up
  const axis = { visible, gridcolor: colours.line, linecolor: colours.line, zeroline: false, automargin: true };
  const empty = { text: "No candle yet.", showarrow: false, xref: "paper", yref: "paper", x: 0.5, y: 0.5, font: { size: 13 } };
  return {
    annotations: visible ? [] : [empty],
    autosize: true, margin: { l: 8, r: 8, t: 6, b: 24 }, uirevision: "kept",
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: colours.text, size: 11 }, barmode: "overlay", dragmode: "pan", hovermode: "x",
    hoverlabel: { bgcolor: colours.ground, bordercolor: colours.line, font: { color: colours.text } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: colours.faint, activecolor: colours.text },
    xaxis: { ...axis, type: "date", rangeslider: { visible: false }, anchor: "y2" },
    yaxis: { ...axis, domain: [0.24, 1], side: "right", tickformat: `,.${digits}f`, hoverformat: `,.${digits}f` },
    yaxis2: { ...axis, domain: [0, 0.2], side: "right", nticks: 3, rangemode: "tozero", fixedrange: true,
      hoverformat: `,.${volume_digits}f` },
  };
}

function paint_klines(el, picture, tools) {
  const symbols = Object.keys(picture.of);
  let symbol = symbols.includes(tools.kept?.symbol) ? tools.kept.symbol : symbols[0];
  let plotly = null;
  let drawn = Promise.resolve();
  let ended = false;

  const line = tools.make("div", "cryptox-line");
  const chart = tools.make("div", "cryptox-chart");
  const fields = {};
  if (symbols.length > 1) line.append(chooser());
  for (const name of ["UTC", "Open", "High", "Low", "Close", "Volume"]) {
    const field = tools.make("span");
    fields[name] = tools.make("span");
    field.append(tools.make("span", "cryptox-name", name), fields[name]);
    line.append(field);
  }
  chart.setAttribute("role", "img");
  el.append(line, chart);

  function chooser() {
    const select = tools.make("select");
    select.setAttribute("aria-label", "Symbol");
    for (const name of symbols) select.append(tools.make("option", "", name));
    select.value = symbol;
    select.addEventListener("change", () => {
      symbol = select.value;
      write();
      redraw();
    });
    return select;
  }

  function write() {
    const { rows, digits, volume_digits } = picture.of[symbol];
    const [time, open, high, low, close, volume] = rows[rows.length - 1] ?? [];
    const texts = {
      UTC: tools.utc(time).slice(0, LONG[picture.interval.slice(-1)] ?? 16), Open: tools.fixed(open, digits), High: tools.fixed(high, digits),
      Low: tools.fixed(low, digits), Close: tools.fixed(close, digits), Volume: tools.fixed(volume, volume_digits),
    };
    for (const [name, text] of Object.entries(texts)) fields[name].textContent = text;
    fields.Close.className = close < open ? "cryptox-down" : "cryptox-up";
    const words = `${symbol} ${picture.interval}: ${rows.length} candles, last close ${texts.Close}`;
    if (chart.getAttribute("aria-label") !== words) chart.setAttribute("aria-label", words);
  }

  // Drawing takes turns: what came while plotly was busy is drawn with the next turn.
  function redraw() {
    const colours = tools.colours();
    const { of, interval } = picture;
    const shown = of[symbol];
    return turn(() =>
      plotly.react(chart, candle_traces(shown.rows, colours, interval), candle_layout(colours, shown), CONFIG));
  }

  function move_last() {
    const { rows } = picture.of[symbol];
    const [, open, high, low, close, volume] = rows[rows.length - 1];
    const colours = tools.colours();
    const tail = {
      open: [[open], undefined], high: [[high], undefined], low: [[low], undefined],
      close: [[close], undefined], y: [undefined, [volume]],
      "marker.color": [undefined, [close < open ? colours.down : colours.up]],
    };
    return turn(() => plotly.restyle(chart, tail, [2, 3]));
  }

  function turn(work) {
    drawn = drawn.then(() => (plotly === null || ended ? undefined : work())).catch(tools.fail);
    return drawn;
  }

  write();
  tools.plotly().then((found) => {
    if (ended) return;
    plotly = found;
    redraw();
  }, tools.fail);

  const resized = new ResizeObserver(() => turn(() => plotly.Plots.resize(chart)));
  resized.observe(chart);

  return {
    update(changes) {
      let whole = false;
      let touched = false;
      for (const change of changes) {
        for (const [name, step] of Object.entries(change.of)) {
          const moved = apply_candles(picture.of[name], step);
          touched ||= name === symbol;
          whole ||= name === symbol && (moved || step.digits !== undefined);
        }
      }
      if (!touched) return;
      write();
      if (whole) redraw();
      else move_last();
    },
    replace(other) {
      if (Object.keys(other.of).join() !== symbols.join() || other.interval !== picture.interval) return false;
      picture = other;
      write();
      redraw();
      return true;
    },
    theme: redraw,
    keep: () => ({ symbol }),
    destroy() {
      ended = true;
      resized.disconnect();
      if (plotly) plotly.purge(chart);
    },
  };
}

const LONG = { s: 19, d: 10, w: 10, M: 10 }; // characters of a time, by the unit of the interval
const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000, M: 2_592_000_000 };
const NOTHING = [null, null, null, null, null];
const CONFIG = {
  displaylogo: false, responsive: false, scrollZoom: false, showTips: false, doubleClick: "reset",
  modeBarButtons: [["pan2d", "zoom2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
};
