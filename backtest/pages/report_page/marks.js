// Fills on the price chart: those of one bar and side as one mark, with size and mean price where few are in view, as arrows where more
// are, small where many are, and not at all where they would hide the prices.

import * as format from "/shared/format.js";
import { indexAt } from "./page.js";

const NEAR = 200; // bars in view: up to so many, marks have their words beside them
const MANY = 80; // marks in view: more are drawn small, and without words
const TOO_MANY = 800; // more are not drawn
const AROUND = 400; // bars beyond the view whose marks are drawn with it, so that moving it a little draws nothing

export class Marks {
  /** `changed(crowd)` is told when the way that fills are drawn changes. */
  constructor(chart, changed) {
    Object.assign(this, { chart, changed, fills: [], marks: [], axis: [], decimals: 2, crowd: "", from: 0, to: -1 });
  }

  /** Other fills, of a symbol with bars at `times`; `axis` holds all times of the chart. */
  take(fills, times, axis, decimals) {
    Object.assign(this, { fills, marks: times.length ? marksOf(fills, times) : [], axis, decimals, crowd: "" });
  }

  /** Draw the fills if the way that they are drawn changes with the view, or with `anew`. */
  draw(anew = false) {
    const range = this.chart.chart.timeScale().getVisibleLogicalRange();
    if (!range || !this.axis.length || !this.chart.colours) return;
    const [from, to] = [this.#timeAt(Math.floor(range.from)), this.#timeAt(Math.ceil(range.to))];
    const seen = this.#between(from, to).length;
    const crowd = seen <= MANY ? (range.to - range.from <= NEAR ? "near" : "some") : seen <= TOO_MANY ? "many" : "too many";
    const covered = crowd === "too many" || (from >= this.from && to <= this.to);
    if (crowd === this.crowd && covered && !anew) return;
    this.crowd = crowd;
    [this.from, this.to] = [this.#timeAt(Math.floor(range.from) - AROUND), this.#timeAt(Math.ceil(range.to) + AROUND)];
    this.chart.setMarkers(crowd === "too many" ? [] : this.#between(this.from, this.to).map((one) => this.#mark(one)));
    this.changed(crowd);
  }

  #timeAt(place) {
    return this.axis[Math.max(0, Math.min(this.axis.length - 1, place))];
  }

  // The marks of a stretch; they lie in the order of their bars.
  #between(from, to) {
    return this.marks.slice(first(this.marks, from), first(this.marks, to + 1));
  }

  #mark([id, time, size, value]) {
    const words = `${format.quantity(Math.abs(size))} @ ${format.price(value / size, this.decimals)}`;
    return {
      id,
      time,
      side: size < 0 ? "sell" : "buy",
      kind: "fill",
      text: this.crowd === "near" ? words : "",
      size: this.crowd === "many" ? 0.4 : 1,
    };
  }
}

// Fills by bar and side, in the order of their bars: [number, time of the bar, size, size times price].
function marksOf(fills, times) {
  const found = new Map();
  for (const [, time, size, price] of fills) {
    const bar = times[indexAt(times, time)];
    const key = size < 0 ? -bar : bar;
    if (!found.has(key)) found.set(key, [found.size, bar, 0, 0]);
    const mark = found.get(key);
    mark[2] += size;
    mark[3] += size * price;
  }
  return [...found.values()].sort((a, b) => a[1] - b[1]);
}

// The place of the first mark that is not before a time.
function first(marks, time) {
  let low = 0;
  let high = marks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (marks[middle][1] < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
