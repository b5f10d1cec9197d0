// The bars, studies and markers of one pane: history, then live without a gap or a double, older and newer bars on demand.
//
// A `history` message is complete up to event `through`; each `candles` message says after which event it begins and through
// which it is complete. One that begins later than we have come means that something is missing: then the series is asked for
// anew, from its newest bar on. The same happens after a lost connection. A pane that shows the past only (`live` is false)
// hears nothing of the present until its bars have come up to it.

import { get } from "/shared/rest.js";
import { KEPT, Series } from "./series.js";

const PAGE = 1000;
const MARKERS = 2000; // signals and fills kept
const POINTS = 5000; // of a strategy's plot

export class PaneFeed {
  /** `pane` says what to show (`name`, `drawn`, `indicators`) and draws it; `send` sends a message to the server. */
  constructor(store, pane, send) {
    Object.assign(this, { store, pane, send, key: "", request: 0, asked: 0, through: null, live: true, turn: 0, loading: false });
    this.forget();
  }

  forget() {
    this.series = new Series();
    this.markers = new Map();
    this.plots = new Map(); // "strategy|name" -> { strategy, name, place, points }
    this.moreBefore = true;
  }

  /** Ask for the pane's series: all of it if it is another one than before, else what came since its newest bar. */
  open() {
    const { name, drawn, number } = this.pane;
    if (!name) {
      this.pane.state("empty");
      return;
    }
    const key = `${name}|${drawn}`;
    if (!this.key.startsWith(`${name}|`)) this.forget();
    const known = this.key === key && this.live && this.series.bars.length;
    this.key = key;
    this.live = true;
    this.turn += 1;
    this.loading = false;
    if (!this.series.bars.length) this.pane.state("loading");
    this.request = this.store.nextRequest();
    this.through = null; // what comes before the answer is part of it
    this.send({ type: "subscribe", request: this.request, pane: number, name, period: drawn, since: known ? this.series.bars.at(-1)[0] : null, indicators: this.pane.indicators });
  }

  /** The connection stands (again); a new bus knows nothing of what was. */
  connected(fresh) {
    if (fresh) this.key = "";
    if (this.live) this.open();
  }

  /** Ask for the values of other indicators of the bars that are there. */
  indicators() {
    if (!this.series.bars.length) return;
    if (!this.live) {
      this.goTo(this.series.bars[0][0]);
      return;
    }
    this.asked = this.store.nextRequest();
    this.send({ type: "indicators", request: this.asked, pane: this.pane.number, indicators: this.pane.indicators, from: this.series.bars[0][0] });
  }

  takeHistory(message) {
    if (message.request !== this.request) return; // the answer to an earlier choice
    this.through = message.through;
    this.#keep(message.markers);
    for (const plot of message.plots ?? []) this.plots.set(`${plot.strategy}|${plot.name}`, { ...plot, points: plot.points.slice(-POINTS) });
    if (message.since === null || !this.series.bars.length) {
      this.series.replace(message.bars, message.lines);
      this.moreBefore = message.more;
      this.pane.replaced();
    } else {
      const rows = (message.lines ?? []).map(({ key, lines, shapes }) => ({ key, shapes, lines: Object.fromEntries(Object.entries(lines).map(([name, { values }]) => [name, values])) }));
      this.pane.changed(this.series.merge(message.bars, rows));
    }
    this.pane.state(this.series.bars.length ? "ready" : "empty");
    this.pane.marks.draw();
  }

  takeLines(message) {
    if (message.request !== this.asked) return;
    this.series.setStudies(message.lines, message.times);
    this.pane.studied();
  }

  takeCandles(message) {
    if (message.series !== this.key || this.through === null || !this.live) return;
    if (message.after > this.through) {
      this.open();
      return;
    }
    const first = !this.series.bars.length;
    this.through = message.through;
    const least = this.series.merge(message.bars, message.lines);
    if (first) this.pane.replaced();
    else this.pane.changed(least);
    this.pane.state("ready");
    const all = this.series.bars.length;
    if (all > KEPT + PAGE && !this.#cut(all - KEPT, all)) this.#cut(0, KEPT); // who looks at the oldest for hours does without the newest
  }

  takeMarkers(message) {
    if (message.name !== this.pane.name) return;
    this.#keep(message.rows);
    this.pane.marks.draw();
  }

  takePlots(message) {
    if (message.name !== this.pane.name) return;
    for (const [strategy, name, place, ms, value] of message.rows) {
      const key = `${strategy}|${name}`;
      if (!this.plots.has(key)) this.plots.set(key, { strategy, name, place, points: [] });
      const { points } = this.plots.get(key);
      points.push([ms, value]);
      if (points.length > POINTS * 1.2) points.splice(0, points.length - POINTS);
    }
    this.pane.plotted();
  }

  /** The server could not answer a request of ours; return whether it was ours. */
  failed({ request, text }) {
    if (request !== this.request && request !== this.asked) return false;
    if (request === this.request && !this.series.bars.length) this.pane.state("error", text);
    else this.pane.note(text);
    return true;
  }

  /** Load the page of bars before the oldest one; the view does not move. */
  older() {
    const { bars } = this.series;
    if (!this.moreBefore || !bars.length || this.#waits) return;
    this.#load("older", { before: bars[0][0] }, (page) => {
      this.moreBefore = page.more && page.bars.length > 0;
      const added = this.series.prepend(page.bars, page.lines);
      if (added) this.pane.prepended(added);
      if (this.series.bars.length > KEPT) this.#cut(0, KEPT);
    });
  }

