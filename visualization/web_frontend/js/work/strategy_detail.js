// What unfolds below a strategy's row: its error, facts and parameters, what it said, and what is done more rarely than start and stop.

import { AskButton } from "/shared/ask.js";
import { el, setText } from "/shared/dom.js";
import { timeOfDay } from "/shared/format.js";
import { get, post, remove } from "/shared/rest.js";
import { t } from "/shared/texts.js";
import { ParametersDialog } from "./parameters_dialog.js";
import { Polling } from "./polling.js";

const EVERY_MS = 2000;
const LINES = 50;

export class StrategyDetail {
  /** `zone()` is the zone of times; `backtest(strategy)` opens the form of a backtest; `changed()` is told when something was done. */
  constructor(key, { zone, backtest, changed }) {
    Object.assign(this, { key, zone, changed, language: "" });
    this.backtest = backtest;
    this.error = el("p", { class: "refused", hidden: "" });
    this.facts = el("dl", { class: "facts" });
    this.log = el("div", { class: "strategy-log", role: "log", tabindex: "0" });
    this.acts = el("div", { class: "acts" });
    this.node = el("div", { class: "strategy-detail" }, this.error, el("div", {}, this.facts, this.acts), this.log);
    this.polling = new Polling((signal) => this.#ask(signal), (sentence) => this.#fail(sentence), EVERY_MS);
  }

  /** Show the row as it is now. */
  update(row) {
    const parameters = JSON.stringify(row.parameters);
    if (this.state !== row.state || this.shown !== parameters) this.polling.now(); // it was reloaded, perhaps
    Object.assign(this, { state: row.state, shown: parameters });
    setText(this.error, row.error ?? "");
    this.error.hidden = !row.error;
    if (this.language === document.documentElement.lang) return;
    this.language = document.documentElement.lang;
    this.log.setAttribute("aria-label", t("w_strategy_log", this.key));
    this.acts.replaceChildren(...this.#buttons());
    if (this.known) this.#show(this.known);
  }

  start() {
    this.polling.start();
  }

  stop() {
    this.polling.stop();
  }

  #buttons() {
    const path = `/strategies/${encodeURIComponent(this.key)}`;
    const parameters = el("button", { type: "button", text: t("w_change_parameters"), on: { click: () => new ParametersDialog(this.key, this.changed).open() } });
    const backtest = el("button", { type: "button", text: t("w_backtest_this"), on: { click: () => this.backtest(this.known ?? { strategy: this.key }) } });
    const reload = { text: () => t("w_reload"), question: () => t("w_ask_reload", this.key), run: async () => this.changed(await post(`${path}/reload`)) };
    const unload = { text: () => t("w_unload"), question: () => t("w_ask_unload", this.key), run: async () => this.changed(await remove(path)), danger: true };
    return [parameters, backtest, new AskButton(reload).node, new AskButton(unload).node];
  }

  async #ask(signal) {
    const path = `/strategies/${encodeURIComponent(this.key)}`;
    const [strategy, lines] = await Promise.all([get(path, { signal }), get(`${path}/log`, { query: { limit: LINES }, signal })]);
    this.#show(strategy);
    this.#write(lines);
  }

  #show(strategy) {
    const facts = [
      [t("w_file"), strategy.file],
      [t("w_class"), `${strategy.class_name}${strategy.kind && strategy.kind !== "gcg_quant" ? ` · ${strategy.kind}` : ""}`],
      [t("account"), strategy.account || "–"],
      ...Object.entries(strategy.parameters).map(([name, value]) => [name, String(value)]),
    ];
    this.known = strategy;
    const shown = JSON.stringify(facts);
    if (this.written === shown) return;
    this.written = shown;
    const notes = new Map((strategy.declared ?? []).map(({ name, help }) => [name, help]));
    this.facts.replaceChildren(...facts.map(([name, value]) => el("div", { title: notes.get(name) }, el("dt", { text: name }), el("dd", { text: value }))));
  }

  // The newest below, in view unless the reader has scrolled up.
  #write(lines) {
    const mark = `${lines.length}|${lines.at(-1)?.time_ns}|${lines.at(-1)?.text}|${document.documentElement.lang}|${this.zone()}`;
    if (this.logged === mark) return;
    this.logged = mark;
    const low = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 24;
    const row = ({ time_ns: time, level, text }) =>
      el("p", { class: `line ${level}` }, el("time", { text: timeOfDay(time / 1e6, this.zone()) }), level === "info" ? "" : el("b", { text: level }), el("span", { text }));
    const none = el("p", { class: "muted", text: t("w_no_strategy_log", this.key) });
    this.log.replaceChildren(...(lines.length ? lines.map(row) : [none]));
    if (low) this.log.scrollTop = this.log.scrollHeight;
  }

  #fail(sentence) {
    this.logged = "";
    this.log.replaceChildren(el("p", { class: "refused", text: sentence }));
  }
}
