// The table of trades: sortable by every column; a click on a row shows the trade on the chart.

import * as format from "/shared/format.js";
import { byId, el } from "./page.js";

const FIRST = 50; // rows that are shown before more are asked for
const MORE = 1000; // so many more each time: a browser takes seconds for tens of thousands

export class Trades {
  /** `visit(symbol, from, to)` shows a trade on the chart; `when(time)` writes a time. */
  constructor(data, when, visit) {
    Object.assign(this, { rows: data.trades.map((row, at) => [at + 1, ...row]), when, visit, sorted: 0, falling: false, shown: FIRST });
    const decimals = Object.fromEntries(data.symbols.map((one) => [one.symbol, one.shown]));
    const [cents, ofFees] = [8, 7].map((at) => moneyDecimals(this.rows.map((row) => Math.abs(row[at]))));
    const multiple = data.symbols.length > 1;
    this.columns = [
      { head: "#", at: 0, text: (row) => row[0] },
      ...(multiple ? [{ head: "Symbol", at: 1, text: (row) => row[1], left: true }] : []),
      { head: "Side", at: 2, text: (row) => (row[2] < 0 ? "▼ short" : "▲ long"), left: true },
      { head: "Size", at: 2, text: (row) => size(Math.abs(row[2])) },
      { head: "Entry", at: 3, text: (row) => when(row[3]) },
      { head: "Price", at: 4, text: (row) => format.price(row[4], decimals[row[1]]) },
      { head: "Exit", at: 5, text: (row) => when(row[5]) },
      data.ticks ? { head: "Held", at: 9, text: (row) => span(row[9]) } : { head: "Bars", at: 6, text: (row) => format.price(row[6], 0) },
      { head: "Fees", at: 7, text: (row) => format.price(row[7], ofFees) },
      { head: "Net profit", at: 8, text: (row) => format.signed(row[8], cents), sign: cents },
    ];
    const total = this.rows.length;
    byId("trades").querySelector("h2 span").textContent = total ? format.price(total, 0) : "";
    byId("more").addEventListener("click", () => this.#more());
    if (total) this.draw();
    else byId("trades").append(el("p", { class: "muted", text: "No trade was closed." }));
  }

  draw() {
    const order = [...this.rows].sort((a, b) => (a[this.sorted] > b[this.sorted] ? 1 : a[this.sorted] < b[this.sorted] ? -1 : 0));
    if (this.falling) order.reverse();
    const shown = order.slice(0, this.shown);
    const head = el("tr", {}, ...this.columns.map((column) => this.#head(column)));
    byId("trades").querySelector("table").replaceChildren(el("thead", {}, head), el("tbody", {}, ...shown.map((row) => this.#row(row))));
    const left = order.length - shown.length;
    byId("more").hidden = left === 0;
    byId("more").textContent = left <= MORE ? `Show all ${format.price(order.length, 0)}` : `Show ${format.price(MORE, 0)} more`;
  }

  #head({ head, at, left }) {
    const order = at === this.sorted && head !== "Side" ? (this.falling ? "descending" : "ascending") : null;
    const button = el("button", { type: "button", text: head, on: { click: () => this.#sort(at) } });
    return el("th", { scope: "col", "aria-sort": order, class: left ? "left" : "" }, button);
  }

  #row(row) {
    const cells = this.columns.map(({ text, left, sign }) => el("td", { class: left ? "left" : sign ? format.sign(row[8], sign) : "", text: text(row) }));
    const act = () => this.visit(row[1], row[3], row[5]);
    return el("tr", { tabindex: 0, title: "Show on the chart", on: { click: act, keydown: (event) => event.key === "Enter" && act() } }, ...cells);
  }

  #sort(at) {
    this.falling = at === this.sorted ? !this.falling : false;
    this.sorted = at;
    this.draw();
  }

  #more() {
    this.shown += MORE;
    this.draw();
  }
}

// Four for the amounts of small trades, of which two would leave little.
function moneyDecimals(amounts) {
  return amounts.every((one) => one < 100) && amounts.some((one) => one > 0 && one < 0.1) ? 4 : 2;
}

// Less than a unit with all its decimals.
function size(value) {
  return value < 1 ? format.price(value, 8).replace(/\.?0+$/, "") : format.quantity(value);
}

// How long a trade was held, of milliseconds: "35 ms", "1.2 s", "3.4 min".
function span(ms) {
  const [unit, length] = [["h", 3_600_000], ["min", 60_000], ["s", 1000]].find(([, one]) => ms >= one) ?? ["ms", 1];
  const value = ms / length;
  return `${format.price(value, unit === "ms" || value >= 100 ? 0 : value >= 10 ? 1 : 2)} ${unit}`;
}
