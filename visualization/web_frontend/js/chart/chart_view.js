// The chart panel: candles and volume, markers, our position's price line, and the four states of the view.

import { colours } from "/shared/appearance.js";
import { barOf } from "./bars.js";
import { PriceChart } from "/shared/price_chart.js";
import { byId, el, message, oncePerFrame } from "/shared/dom.js";
import * as format from "/shared/format.js";
import { gather } from "./markers.js";
import { t } from "/shared/texts.js";

const AHEAD = 120; // bars: nearer than this to the oldest one, older ones are loaded

export class ChartView {
  /** `legend` and `card` show what the pointer is on; `zone` says in which zone times are. */
  constructor(store, legend, card, zone) {
    Object.assign(this, { store, legend, card, zone, bars: [], raw: [], groups: new Map(), older: () => {}, retry: () => {} });
    this.panel = byId("chart");
    this.drawMarks = oncePerFrame(() => this.#marks());
    this.chart = new PriceChart(byId("plot"), {
      hover: (time, point, id) => this.#hover(time, point, id),
      click: (point, id) => this.card.pin(this.groups.get(id), point),
      range: () => this.#range(),
    });
    this.chart.setColours(colours());
    byId("to-live").addEventListener("click", () => this.chart.toLive());
    this.panel.view = this; // for tests and the browser's console
    store.on("appearance", () => this.#recolour());
    store.on("zone", () => this.formats());
    store.on("positions", () => this.priceLine());
    this.formats();
  }

  /** Show the panel as "loading", "empty", "error" (with a detail) or "ready". */
  state(state, detail = "") {
    this.panel.dataset.state = state;
    this.panel.setAttribute("aria-busy", String(state === "loading"));
    const { name, period } = this.store;
    const place = byId("chart-message");
    place.replaceChildren();
    if (state === "loading") place.append(t("loading", `${name} ${period}`));
    if (state === "empty" && name) place.append(message(t("no_bars", name, period)));
    if (state === "empty" && !name) place.append(message(t("no_market"), "python -m gcg_quant import FILE", t("copy")));
    if (state === "error") place.append(message(t("history_failed", name, detail)), el("button", { type: "button", text: t("retry"), on: { click: () => this.retry() } }));
    if (state !== "ready") this.legend.show(null);
  }

  /** Other bars: a new series. */
  reset(bars) {
    this.bars = bars;
    this.card.close();
    this.formats();
    this.chart.setBars(bars);
    this.#told();
    this.priceLine();
  }

  /** The bars from index `first` on have changed. */
  changed(bars, first) {
    if (first < bars.length - 50 || first < this.drawn - 1) this.chart.setBars(bars, true);
    else for (let at = first; at < bars.length; at += 1) this.chart.updateBar(bars[at], at + 1);
    if (bars.length !== this.drawn) this.drawMarks();
    this.#told();
  }

  /** Older bars came in front. */
  prepended(bars) {
    this.chart.setBars(bars, true);
    this.drawMarks();
    this.#told();
  }

  /** Show signals and fills. */
  mark(rows) {
    this.raw = rows;
    this.drawMarks();
  }

  loadingOlder(shown) {
    byId("older").hidden = !shown;
  }

  /** Set how prices and times are written, for the chosen instrument, period and zone. */
  formats() {
    const { decimals, tick_size: tick } = this.store.terms(this.store.name);
    const daily = /[dw]$/.test(this.store.period);
    const zone = daily ? "UTC" : this.zone.current();
    this.chart.setFormats({
      price: (value) => format.price(value, decimals),
      minMove: tick || 10 ** -decimals,
      seconds: this.store.period.endsWith("s"),
      time: (at) => (daily ? format.date(at * 1000, zone) : `${format.date(at * 1000, zone, { day: "numeric", month: "short" })} ${format.timeOfDay(at * 1000, zone)} ${format.zoneName(zone, at * 1000)}`),
      tick: (at, kind) => format.axisMark(at * 1000, kind, zone),
    });
  }

  /** Draw the average price of what we hold of the instrument. */
  priceLine() {
    const { name } = this.store;
    const { decimals, quantity_decimals: digits } = this.store.terms(name);
    const held = [...this.store.tables.positions.values()].filter((row) => row.name === name && row.quantity && row.average !== null);
    const quantity = held.reduce((sum, row) => sum + row.quantity, 0);
    const size = held.reduce((sum, row) => sum + Math.abs(row.quantity), 0);
    const price = held.reduce((sum, row) => sum + row.average * Math.abs(row.quantity), 0) / size;
    const text = `${format.sign(quantity) === "up" ? "+" : ""}${format.quantity(quantity, digits)}`;
    const wanted = size ? `${text} ${format.price(price, decimals)}` : "";
    if (wanted === this.lineDrawn) return;
    this.lineDrawn = wanted;
    this.chart.setPriceLine(size ? { price, title: t("average_line", text) } : null);
  }

  #marks() {
    const { markers, groups } = gather(this.raw, this.bars, this.store.terms(this.store.name).quantity_decimals);
    this.groups = groups;
    this.chart.setMarkers(markers);
    this.panel.dataset.markers = markers.length;
  }

  #hover(time, point, id) {
    this.legend.show(time === null ? null : this.bars[barOf(this.bars, time)]);
    this.card.hover(this.groups.get(id), point);
  }

  #range() {
    byId("to-live").hidden = this.chart.live;
    if (this.chart.barsBefore < AHEAD) this.older();
  }

  #recolour() {
    this.chart.setColours(colours());
    this.formats();
    if (this.bars.length) this.chart.setBars(this.bars, true);
    this.lineDrawn = null;
    this.priceLine();
    this.drawMarks();
  }

  #told() {
    this.drawn = this.bars.length;
    this.panel.dataset.bars = this.bars.length;
    this.legend.newest(this.bars.at(-1));
  }
}
