// Fills on the price chart: with price and size where few are in view, as arrows where more are, as small ones where many are.

import * as format from "/shared/format.js";
import { indexAt } from "./page.js";

const SPARSE = 40; // in view: up to so many have their words beside them
const DENSE = 200; // more than so many are drawn small

export class Marks {
  constructor(chart) {
    Object.assign(this, { chart, fills: [], times: [], axis: [], decimals: 2, crowd: "" });
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
    const crowd = seen <= SPARSE ? "sparse" : seen <= DENSE ? "some" : "dense";
    if (crowd === this.crowd && !anew) return;
    this.crowd = crowd;
    this.chart.setMarkers(this.fills.map((fill, id) => this.#mark(fill, id)));
  }

  #mark([, time, size, price], id) {
    const words = `${format.quantity(Math.abs(size))} @ ${format.price(price, this.decimals)}`;
    return {
      id,
      time: this.times[indexAt(this.times, time)],
      side: size < 0 ? "sell" : "buy",
      kind: "fill",
      text: this.crowd === "sparse" ? words : "",
      size: this.crowd === "dense" ? 0.4 : 1,
    };
  }
}