  /** Load the page of bars after the newest one, of a pane that shows the past. */
  newer() {
    if (this.live || this.#waits) return;
    this.#load("newer", { after: this.series.bars.at(-1)[0] + 1 }, (page) => {
      const least = this.series.bars.length;
      this.series.append(page.bars, page.lines);
      if (this.series.bars.length > KEPT) this.#cut(this.series.bars.length - KEPT, this.series.bars.length);
      this.pane.changed(Math.min(least, this.series.bars.length) - 1);
      if (!page.more || !page.bars.length) this.#meet();
    });
  }

  /** Show the bars from `seconds` on, older ones as one scrolls back. */
  goTo(seconds) {
    this.turn += 1; // whatever is being loaded belongs to another place
    this.loading = false;
    this.#load("newer", { after: Math.floor(seconds), limit: PAGE * 2 }, (page) => {
      if (!page.bars.length) {
        this.pane.note("");
        return;
      }
      if (this.live) this.send({ type: "unsubscribe", pane: this.pane.number });
      Object.assign(this, { live: false, through: null, moreBefore: true, key: `${this.pane.name}|${this.pane.drawn}` });
      this.series.replace(page.bars, page.lines);
      this.pane.replaced();
      this.pane.state("ready");
      if (!page.more) this.#meet();
    });
  }

  /** Leave the past: show the newest bars. */
  present() {
    this.open(); // the bars of the past stay until those of the present are there
  }

  /** Hear of the series no longer. */
  close() {
    this.turn += 1;
    this.request = this.asked = 0;
    this.send({ type: "unsubscribe", pane: this.pane.number });
  }

  // The past has come up to the present: from here on it is live, joined where it stands.
  #meet() {
    this.live = true;
    this.open();
  }

  // Drop the bars outside these indexes, if none is in view; without the newest ones the pane shows the past from now on.
  #cut(from, to) {
    const all = this.series.bars.length;
    if (!this.pane.mayLose(from, to)) return false;
    this.series.cut(from, to);
    if (from) this.moreBefore = true;
    if (to < all && this.live) {
      this.live = false;
      this.through = null;
      this.send({ type: "unsubscribe", pane: this.pane.number });
    }
    this.pane.cut(from);
    return true;
  }

  // Whether the bars of another series are on their way.
  get #waits() {
    return this.loading || (this.live && this.through === null) || this.key !== `${this.pane.name}|${this.pane.drawn}`;
  }

  async #load(what, query, take) {
    this.turn += 1;
    const { turn } = this;
    this.loading = true;
    this.pane.loadingMore(what);
    try {
      const page = await this.#page(query);
      if (turn !== this.turn) return;
      this.loading = false;
      take(page);
      this.pane.loadingMore("");
      this.pane.loaded();
    } catch (error) {
      if (turn !== this.turn) return;
      this.loading = false;
      this.pane.note(error.message); // scrolling on asks again
    }
  }

  #page(query) {
    const { name, drawn, indicators } = this.pane;
    const { symbol, venue } = this.store.terms(name);
    const missing = indicators.filter(({ id }) => !this.series.knowsBefore(id, query.before ?? -Infinity)); // to find shapes anew takes many bars
    const wanted = missing.length ? JSON.stringify(missing) : undefined;
    return get("/bars", { query: { symbol, venue, period: drawn, limit: PAGE, indicators: wanted, ...query } });
  }

  #keep(rows) {
    for (const marker of rows ?? []) this.markers.set(marker.key, marker);
    for (const key of this.markers.keys()) {
      if (this.markers.size <= MARKERS) break;
      this.markers.delete(key);
    }
  }
}
