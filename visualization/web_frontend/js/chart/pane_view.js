// Which stretch of time a pane shows: kept while bars come and go, loaded ahead of need, and drawn as a longer period where the
// pane's own would be more bars than the screen has room for.

import { placeOf, timeAt } from "./bars.js";
import { density, fitting, seconds } from "./periods.js";

const AHEAD = 160; // bars: nearer than this to an end, more are loaded
const LEAST = 8; // bars shown at least
const LEAST_PX = 60; // a chart that is narrower is being laid out
const SETTLE_MS = 160; // a zoom that goes on is not answered by another period at each step

export class PaneView {
  /** `pane` has `plots`, `feed`, `period` and `drawn`; `redrawAs(period)` draws it as another one. */
  constructor(pane, redrawAs) {
    Object.assign(this, { pane, redrawAs, wanted: null, dense: 1 });
  }

  /** The time in view: { from, to } in seconds, or null. */
  get time() {
    const { range } = this.pane.plots.price;
    const { bars } = this.pane.feed.series;
    if (this.wanted) return this.wanted;
    if (!range || !bars.length) return null;
    const length = seconds(this.pane.drawn);
    return { from: timeAt(bars, range.from, length), to: timeAt(bars, range.to, length) };
  }

  /** Show a stretch of time: at once as far as there are bars, and drawn as the period that fits it. */
  show({ from, to }) {
    const { bars } = this.pane.feed.series;
    if (!bars.length) {
      this.wanted = { from, to };
      return;
    }
    const fits = this.#fitting(to - from);
    if (fits !== this.pane.drawn) {
      this.#redraw(fits, { from, to });
      return;
    }
    this.#place({ from, to });
    this.load();
  }

  /** Other bars are there: keep the stretch that was wanted; return whether there was one. */
  restore() {
    const { wanted } = this;
    const { bars } = this.pane.feed.series;
    this.wanted = null;
    if (!wanted || !bars.length || wanted.from > bars.at(-1)[0]) return false;
    this.#place(wanted);
    return true;
  }

  /** The view has moved: load what it comes near to, and see whether another period fits it better. */
  moved() {
    this.load();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#fit(), SETTLE_MS);
  }

  /** Load older or newer bars if the view is near the end of those that are there. */
  load() {
    const { feed, plots } = this.pane;
    const { range } = plots.price;
    if (!range || !feed.series.bars.length || this.wanted) return;
    if (range.from < AHEAD) feed.older();
    else if (!feed.live && range.to > feed.series.bars.length - AHEAD) feed.newer();
  }

  /** Whether the view would not notice if only the bars from index `from` to before `to` were kept. */
  mayLose(from, to) {
    const { range } = this.pane.plots.price;
    const all = this.pane.feed.series.bars.length;
    return Boolean(range) && (from === 0 || range.from > from + AHEAD) && (to === all || range.to < to - AHEAD);
  }

  /** A series of another instrument or period: nothing of the view is kept. */
  forget() {
    clearTimeout(this.timer);
    this.wanted = null;
  }

  #fit() {
    const { range } = this.pane.plots.price;
    const { bars } = this.pane.feed.series;
    if (this.wanted || !range || bars.length < LEAST || this.pane.plots.price.width < LEAST_PX) return;
    const time = this.time;
    const fits = this.#fitting(time.to - time.from);
    if (fits !== this.pane.drawn) this.#redraw(fits, time);
  }

  #fitting(span) {
    const { store, period, drawn, plots, feed } = this.pane;
    this.dense = density(feed.series.bars, drawn);
    return fitting(store.periods ?? [], period, drawn, span, plots.price.width || 1, this.dense);
  }

  // Past the newest bar the room is counted in bars, so that it would grow with the period: it is kept small.
  #redraw(period, { from, to }) {
    const newest = this.pane.feed.series.bars.at(-1)[0];
    const atEnd = this.pane.feed.live && to >= newest;
    this.wanted = { from, to: atEnd ? newest + seconds(period) * 6 : to };
    this.redrawAs(period, atEnd ? null : from - seconds(period) * AHEAD * 2);
  }

  #place({ from, to }) {
    const { bars } = this.pane.feed.series;
    const length = seconds(this.pane.drawn);
    const range = { from: placeOf(bars, from, length), to: placeOf(bars, to, length) };
    if (range.to - range.from < LEAST) range.from = range.to - LEAST;
    this.pane.plots.show(range);
  }
}
