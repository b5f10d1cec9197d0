// The bars and markers of the chosen series: history, then live without a gap or a double, older bars on demand.
//
// A `history` message is complete up to event `through`; each `candles` message says after which event it begins and through
// which it is complete. One that begins later than we have come means that something is missing: then the series is asked for
// anew, from its newest bar on. The same happens after a lost connection.

import { merge, prepend } from "./bars.js";

const PAGE = 1000;

export class ChartFeed {
  /** `view` is the ChartView; `send` sends a message to the server. */
  constructor(store, view, send) {
    this.store = store;
    this.view = view;
    this.send = send;
    this.request = 0;
    this.series = "";
    this.bus = "";
    this.bars = [];
    this.markers = new Map();
    store.on("selected", () => this.open());
    store.on("period", () => this.open());
  }

  /** Ask for the chosen series: all of it if it is another one than before, else what came since its newest bar. */
  open() {
    const { name, period } = this.store;
    if (!name) {
      this.view.state("empty");
      return;
    }
    if (this.series !== `${name}|${period}`) {
      this.series = `${name}|${period}`;
      this.bars = [];
      this.markers = new Map();
      this.moreBefore = true;
      this.view.state("loading");
    }
    this.request += 1;
    this.send({ type: "book", name });
    this.through = null; // what comes before the answer is part of it
    this.send({ type: "subscribe", request: this.request, name, period, since: this.bars.at(-1)?.[0] ?? null });
  }

  /** The connection stands (again), to this bus. */
  connected(bus) {
    if (bus !== this.bus) this.series = "";
    this.bus = bus;
    this.open();
  }

  takeHistory(message) {
    if (message.request !== this.request) return; // the answer to an earlier choice
    this.through = message.through;
    for (const marker of message.markers) this.markers.set(marker.key, marker);
    if (message.since === null || !this.bars.length) {
      this.bars = message.bars;
      this.moreBefore = message.more;
      this.view.reset(this.bars);
    } else {
      this.view.changed(this.bars, merge(this.bars, message.bars));
    }
    this.view.state(this.bars.length ? "ready" : "empty");
    this.view.mark([...this.markers.values()]);
  }

  takeCandles(message) {
    if (message.series !== this.series || this.through === null) return;
    if (message.after > this.through) {
      this.open();
      return;
    }
    const first = !this.bars.length;
    this.through = message.through;
    const least = merge(this.bars, message.bars);
    if (first) this.view.reset(this.bars);
    else this.view.changed(this.bars, least);
    this.view.state("ready");
  }

  takeMarkers(message) {
    if (message.name !== this.store.name) return;
    for (const marker of message.rows) this.markers.set(marker.key, marker);
    this.view.mark([...this.markers.values()]);
  }

  /** The server could not answer a request of ours. */
  failed(message) {
    if (message.request === this.request) this.view.state("error", message.text);
    else console.warn(message.text);
  }

  /** Load the page of bars before the oldest one; the view does not move. */
  async older() {
    if (this.loading || !this.moreBefore || !this.bars.length) return;
    this.loading = true;
    const { series } = this;
    this.view.loadingOlder(true);
    try {
      const page = await this.#page();
      if (series !== this.series) return;
      this.moreBefore = page.more;
      if (prepend(this.bars, page.bars)) this.view.prepended(this.bars);
    } catch (error) {
      console.warn(`older bars could not be loaded: ${error.message}`); // scrolling on asks again
    } finally {
      this.loading = false;
      this.view.loadingOlder(false);
    }
  }

  async #page() {
    const { name, period } = this.store;
    const { symbol, venue } = this.store.terms(name);
    const query = new URLSearchParams({ symbol, venue, period, before: this.bars[0][0], limit: PAGE });
    const answer = await fetch(`/api/v1/bars?${query}`);
    if (!answer.ok) throw new Error((await answer.json()).detail ?? answer.statusText);
    return answer.json();
  }
}
