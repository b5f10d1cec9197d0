// Price with trades over the account's value over its drawdown: three charts that move as one.

import * as format from "/shared/format.js";
import { PriceChart } from "/shared/price_chart.js";
import { CurveChart } from "/shared/curve_chart.js";
import { linkCharts } from "/shared/chart_base.js";
import { Marks } from "./marks.js";
import { Plots } from "./plots.js";
import { byId, el, indexAt, least, percentDecimals } from "./page.js";

const SCALE_PX = 88; // one width for the three price scales, so that the plots stand below each other

const DATES = [{ year: "numeric" }, { month: "short" }, { day: "numeric", month: "short" }];

// A mark on the time axis. Unlike the page's it never adds the time of day to a date: over years it would stand everywhere.
function mark(ms, kind, zone) {
  return kind > 2 ? format.axisMark(ms, kind, zone) : format.date(ms, zone, DATES[kind]);
}

export class Charts {
  constructor(data, when) {
    Object.assign(this, { data, when, shown: 0, coloured: false });
    const common = { rightPriceScale: { minimumWidth: SCALE_PX }, timeScale: { minBarSpacing: 0.001, rightOffset: 2 } };
    const hidden = { ...common, timeScale: { ...common.timeScale, visible: false } };
    this.price = new PriceChart(byId("price"), { hover: () => {}, click: () => {}, range: () => this.marks?.draw() }, hidden);
    this.marks = new Marks(this.price, (crowd) => {
      byId("price").dataset.fills = crowd;
      this.#legend(null);
    });
    this.value = new CurveChart(byId("value"), { ...hidden, rightPriceScale: { minimumWidth: SCALE_PX, scaleMargins: { top: 0.08, bottom: 0.06 } } });
    this.fall = new CurveChart(byId("fall"), { ...common, rightPriceScale: { minimumWidth: SCALE_PX, scaleMargins: { top: 0.04, bottom: 0.06 } } });
    this.plots = new Plots(data, this.price, { rightPriceScale: { minimumWidth: SCALE_PX }, timeScale: hidden.timeScale });
    this.#curves();
    this.all = [this.price, ...this.plots.charts, this.value, this.fall];
    linkCharts(this.all, (time) => this.#legend(time));
    this.#symbols();
    byId("all").addEventListener("click", () => this.fit());
    byId("log").addEventListener("click", () => this.#logarithmic());
    this.show(0);
  }

  recolour(colours) {
    this.price.setColours(colours);
    this.plots.setColours(colours);
    this.value.setColours(colours);
    this.fall.setColours(colours);
    this.coloured = true;
    this.show(this.shown, true);
  }

  /** Show the whole run. */
  fit() {
    this.price.chart.timeScale().fitContent();
  }

  /** Show a trade with as much again around it. */
  visit(symbol, from, to) {
    const at = this.data.symbols.findIndex((one) => one.symbol === symbol);
    if (at !== this.shown) this.show(at, true);
    const first = indexAt(this.axis, from);
    const last = indexAt(this.axis, to);
    const around = Math.max(20, last - first);
    this.price.chart.timeScale().setVisibleLogicalRange({ from: first - around, to: last + around });
    byId("charts").scrollIntoView({ block: "start" });
  }

  /** Show the bars and fills of a symbol; with `keep` the view stays where it is. */
  show(at, keep = false) {
    this.shown = at;
    const { symbol, times, open, high, low, close, volume, shown: decimals } = this.data.symbols[at];
    const daily = this.data.daily;
    const zone = this.data.timezone;
    this.bars = times.map((time, n) => [time, open[n], high[n], low[n], close[n], volume[n]]);
    this.axis = [...new Set([...this.data.times, ...times])].sort((a, b) => a - b);
    this.marks.take(this.data.fills.filter((fill) => fill[0] === symbol), times, this.axis, decimals);
    const written = {
      time: (time) => this.when(time),
      tick: (time, kind) => mark(time * 1000, daily ? Math.min(kind, 2) : kind, zone),
      seconds: /s$/.test(this.data.period),
    };
    const range = this.price.chart.timeScale().getVisibleLogicalRange();
    this.price.setFormats({ ...written, price: (value) => format.price(value, decimals), minMove: 10 ** -decimals });
    for (const chart of this.all.slice(1)) chart.setTimes(written);
    for (const chart of this.all) chart.chart.applyOptions({ timeScale: { timeVisible: !daily } });
    if (this.coloured) {
      this.price.setAxis(this.axis);
      this.price.setBars(this.bars);
      this.plots.show(symbol, this.bars, this.axis, decimals);
      if (keep && range) this.price.chart.timeScale().setVisibleLogicalRange(range);
      else this.fit();
      this.marks.draw(true);
    }
    for (const button of byId("symbols").children) button.setAttribute("aria-checked", String(Number(button.dataset.at) === at));
    this.#legend(null);
  }

  #curves() {
    const { times, values, symbols, measures } = this.data;
    const money = (value) => format.price(value, Math.abs(value) < 1000 ? 2 : 0);
    this.value.add("area", "accent", times.map((time, at) => [time, values[at]]), money);
    let peak = -Infinity;
    this.falls = values.map((value) => value / (peak = Math.max(peak, value)) - 1);
    this.decimals = percentDecimals(-100 * least(this.falls));
    this.fall.add("fall", "down", times.map((time, at) => [time, this.falls[at] * 100]), (value) => this.#percent(value));
    const [first] = symbols;
    if (symbols.length === 1 && first.open[0] > 0 && least(first.close) > 0) {
      this.held = first.times.map((time, at) => [time, (measures.start_value * first.close[at]) / first.open[0]]);
      this.value.add("line", "muted", this.held, money);
    }
  }

  // With decimals that tell the marks of the axis apart; 0 has no sign.
  #percent(value) {
    return `${format.signed(value, this.decimals)} %`;
  }

  #symbols() {
    if (this.data.symbols.length < 2) return;
    byId("symbols").append(
      ...this.data.symbols.map(({ symbol }, at) => el("button", { type: "button", role: "radio", "data-at": at, text: symbol, on: { click: () => this.show(at, true) } })),
    );
  }

