// What one pane draws: its prices and, below them, up to three charts of studies with the same time axis. All changes within a frame
// are drawn once.

import { el, oncePerFrame } from "/shared/dom.js";
import { PriceChart } from "/shared/price_chart.js";
import { LineSet, StudyChart } from "/shared/study_chart.js";
import { t } from "/shared/texts.js";
import { inTurn } from "./turns.js";

const CLOSE = 50; // bars: changes farther from the end than this are drawn anew as a whole
const LEAST_PX = 48;
const STEP_PX = 16;
const HEIGHT = 96; // of a chart below, px, without the time axis under the last one
const AXIS_PX = 26;

export class Plots {
  /** `on`: { hover(time, point, marker), click(point, marker), range(), drawn() }. */
  constructor(node, on) {
    Object.assign(this, { node, on, bars: [], displays: [], below: new Map(), heights: new Map() });
    const align = oncePerFrame(() => this.#align());
    this.main = el("div", { class: "plot main" });
    node.append(this.main);
    this.price = new PriceChart(this.main, {
      hover: (time, point, id) => this.#hover(this.price, time, point, id),
      click: on.click,
      range: () => this.#range(this.price),
      drawn: () => {
        align();
        on.drawn();
      },
    });
    this.lines = new LineSet(this.price.chart);
    this.leader = this.price;
    this.main.addEventListener("pointerenter", () => (this.leader = this.price));
    this.tail = { first: Infinity, count: 0, turn: inTurn("price", () => this.#tail(this.tail)) }; // what of the prices waits to be drawn
  }

  /** Recolour everything that is no line of a study; those come with `setStudies`. */
  setColours(colours) {
    this.colours = colours;
    for (const chart of this.#charts()) chart.setColours(colours);
  }

  setFormats(formats) {
    this.formats = formats;
    this.price.setFormats(formats);
    for (const { chart } of this.below.values()) chart.setTimes(formats);
  }

  /** How prices are drawn: { style, volume, log }. Return whether the bars have to be drawn anew. */
  setLook({ style, volume, log }) {
    const shown = volume !== false;
    const anew = this.price.setStyle(style) || shown !== this.price.wholeVolume;
    this.price.setVolume(shown);
    this.price.setLogarithmic(Boolean(log));
    if (anew) this.lines.setLines([]); // lines are drawn over the prices: they are made anew after them
    return anew;
  }

  /** Take the studies to draw: { id, place, levels, title, lines: [{ id, style, colour, colours, shown, write, values }], shapes }; then `redraw`. */
  setStudies(displays) {
    this.displays = displays;
    const wanted = displays.filter((one) => one.place === "below");
    for (const [id, { nodes, chart }] of this.below) {
      if (wanted.some((one) => one.id === id)) continue;
      chart.remove();
      for (const node of nodes) node.remove();
      this.below.delete(id);
    }
    for (const display of wanted) {
      if (!this.below.has(display.id)) this.below.set(display.id, this.#make(display));
      const { chart } = this.below.get(display.id);
      chart.lines.setLines(display.lines);
      chart.setLevels(display.levels ?? []);
    }
    const over = displays.filter((one) => one.place !== "below");
    this.lines.setLines(over.flatMap((one) => one.lines));
    this.price.setShapes(over.flatMap((one) => one.shapes.filter(({ shown }) => shown)));
    const rows = [...this.below.values()];
    this.price.axisShown = !rows.length;
    rows.forEach(({ chart }, at) => (chart.axisShown = at === rows.length - 1));
    this.node.closest(".pane").dataset.below = rows.length; // a pane with more charts is higher
  }

  /** Draw everything anew. The view stays, `added` bars having come in front, or at the newest bar; with `reset` it goes there. */
  redraw(bars, { added = 0, reset = false } = {}) {
    const range = reset ? null : this.price.range;
    const moved = this.price.live ? bars.length - this.price.count : added; // many may have come at once, after a sleep
    this.bars = bars;
    for (const tail of this.#tails()) Object.assign(tail, { first: Infinity, count: bars.length });
    this.price.setBars(bars, !reset, moved);
    for (const [set, line] of this.#lines()) set.setValues(line.id, bars, line.values);
    if (range) this.price.range = { from: range.from + moved, to: range.to + moved };
    this.#follow(this.price);
  }

  /** The bars from index `first` on have changed. */
  changed(bars, first) {
    this.bars = bars;
    for (const tail of this.#tails()) {
      tail.first = Math.min(tail.first, first);
      tail.turn();
    }
  }

  /** Show these indexes of bars. */
  show(range) {
    this.price.range = range;
    this.#follow(this.price);
  }

  /** Point at a bar's time, as another pane does; null takes the pointer away. */
  pointAt(time) {
    for (const chart of this.#charts()) chart.pointAt(time, this.#level(chart, time));
  }

  /** Where a chart below begins, by the id of its study. */
  placeOf(id) {
    return this.below.get(id)?.nodes[1] ?? this.main;
  }

  /** Remove the charts from the page. */
  remove() {
    this.gone = true; // what asked for a turn gets none any more
    for (const chart of this.#charts()) chart.remove();
  }

  #charts() {
    return [this.price, ...[...this.below.values()].map(({ chart }) => chart)];
  }

  // Each line with the set that draws it, of all studies or of those that match.
  #lines(match = () => true) {
    return this.displays.filter(match).flatMap((display) => {
      const set = display.place === "below" ? this.below.get(display.id).chart.lines : this.lines;
      return display.lines.map((line) => [set, line]);
    });
  }

  // What waits to be drawn of each chart: { first (index of a bar), count (bars that it shows), turn() }.
  #tails() {
    return [this.tail, ...[...this.below.values()].map(({ tail }) => tail)];
  }

  // Draw what has changed in the chart of the prices, or in that of the study `id` below them.
  #tail(tail, id) {
    const { bars } = this;
    const { first, count } = tail;
    if (first === Infinity || this.gone) return;
    if (first < bars.length - CLOSE || first < count - 1) {
      this.redraw(bars);
      return;
    }
    Object.assign(tail, { first: Infinity, count: bars.length });
    const lines = this.#lines((one) => (one.place === "below" ? one.id === id : !id));
    for (let at = first; at < bars.length; at += 1) {
      if (!id) this.price.updateBar(bars[at], at + 1);
      for (const [set, line] of lines) set.update(line.id, bars[at][0], line.values[at]);
    }
    if (id && count < bars.length) this.#follow(this.price); // it has moved on already
  }

  #make({ id }) {
    const grip = el("div", { class: "split", role: "separator", tabindex: "0", "aria-orientation": "horizontal", "aria-label": t("resize") });
    const plot = el("div", { class: "plot below", data: { study: id } });
    this.node.append(grip, plot);
    this.#resize(plot, this.heights.get(id) ?? HEIGHT, id);
    const axis = () => (plot.nextElementSibling ? 0 : AXIS_PX);
    const chart = new StudyChart(plot, { hover: (time, point) => this.#hover(chart, time, point, undefined), range: () => this.#range(chart) });
    plot.addEventListener("pointerenter", () => (this.leader = chart));
    if (this.colours) chart.setColours(this.colours);
    if (this.formats) chart.setTimes(this.formats);
    grip.addEventListener("pointerdown", (event) => grip.setPointerCapture(event.pointerId));
    grip.addEventListener("pointermove", (event) => grip.hasPointerCapture(event.pointerId) && this.#resize(plot, plot.getBoundingClientRect().bottom - event.clientY - axis(), id));
    grip.addEventListener("keydown", (event) => {
      const step = { ArrowUp: STEP_PX, ArrowDown: -STEP_PX }[event.key];
      if (step) this.#resize(plot, plot.offsetHeight - axis() + step, id);
    });
    const tail = { first: Infinity, count: 0, turn: inTurn("below", () => this.below.has(id) && this.#tail(tail, id)) };
    return { nodes: [grip, plot], chart, tail };
  }

  #resize(plot, height, id) {
    const most = Math.max(LEAST_PX, this.node.clientHeight * 0.6);
    const pixels = Math.round(Math.min(Math.max(height, LEAST_PX), most));
    this.heights.set(id, pixels);
    plot.style.setProperty("--height", `${pixels}px`);
  }

  #range(chart) {
    if (chart !== this.leader || this.following) return;
    this.following = true;
    this.#follow(chart);
    this.following = false;
    this.on.range();
  }

  #follow(leader) {
    const { range } = leader;
    if (range) for (const chart of this.#charts()) if (chart !== leader) chart.range = range;
    this.#align();
  }

  // One width for all price scales, so that the plots stand below each other.
  #align() {
    if (this.gone) return;
    const charts = this.#charts();
    const widest = charts.length > 1 ? Math.max(...charts.map((chart) => chart.scaleWidth)) : 0;
    for (const chart of charts) chart.scaleWidth = widest;
  }

  #hover(chart, time, point, id) {
    for (const other of this.#charts()) if (other !== chart) other.pointAt(time, this.#level(other, time));
    this.on.hover(time, point, id);
  }

  // A value to point at: the charts need one, although only the time is shown.
  #level(chart, time) {
    if (time === null) return null;
    if (chart === this.price) return chart.valueAt(time);
    const display = this.displays.find((one) => this.below.get(one.id)?.chart === chart);
    return display?.lines[0]?.values.at(-1) ?? 0;
  }
}
