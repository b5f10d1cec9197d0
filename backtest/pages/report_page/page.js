// What the parts of the report share: its data, elements, and the theme.

const root = document.documentElement;
const TOKENS = ["panel", "raised", "line", "text", "muted", "faint", "accent", "up", "down", "mark", ...[1, 2, 3, 4, 5, 6].map((at) => `study-${at}`)];

export const byId = (id) => document.getElementById(id);

/** The numbers that report_data.py packed. */
export function unpack(packed) {
  if (!packed || packed.first === null) return [];
  const { first, unit, scale, steps } = packed;
  const found = new Array(steps.length + 1);
  let whole = first;
  found[0] = whole / scale;
  for (let at = 0; at < steps.length; at += 1) {
    whole += steps[at] * unit;
    found[at + 1] = whole / scale;
  }
  return found;
}

/** The rows that report_data.py packed: a name and numbers each. */
export function unpackRows({ names, columns }) {
  const [places, ...numbers] = columns.map(unpack);
  return places.map((place, at) => [names[place], ...numbers.map((column) => column[at])]);
}

/** The report's data; columns are unpacked. */
export function readData() {
  const data = JSON.parse(byId("data").textContent);
  data.times = unpack(data.times);
  data.values = unpack(data.values);
  data.fills = unpackRows(data.fills);
  data.trades = unpackRows(data.trades);
  for (const one of data.symbols) for (const name of ["times", "open", "high", "low", "close", "volume"]) one[name] = unpack(one[name]);
  for (const one of data.plots) one.at = unpack(one.at);
  if (data.ticks) carryValues(data);
  return data;
}

// The account of a run over ticks has a value now and then: it is drawn at every time that a price is drawn at, so that charts move as one.
function carryValues(data) {
  const axis = [...new Set([...data.times, ...data.symbols.flatMap((one) => one.times)])].sort((a, b) => a - b);
  let at = -1;
  data.values = axis.map((time) => {
    while (at + 1 < data.times.length && data.times[at + 1] <= time) at += 1;
    return at < 0 ? data.measures.start_value : data.values[at];
  });
  data.times = axis;
}

/** An element with properties and children; children are texts or elements. */
export function el(tag, properties = {}, ...children) {
  const { on = {}, ...others } = properties;
  const found = document.createElement(tag);
  for (const [name, value] of Object.entries(others)) {
    if (name === "text") found.textContent = value;
    else if (name === "class") found.className = value;
    else if (value !== null && value !== undefined) found.setAttribute(name, value);
  }
  for (const [name, act] of Object.entries(on)) found.addEventListener(name, act);
  found.append(...children);
  return found;
}

/** How many decimals a percentage of this size needs to differ from 0: two, and below 0.1 two digits that say something. */
export function percentDecimals(size) {
  return size >= 5e-8 && size < 0.1 ? 1 - Math.floor(Math.log10(size)) : 2;
}

/** A list with a title, of rows of a label and a text each. */
export function group(name, rows) {
  return el("dl", { class: "group" }, el("h3", { text: name }), ...rows.flatMap(([label, value]) => [el("dt", { text: label }), el("dd", { text: value })]));
}

/** The index of the last of sorted `times` that is not after `time`; 0 if all are. */
export function indexAt(times, time) {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (times[middle] <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The least of many numbers (Math.min takes no hundred thousand). */
export function least(numbers) {
  return numbers.reduce((found, one) => Math.min(found, one), Infinity);
}

/** The theme: the system's at first, light on paper, else as the button says. */
export class Theme {
  constructor(changed) {
    this.changed = changed;
    this.light = matchMedia("(prefers-color-scheme: light)");
    this.chosen = "";
    this.printing = false;
    this.light.addEventListener("change", () => this.#apply());
    addEventListener("beforeprint", () => this.#print(true));
    addEventListener("afterprint", () => this.#print(false));
    byId("theme").addEventListener("click", () => this.#next());
    this.#apply(false);
  }

  /** The colours by token name. */
  get colours() {
    const style = getComputedStyle(root);
    return Object.fromEntries(TOKENS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }

  #next() {
    this.chosen = root.dataset.theme === "dark" ? "light" : "dark";
    this.#apply();
  }

  #print(on) {
    this.printing = on;
    this.#apply();
  }

  #apply(tell = true) {
    const system = this.light.matches ? "light" : "dark";
    root.dataset.theme = this.printing ? "light" : this.chosen || system;
    const dark = root.dataset.theme === "dark";
    byId("theme").textContent = dark ? "◐" : "◑";
    byId("theme").title = dark ? "Light theme" : "Dark theme";
    byId("theme").setAttribute("aria-label", byId("theme").title);
    if (tell) this.changed();
  }
}
