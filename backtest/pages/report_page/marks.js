// Fills on the price chart: with size and price where few bars are in view, as arrows where more are, small where many fills are, and not
// at all where they would hide the prices.

import * as format from "/shared/format.js";
import { indexAt } from "./page.js";

const NEAR = 200; // bars in view: up to so many, fills have their words beside them
const MANY = 80; // fills in view: more are drawn small
const TOO_MANY = 800; // more are not drawn
const AROUND = 400; // bars beyond the view whose fills are drawn with it, so that moving it a little draws nothing

export class Marks {
  /** `changed(crowd)` is told when the way that fills are drawn changes. */
  constructor(chart, changed) {
    Object.assign(this, { chart, changed, fills: [], axis: [], decimals: 2, crowd: "", from: 0, to: -1 });
  }

  /** Other fills, of a symbol with bars at `times`; `axis` holds all times of the chart. */
  take(fills, times, axis, decimals) {
    const placed = times.length ? fills.map(([, time, size, price], id) => [id, times[indexAt(times, time)], size, price]) : [];
    Object.assign(this, { fills: placed.sort((a, b) => a[1] - b[1]), axis, decimals, crowd: "" });
  }

  /** Draw the fills if the way that they are drawn changes with the view, or with `anew`. */
  draw(anew = false) {
    const range = this.chart.chart.timeScale().getVisibleLogicalRange();
    if (!range || !this.axis.length || !this.chart.colours) return;
    const [from, to] = [this.#timeAt(Math.floor(range.from)), this.#timeAt(Math.ceil(range.to))];
    const seen = this.#between(from, to).length;
    const crowd = range.to - range.from <= NEAR ? "near" : seen <= MANY ? "some" : seen <= TOO_MANY ? "many" : "too many";
    const covered = crowd === "too many" || (from >= this.from && to <= this.to);
    if (crowd === this.crowd && covered && !anew) return;
    this.crowd = crowd;
    [this.from, this.to] = [this.#timeAt(Math.floor(range.from) - AROUND), this.#timeAt(Math.ceil(range.to) + AROUND)];
    this.chart.setMarkers(crowd === "too many" ? [] : this.#between(this.from, this.to).map((fill) => this.#mark(fill)));
    this.changed(crowd);
  }

  #timeAt(place) {
    return this.axis[Math.max(0, Math.min(this.axis.length - 1, place))];
  }

  // The fills of a stretch; they lie in the order of their bars.
  #between(from, to) {
    return this.fills.slice(first(this.fills, from), first(this.fills, to + 1));
  }

  #mark([id, time, size, price]) {
    const words = `${format.quantity(Math.abs(size))} @ ${format.price(price, this.decimals)}`;
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

// The place of the first fill that is not before a time.
function first(fills, time) {
  let low = 0;
  let high = fills.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fills[middle][1] < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
