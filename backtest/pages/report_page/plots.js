// What the strategy drew: lines over the prices, those that belong below in a chart of their own, and Chan elements.

import * as format from "/shared/format.js";
import { LineSet, StudyChart } from "/shared/study_chart.js";
import { byId, el } from "./page.js";

const COLOURS = 6; // --study-1 to --study-6

export class Plots {
  /** `data` is the report's, `price` its chart of prices; `options` go to the chart library. */
  constructor(data, price, options) {
    Object.assign(this, { all: data.plots, chan: data.chan, price, shown: [], shapes: [] });
    this.lines = new LineSet(price.chart);
    if (!this.all.some(({ place }) => place === "below")) return;
    for (const id of ["below", "below-bar"]) byId(id).hidden = false;
    this.below = new StudyChart(byId("below"), { hover: () => {}, range: () => {} }, options);
    this.below.valueAt = (time) => this.shown.find(({ place }) => place === "below")?.byTime.get(time);
  }

  /** The chart below the prices, if there is one. */
  get charts() {
    return this.below ? [this.below] : [];
  }

  setColours(colours) {
    this.colours = colours;
    this.below?.setColours(colours);
  }

  /** Draw the lines of a symbol over its bars; all charts have the times of `axis`. */
  show(symbol, bars, axis, decimals) {
    const used = { price: 0, below: 0 };
    this.shown = this.all.filter((one) => one.symbol === symbol).map((one) => this.#line(one, bars, `study-${(used[one.place]++ % COLOURS) + 1}`, decimals));
    const [over, below] = ["price", "below"].map((place) => this.shown.filter((one) => one.place === place));
    this.lines.setLines(over);
    for (const { id, values } of over) this.lines.setValues(id, bars, values);
    this.shapes = Object.entries(this.chan[symbol] ?? {}).map(([title, part], at) => this.#shapes(title, part, bars, `study-${COLOURS - at}`));
    this.price.setShapes(this.shapes);
    if (!this.below) return;
    this.below.lines.setLines(below);
    const places = axis.map((time) => [time]);
    for (const { id, byTime } of below) this.below.lines.setValues(id, places, axis.map((time) => byTime.get(time)));
    this.#say(byId("below-legend"), below, bars.length - 1);
  }

  /** The names and values of the lines over the bar of an index, for the legend; those below stand over their chart. */
  over(at) {
    if (this.below) this.#say(byId("below-legend"), this.shown.filter(({ place }) => place === "below"), at);
    return [...this.shown.filter(({ place }) => place === "price").map((one) => name(one, at)), ...this.shapes.map(part)];
  }

  #line({ name: title, place, at, values }, bars, token, decimals) {
    const placed = new Array(bars.length).fill(null);
    at.forEach((bar, n) => (placed[bar] = values[n]));
    const byTime = new Map(at.map((bar, n) => [bars[bar][0], values[n]]));
    const write = (value) => format.price(value, place === "price" ? decimals : Math.max(2, decimals));
    return { id: `${place}|${title}`, title, place, style: "line", shown: true, colour: this.colours[token], values: placed, byTime, write };
  }

  // Their rows name bars by their numbers; the chart wants their times.
  #shapes(title, { style, rows }, bars, token) {
    const placed = rows.map(([begin, price, end, other, ...more]) => [bars[begin][0], price, bars[end][0], other, ...more]);
    return { title, colour: style === "marker" ? "" : this.colours[token], part: { style, rows: placed }, write: (text) => text };
  }

  #say(node, lines, at) {
    node.replaceChildren(...lines.map((one) => name(one, at)));
  }
}

function name({ title, colour, values, write }, at) {
  const found = el("span", {}, `${title} `, el("b", { text: write(values[at] ?? null) }));
  found.style.color = colour;
  return found;
}

function part({ title, colour }) {
  const found = el("span", { text: title });
  found.style.color = colour;
  return found;
}