  #logarithmic() {
    const on = byId("log").getAttribute("aria-pressed") !== "true";
    byId("log").setAttribute("aria-pressed", String(on));
    this.price.setLogarithmic(on);
    this.value.setLogarithmic(on);
  }

  // What the pointer is on, or the newest bar.
  #legend(time) {
    const { times, shown: decimals, symbol, venue, together } = this.data.symbols[this.shown];
    const at = time ?? times[times.length - 1] ?? this.axis[this.axis.length - 1] ?? 0;
    const bar = this.bars[indexAt(times, at)];
    const known = bar && bar[0] <= at;
    const number = (value) => format.price(value, decimals);
    const place = el("strong", { text: symbol });
    const hints = [together > 1 && `${together} bars drawn as one`, this.marks.crowd === "too many" && `zoom in to see ${format.price(this.marks.fills.length, 0)} fills`];
    const parts = known ? ["O", "H", "L", "C"].map((name, n) => el("span", {}, `${name} `, el("b", { text: number(bar[n + 1]) }))) : [];
    const volume = known && bar[5] !== undefined ? [el("span", {}, "Vol ", el("b", { text: format.quantity(bar[5]) }))] : [];
    const plots = this.plots.over(known ? indexAt(times, at) : -1);
    byId("legend").replaceChildren(place, ` ${[venue, this.data.period, ...hints].filter(Boolean).join(" · ")} `, el("span", { text: this.when(at) }), ...parts, ...volume, ...plots);
    const n = indexAt(this.data.times, at);
    const worth = el("span", { class: "accent" }, "account ", el("b", { text: format.price(this.data.values[n], 2) }));
    const held = this.held ? [el("span", {}, "buy and hold ", el("b", { text: format.price(this.held[indexAt(times, at)][1], 2) }))] : [];
    byId("value-legend").replaceChildren(worth, ...held, el("span", {}, "drawdown ", el("b", { text: this.#percent(this.falls[n] * 100) })));
  }
}
