// Strategies: what is loaded, its state, position and profit; start and stop; below each row what is done more rarely, and its log.

import "../texts/work.js";
import { AskButton } from "/shared/ask.js";
import { el } from "/shared/dom.js";
import * as format from "/shared/format.js";
import { post } from "/shared/rest.js";
import { Table } from "/shared/table.js";
import { stateWord, t } from "/shared/texts.js";
import { BacktestDialog } from "./backtest_dialog.js";
import { LoadDialog } from "./load_dialog.js";
import { parameterWords } from "./parameters.js";
import { StrategyDetail } from "./strategy_detail.js";
import { StrategyRows } from "./strategy_rows.js";
import { onAppearance, viewFrame } from "./view_frame.js";

const PILLS = { running: "good", failed: "bad" };
const act = (action, strategy) => post(`/strategies/${encodeURIComponent(strategy)}/${action}`);

export class StrategiesView {
  /**
   * `options`: `store` of the chart page, if it is there; `zone()` of times; `tools`, where the view's buttons stand (by default above it);
   * `act(action, strategy)` starts and stops (by default over REST); `tested(run)` is told of a backtest that was asked for here.
   */
  constructor(node, { store, zone = () => "UTC", tools, act: start = act, tested } = {}) {
    Object.assign(this, { store, zone, act: start, tested, toggles: new Map(), details: new Map(), unfolded: new Set() });
    this.load = el("button", { type: "button", class: "load-open", on: { click: () => this.openLoad() } });
    this.frame = viewFrame(node, "strategies", [this.load], tools);
    this.rows = new StrategyRows(store, { show: (rows) => this.#show(rows), fail: (sentence) => this.table.fail(sentence, () => this.rows.refresh()) });
    const detail = (row) => this.#detail(row);
    const choose = store && ((row) => this.#select(row.symbols));
    this.table = new Table(this.frame.place, { label: () => t("strategies"), columns: this.#columns(), empty: () => this.#empty(), detail, choose });
    onAppearance(() => this.translate());
    this.translate();
  }

  show() {
    this.frame.show();
    this.rows.start();
    this.#watchDetails();
  }

  hide() {
    this.frame.hide();
    this.rows.stop();
    for (const detail of this.details.values()) detail.stop();
  }

  /** Write every text anew, in another language. */
  translate() {
    this.load.textContent = t("w_load_open");
    for (const { ask } of this.toggles.values()) ask.translate();
    if (this.shown) this.#show(this.shown);
  }

  /** Open the form that loads a strategy. */
  openLoad() {
    new LoadDialog({ symbol: this.store?.name, loaded: (what) => this.#loaded(what) }).open();
  }

  #columns() {
    const money = (key, head, field) => ({ key, head, number: true, value: (row) => row[field], text: (row) => format.money(row[field]), sign: (row) => format.sign(row[field], 2) });
    return [
      { key: "key", head: "strategy", line: true, node: name, mark: (row) => row.key + JSON.stringify(row.parameters) },
      { key: "symbols", head: "symbols", text: (row) => row.symbols.map(plainSymbol).join(", "), hint: (row) => row.symbols.join(", ") },
      { key: "state", head: "state", node: pill, mark: (row) => `${row.state}|${row.error}|${document.documentElement.lang}` },
      { key: "position", head: "position", number: true, text: (row) => this.#position(row) },
      money("open", "open_profit", "open"),
      money("realised", "realised", "realised"),
      { key: "fees", head: "fees", number: true, text: (row) => format.price(row.fees, 2) },
      { key: "fills", head: "fill_count", number: true, text: (row) => format.price(row.fills ?? 0, 0) },
      { key: "act", head: "", act: true, node: (row) => this.#toggle(row).ask.node, mark: (row) => row.key },
    ];
  }

  // What is unloaded is shown only while something is left of it.
  #show(rows) {
    this.shown = rows;
    const wanted = rows.filter((row) => row.state !== "unloaded" || row.position);
    for (const row of wanted) this.#turn(row);
    this.table.show(wanted);
    this.#watchDetails();
  }

  #turn(row) {
    const { held, ask } = this.#toggle(row);
    const before = held.row.state;
    held.row = row;
    ask.node.hidden = row.state === "unloaded";
    if (before !== row.state) ask.translate();
  }

  // One button a strategy, which stays when its state changes: Stop while it runs, else Start.
  #toggle(row) {
    if (this.toggles.has(row.key)) return this.toggles.get(row.key);
    const held = { row };
    const action = () => (held.row.state === "running" ? "stop" : "start");
    const ask = new AskButton({
      text: () => t(action()),
      label: () => `${t(action())} ${row.key}`,
      question: () => t(action() === "stop" ? "ask_stop" : "ask_start", row.key),
      run: () => this.act(action(), row.key),
    });
    this.toggles.set(row.key, { held, ask });
    return this.toggles.get(row.key);
  }

  #detail(row) {
    if (!this.details.has(row.key)) this.details.set(row.key, new StrategyDetail(row.key, { zone: this.zone, backtest: (one) => this.#backtest(one), changed: () => this.rows.refresh() }));
    const detail = this.details.get(row.key);
    detail.update(row);
    queueMicrotask(() => this.#watchDetails());
    return detail.node;
  }

  // Only what is unfolded asks for its log; what was unfolded just now comes into view.
  #watchDetails() {
    for (const [key, detail] of this.details) {
      const open = this.table.unfolded.has(key);
      if (this.rows.active && open) detail.start();
      else detail.stop();
      if (open && !this.unfolded.has(key)) detail.node.scrollIntoView({ block: "nearest" });
    }
    this.unfolded = new Set(this.table.unfolded);
  }

  #position(row) {
    if (row.position === null || row.position === undefined) return "–";
    const decimals = Math.min(6, (String(Number(row.position.toFixed(6))).split(".")[1] ?? "").length);
    return format.signed(row.position, decimals);
  }

  #empty() {
    return el("div", { class: "message" }, el("span", { text: t("w_no_strategies_yet") }), el("button", { type: "button", text: t("w_load_open"), on: { click: () => this.openLoad() } }));
  }

  #select(symbols) {
    const name = this.#nameOf(symbols[0]);
    if (name) this.store.select(name);
  }

  #nameOf(symbol) {
    return symbol && [...this.store.instruments.keys()].find((known) => known === symbol || known.startsWith(`${symbol}@`));
  }

  #loaded({ symbols }) {
    if (this.store) this.#select(symbols);
    this.rows.refresh();
  }

  #backtest(strategy) {
    new BacktestDialog({ like: strategy, asked: (run) => this.tested?.(run) }).open();
  }
}

function name(row) {
  const words = parameterWords(row.parameters);
  return el("span", { title: words }, row.key, " ", el("span", { class: "muted", text: words }));
}

// Without its venue, which is told where the pointer rests.
function plainSymbol(symbol) {
  const at = symbol.lastIndexOf("@");
  return at > 0 ? symbol.slice(0, at) : symbol;
}

function pill(row) {
  return el("span", { class: `pill ${PILLS[row.state] ?? ""}`, text: stateWord(row.state), title: row.error });
}
