// A page for the tests: just as much of a DOM as the scripts of ladders, tapes and tables use, and no way to parse HTML.
// Reads [script text, cases] from standard input; each case is {kind, pictures: [first, changes, state]} and gives the
// text of what is drawn.

class Node {
  constructor(name) {
    this.name = name;
    this.children = [];
    this.parentNode = null;
    this.attributes = {};
    this.style = {};
    this.hidden = false;
    this.own = "";
    this.className = "";
    this.listeners = {};
    this.writes = 0;
    const forbidden = () => { throw new Error("HTML is never parsed"); };
    for (const word of ["innerHTML", "outerHTML"]) Object.defineProperty(this, word, { get: forbidden, set: forbidden });
    this.insertAdjacentHTML = forbidden;
  }
  get classList() {
    return { add: (name) => { this.className = `${this.className} ${name}`.trim(); } };
  }
  get firstChild() { return this.children[0] ?? null; }
  get nextSibling() {
    const siblings = this.parentNode?.children ?? [];
    return siblings[siblings.indexOf(this) + 1] ?? null;
  }
  get textContent() { return this.own + this.children.map((one) => one.textContent).join(""); }
  set textContent(text) {
    this.writes += 1;
    counted.writes += 1;
    this.children = [];
    this.own = String(text);
  }
  append(...nodes) { for (const node of nodes) this.insertBefore(typeof node === "string" ? text(node) : node, null); }
  replaceChildren(...nodes) {
    this.children = [];
    this.own = "";
    this.append(...nodes);
  }
  insertBefore(node, next) {
    counted.moves += 1;
    node.remove();
    node.parentNode = this;
    this.children.splice(next === null ? this.children.length : this.children.indexOf(next), 0, node);
  }
  remove() {
    const siblings = this.parentNode?.children;
    if (siblings) siblings.splice(siblings.indexOf(this), 1);
    this.parentNode = null;
  }
  setAttribute(name, value) { this.attributes[name] = String(value); }
  getAttribute(name) { return this.attributes[name] ?? null; }
  addEventListener(name, work) { (this.listeners[name] ??= []).push(work); }
  click() { for (const work of this.listeners.click ?? []) work(); }
  find(test) { return test(this) ? this : this.children.map((one) => one.find(test)).find(Boolean); }
}

const counted = { made: 0, moves: 0, writes: 0 };
function text(words) {
  const node = new Node("#text");
  node.own = words;
  return node;
}
globalThis.document = {
  createElement: (name) => { counted.made += 1; return new Node(name); },
  createTextNode: text,
};
globalThis.setInterval = () => 0;
globalThis.clearInterval = () => {};
let clock = 0;
globalThis.performance = { now: () => clock };

// What a reader sees: names of elements with their text; hidden ones, and how it came about, left out.
function seen(node) {
  if (node.hidden) return null;
  const look = [node.attributes["aria-sort"], node.className, node.style.transform].filter(Boolean).join(" ");
  return [node.name, look, node.own, ...node.children.map(seen).filter(Boolean)];
}

let input = "";
for await (const part of process.stdin) input += part;
const [script, cases] = JSON.parse(input);
const names = ["book", "trades", "ticker", "orders", "account", "health"];
const paints = new Function(`${script}\nreturn { ${names.map((name) => `${name}: paint_${name}`).join(", ")} };`)();
const tools = {};

const results = cases.map(({ kind, first, updates, clicks }) => {
  const el = new Node("div");
  clock = 0;
  const painted = paints[kind](el, structuredClone(first), tools);
  const before = { ...counted };
  for (const name of clicks ?? []) el.find((node) => node.name === "button" && node.textContent === name).click();
  for (const [changes, state, replaced] of updates) {
    clock += 1000;
    if (changes.length) painted.update(structuredClone(changes), state ?? { received: 0 });
    if (replaced) painted.replace(structuredClone(replaced));
  }
  const steps = Object.fromEntries(Object.keys(counted).map((name) => [name, counted[name] - before[name]]));
  return { seen: seen(el), text: el.textContent, steps };
});
process.stdout.write(JSON.stringify(results));
