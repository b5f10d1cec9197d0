// Fills on the price chart: with size and price where few bars are in view, as arrows where more are, small where many fills are, and not
// at all where they would hide the prices.

import * as format from "/shared/format.js";
import { indexAt } from "./page.js";

const NEAR = 200; // bars in view: up to so many, fills have their words beside them
const MANY = 80; // fills in view: more are drawn small
const TOO_MANY = 800; // more are not drawn

export class Marks {
  /** `changed(crowd)` is told when the way that fills are drawn changes. */
  constructor(chart, changed) {
    Object.assign(this, { chart, changed, fills: [], times: [], axis: [], decimals: 2, crowd: "" });
  }

  /** Other fills, of a symbol with bars at `times`; `axis` holds all times of the chart. */
  take(fills, times, axis, decimals) {
    Object.assign(this, { fills, times, axis, decimals, crowd: "" });
  }

  /** Draw the fills if the way that they are drawn changes with the view, or with `anew`. */
  draw(anew = false) {
    const range = this.chart.chart.timeScale().getVisibleLogicalRange();
    if (!range || !this.axis.length || !this.chart.colours) return;
    const from = this.axis[Math.min(this.axis.length - 1, Math.max(0, Math.floor(range.from)))];
    const to = this.axis[Math.max(0, Math.min(this.axis.length - 1, Math.ceil(range.to)))];
    const seen = this.fills.filter(([, time]) => time >= from && time <= to).length;
    const crowd = range.to - range.from <= NEAR ? "near" : seen <= MANY ? "some" : seen <= TOO_MANY ? "many" : "too many";
    if (crowd === this.crowd && !anew) return;
    this.crowd = crowd;
    this.chart.setMarkers(crowd === "too many" ? [] : this.fills.map((fill, id) => this.#mark(fill, id)));
    this.changed(crowd);
  }

  #mark([, time, size, price], id) {
    const words = `${format.quantity(Math.abs(size))} @ ${format.price(price, this.decimals)}`;
    return {
      id,
      time: this.times[indexAt(this.times, time)],
      side: size < 0 ? "sell" : "buy",
      kind: "fill",
      text: this.crowd === "near" ? words : "",
      size: this.crowd === "many" ? 0.4 : 1,
    };
  }
}
