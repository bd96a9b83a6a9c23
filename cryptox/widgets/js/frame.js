// The frame around every live view: what it is, how it is, its buttons, its errors; and the pace of drawing.
//
// A kind of view is a function paint_<kind>(el, picture, tools), which draws the picture into el and returns
// { update(changes, state), destroy() }. `changes` is a list, oldest first, of what its painter in Python calls a
// change; it is called at most once an animation frame, and only while the view is on the screen. Optional are
// replace(picture), which shows another picture and says whether it could (else the view is painted anew), keep(),
// whose result the next painting finds as tools.kept, and theme(), called when colours have changed.
//
// Whatever comes from outside is set as text; nothing here or in a kind of view is ever parsed as HTML.

const HIDDEN_MS = 5000; // a page that is hidden for longer is sent nothing until it is looked at again
const MOST_WAITING = 400; // changes that wait for a view that is not on the screen; then it asks for the whole

function make(tag, name, text) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  return element;
}

// A number with all its digits: 67,512.10
function fixed(value, digits) {
  if (value === null || value === undefined) return "–";
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

// 2024-06-01 12:00:05, UTC
function utc(ms) {
  return ms === null || ms === undefined ? "–" : new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}

// Text for the titles and hovers of plotly, which reads some HTML in them.
function plain(text) {
  return String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function luminance(colour) {
  const parts = (colour.match(/[\d.]+/g) || [255, 255, 255]).map(Number);
  return (0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]) / 255;
}

// plotly.js of the kernel's installed wheel: unpacked and loaded once a page, whatever the number of charts.
function load_plotly(model) {
  const loaded = (globalThis.__cryptox_plotly ??= new Map());
  const reference = model.get("plotly").replace("IPY_MODEL_", "");
  const promise = loaded.get(reference) ?? unpack_plotly(model, reference);
  loaded.set(reference, promise);
  promise.catch(() => loaded.delete(reference));
  return promise;
}

async function unpack_plotly(model, reference) {
  const carrier = await model.widget_manager.get_model(reference);
  const loaded = globalThis.__cryptox_plotly;
  const version = carrier.get("version");
  if (!loaded.has(version)) loaded.set(version, run_plotly(carrier.get("packed")));
  return loaded.get(version);
}

async function run_plotly(packed) {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const code = await new Response(stream).text();
  // As a module of its own: it must not take the place of a plotly that the page has already.
  const shell = [
    "const module = { exports: {} }, exports = module.exports, define = undefined, before = globalThis.Plotly;\n",
    code,
    "\nconst found = module.exports;",
    "if (before === undefined) { delete globalThis.Plotly; } else { globalThis.Plotly = before; }",
    "export default found;",
  ];
  const address = URL.createObjectURL(new Blob(shell, { type: "text/javascript" }));
  try {
    return (await import(/* webpackIgnore: true */ address)).default;
  } finally {
    URL.revokeObjectURL(address);
  }
}

// The words for how it is, the one that matters most first.
function state_word(state) {
  if (state.stopped) return ["stopped", "cryptox-plain"];
  if (state.word) return [state.word, "cryptox-" + state.look];
  if (!state.connected) return [state.reconnects || state.received ? "reconnecting" : "connecting", "cryptox-bad"];
  if (!state.synced) return ["catching up", "cryptox-warn"];
  return ["connected", "cryptox-good"];
}

function counts(state) {
  const parts = [];
  if (state.gaps) parts.push(`${state.gaps} ${state.gaps === 1 ? "gap" : "gaps"}`);
  if (state.dropped) parts.push(`${state.dropped} dropped`);
  if (state.reconnects) parts.push(`${state.reconnects} ${state.reconnects === 1 ? "reconnect" : "reconnects"}`);
  if (state.latency !== null && state.latency !== undefined) parts.push(`${Math.round(state.latency * 1000)} ms`);
  return parts.join(" · ");
}

function build_frame(el) {
  const parts = {
    root: make("div", "cryptox-live"),
    title: make("span", "cryptox-title"),
    venue: make("span", "cryptox-venue"),
    word: make("span", "cryptox-state"),
    stale: make("span", "cryptox-state cryptox-warn", "stale"),
    counts: make("span", "cryptox-counts"),
    pause: make("button", "cryptox-pause", "Pause"),
    stop: make("button", "cryptox-stop", "Stop"),
    error: make("div", "cryptox-error"),
    body: make("div", "cryptox-body"),
  };
  const head = make("div", "cryptox-head");
  const words = make("span");
  const buttons = make("span", "cryptox-buttons");
  parts.root.setAttribute("role", "group");
  words.setAttribute("role", "status");
  parts.error.setAttribute("role", "alert");
  for (const button of [parts.pause, parts.stop]) button.type = "button";
  parts.pause.title = "Hold the picture still; the feed goes on";
  parts.stop.title = "End the feed";
  words.append(parts.word, " ", parts.stale);
  buttons.append(parts.pause, parts.stop);
  head.append(parts.title, parts.venue, words, parts.counts, buttons);
  parts.root.append(head, parts.error, parts.body);
  parts.error.hidden = true;
  el.append(parts.root);
  return parts;
}

// While a view lives, the picture of the moment it was made, which is displayed beside it, is not shown. Where no view
// comes to life, as in a notebook that was saved, the picture stays.
function hide_snapshot(name) {
  const style = document.createElement("style");
  if (/^[0-9a-f]+$/.test(name)) {
    const snapshot = `.cryptox-snapshot-${name}`;
    // The output that is the snapshot, not one that holds other outputs too, as those of an Output widget.
    const output = `.jp-OutputArea-child:has(> .jp-OutputArea-output > ${snapshot})`;
    style.textContent = `${snapshot}, ${output} { display: none !important; }`;
  }
  document.head.append(style);
  return style;
}

class Framed {
  constructor(page, paint) {
    this.model = page.model;
    this.paint = paint;
    this.parts = build_frame(page.el);
    this.name = Math.random().toString(36).slice(2); // of this view, among all pages
    this.waiting = [];
    this.drawing = 0;
    this.number = -1;
    this.holding = Boolean(page.model.get("state").paused); // and by its own button, whatever the kernel is doing
    this.paused = this.holding; // as the kernel said last
    this.away = 0; // timer, and then true, of a page that nobody looks at
    this.asked = false;
    this.visible = true;
    this.trouble = null;
    this.lost = false; // its kernel is gone
  }

  begin() {
    this.on_message = (message) => this.hear(message);
    this.on_frame = () => {
      this.lost = false;
      this.frame();
    };
    this.on_whole = () => this.whole();
    this.on_live = () => this.live();
    this.model.on("msg:custom", this.on_message);
    this.model.on("change:state", this.on_frame);
    this.model.on("change:about", this.on_frame);
    this.model.on("change:initial", this.on_whole);
    this.model.on("comm_live_update", this.on_live);
    this.parts.pause.addEventListener("click", () => this.press_pause());
    this.parts.stop.addEventListener("click", () => this.press_stop());
    this.watcher = new IntersectionObserver((seen) => {
      this.visible = seen[seen.length - 1].isIntersecting;
      if (this.visible) this.on_theme(); // nothing has a colour before it stands in the page
      if (this.visible) this.draw_soon();
    });
    this.watcher.observe(this.parts.root);
    this.leaving = () => this.say("gone");
    this.looking = () => this.look();
    addEventListener("pagehide", this.leaving);
    document.addEventListener("visibilitychange", this.looking);
    this.hiding = hide_snapshot(this.model.get("snapshot") ?? "");
    this.watch_theme();
    this.frame();
    this.whole();
    this.say("shown");
  }

  end() {
    this.model.off("msg:custom", this.on_message);
    this.model.off("change:state", this.on_frame);
    this.model.off("change:about", this.on_frame);
    this.model.off("change:initial", this.on_whole);
    this.model.off("comm_live_update", this.on_live);
    removeEventListener("pagehide", this.leaving);
    document.removeEventListener("visibilitychange", this.looking);
    clearTimeout(this.away);
    this.hiding.remove();
    this.watcher.disconnect();
    this.themes.disconnect();
    this.media.removeEventListener("change", this.on_theme);
    if (this.drawing) cancelAnimationFrame(this.drawing);
    this.painted?.destroy();
    this.say("gone");
  }

  say(does) {
    try {
      this.model.send({ do: does, page: this.name, number: this.number });
    } catch (error) {
      console.debug("cryptox: the kernel does not hear", error); // it was closed, or there is none
    }
  }

  // The browser's tab was hidden, or is seen again.
  look() {
    clearTimeout(this.away);
    if (document.hidden) {
      this.away = setTimeout(() => {
        this.away = true;
        this.say("gone");
      }, HIDDEN_MS);
    } else {
      if (this.away === true) this.say("shown");
      this.away = 0;
    }
  }

  hear(message) {
    if (!message || message.change === undefined) return;
    if (message.number === this.number + 1 && this.waiting.length < MOST_WAITING) {
      this.number = message.number;
      this.asked = false;
      this.waiting.push(message.change);
      this.draw_soon();
    } else if (message.number > this.number && this.visible && !this.holding) {
      this.ask();
    }
  }

  // Something was missed: the whole is asked for, once.
  ask() {
    if (this.asked) return;
    this.asked = true;
    this.say("shown");
  }

  whole() {
    const { number, picture } = this.model.get("initial");
    if (number === this.number || (number < this.number && this.painted)) return;
    this.number = number;
    this.asked = false;
    this.waiting = [];
    this.attempt(() => {
      if (this.painted?.replace?.(structuredClone(picture))) return;
      const kept = this.painted?.keep?.();
      this.painted?.destroy();
      this.parts.body.replaceChildren();
      this.painted = undefined;
      this.painted = this.paint(this.parts.body, structuredClone(picture), this.tools(kept));
    });
  }

  draw_soon() {
    if (this.waiting.length && !this.drawing && this.visible && !this.holding && this.painted) {
      this.drawing = requestAnimationFrame(() => this.draw());
    } else if (this.waiting.length >= MOST_WAITING && this.visible && !this.holding) {
      this.ask();
    }
  }

  draw() {
    this.drawing = 0;
    const changes = this.waiting;
    this.waiting = [];
    this.attempt(() => this.painted?.update(changes, this.model.get("state")));
  }

  // Do it; what it fails of stands on the widget.
  attempt(work) {
    const tell = (error) => {
      this.trouble = `${error?.name ?? "Error"}: ${error?.message ?? error}`;
      this.frame();
    };
    try {
      const result = work();
      if (result instanceof Promise) result.catch(tell);
    } catch (error) {
      tell(error);
    }
  }

  tools(kept) {
    return {
      make, fixed, utc, plain, kept,
      plotly: () => load_plotly(this.model),
      colours: () => this.colours(),
      fail: (error) => this.attempt(() => { throw error; }),
    };
  }

  colours() {
    const style = getComputedStyle(this.parts.root);
    const of = (name) => style.getPropertyValue(name).trim();
    return {
      text: of("--cx-text"), faint: of("--cx-faint"), ground: of("--cx-ground"), line: of("--cx-line"),
      up: of("--cx-up"), down: of("--cx-down"), warn: of("--cx-warn"),
    };
  }

  watch_theme() {
    this.on_theme = () => {
      const ground = getComputedStyle(this.parts.root).backgroundColor;
      if (ground) this.parts.root.classList.toggle("cryptox-dark", luminance(ground) < 0.5);
      const colours = JSON.stringify(this.colours());
      if (colours === this.coloured) return;
      this.coloured = colours;
      this.attempt(() => this.painted?.theme?.());
    };
    this.media = matchMedia("(prefers-color-scheme: dark)");
    this.media.addEventListener("change", this.on_theme);
    this.themes = new MutationObserver(() => setTimeout(this.on_theme, 100));
    const attributes = ["class", "data-theme", "data-jp-theme-name", "data-jp-theme-light", "data-vscode-theme-kind"];
    this.themes.observe(document.body, { attributes: true, attributeFilter: attributes });
    this.on_theme();
  }

  frame() {
    const { parts } = this;
    const about = this.model.get("about");
    const state = this.model.get("state");
    if (Boolean(state.paused) !== this.paused) this.holding = this.paused = Boolean(state.paused);
    const [word, look] = this.lost ? ["kernel restarted", "cryptox-bad"] : state_word(state);
    parts.title.textContent = about.title ?? "";
    parts.venue.textContent = about.venue ?? "";
    parts.root.setAttribute("aria-label", `Live view: ${about.title ?? ""} of ${about.venue ?? ""}`);
    set_text(parts.word, word);
    parts.word.className = `cryptox-state ${look}`;
    parts.stale.hidden = !this.lost && (!state.stale || state.stopped);
    parts.counts.textContent = counts(state);
    parts.counts.title = `${state.received ?? 0} ${about.kind === "health" ? "looks" : "events received"}`;
    const errors = [state.error, this.trouble, state.trouble].filter(Boolean);
    set_text(parts.error, errors.join("\n"));
    parts.error.hidden = !errors.length;
    parts.pause.disabled = parts.stop.disabled = Boolean(state.stopped) || this.lost;
    set_text(parts.pause, this.holding ? "Resume" : "Pause");
    parts.pause.setAttribute("aria-pressed", String(this.holding));
    if (state.stopped) set_text(parts.stop, "Stopped");
  }

  // The front end says when the kernel is no more, from which nothing comes that could say so.
  live() {
    this.lost = !this.model.get("state").stopped;
    this.frame();
  }

  press_pause() {
    this.holding = !this.holding;
    this.say(this.holding ? "pause" : "resume");
    this.frame();
    this.draw_soon();
  }

  press_stop() {
    this.parts.stop.disabled = true;
    set_text(this.parts.stop, "Stopping");
    this.say("stop");
  }
}

// Screen readers speak of every change of a status, so what is the same is not set again.
function set_text(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function framed(page, paint) {
  const view = new Framed(page, paint);
  view.begin();
  return () => view.end();
}
