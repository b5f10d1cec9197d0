// One run opened: its headline, the account's value over its drawdown, trades, measures, parameters, and the way to the full report.

import { AskButton } from "/shared/ask.js";
import { Dialog } from "/shared/dialog.js";
import { el } from "/shared/dom.js";
import * as format from "/shared/format.js";
import { get, page, remove } from "/shared/rest.js";
import { Table } from "/shared/table.js";
import { t } from "/shared/texts.js";
import { chartLibrary, drawRun } from "./curves.js";
import { TOLD, measureName, measureText, told } from "./measures.js";
import { factList, runTitle } from "./run_words.js";
import { tradeColumns } from "./trade_columns.js";
import { waiting } from "./waiting.js";

const POINTS = 800;
const TRADES = 200;
const HEADLINE = ["total_return", "sharpe", "max_drawdown", "trades", "win_rate", "profit_factor"];

export class RunPanel {
  /** `zone()` of times; `removed()` is told when it was deleted; `again(run)` opens the form with its settings. */
  constructor(run, { zone, removed, again }) {
    Object.assign(this, { run, zone });
    this.path = `/backtests/${encodeURIComponent(run)}`;
    this.report = el("a", { class: "button", href: `/api/v1${this.path}/report`, target: "_blank", rel: "noopener", text: t("w_full_report"), hidden: "" });
    const repeat = el("button", { type: "button", text: t("w_test_again"), on: { click: () => this.#again(again) } });
    const erase = async () => {
      await remove(this.path);
      this.dialog.close();
      removed();
    };
    const gone = new AskButton({ text: () => t("w_delete"), question: () => t("w_ask_delete_run", run), run: erase, danger: true });
    this.dialog = new Dialog({ title: run, size: "large", footer: [gone.node, el("span", { class: "gap" }), repeat, this.report], closed: () => this.charts?.remove() });
  }

  async open() {
    this.dialog.open(this.dialog.cross);
    await waiting(this.dialog.body, async () => {
      this.known = await get(this.path);
      this.report.hidden = !this.known.report;
      if (this.known.state !== "done") return this.#showFailed(this.known);
      const [curve, trades] = await Promise.all([
        get(`${this.path}/curve`, { query: { points: POINTS } }),
        page(`${this.path}/trades`, { query: { limit: TRADES } }),
        chartLibrary(),
      ]);
      return this.#show(this.known, curve, trades);
    });
  }

  /** Another theme. */
  recolour() {
    this.charts?.recolour();
  }

  #show(run, curve, trades) {
    const results = told(run.results);
    this.legend = el("span", { class: "curve-legend muted" });
    const upper = el("div", { class: "curve-plot" });
    const lower = el("div", { class: "curve-plot low" });
    const drawn = el("section", { class: "curve", "aria-label": t("w_curve_label") }, el("h3", {}, t("w_curve_label"), " ", this.legend), upper, lower);
    const lines = TOLD.filter((name) => (results[name] ?? null) !== null).map((name) => [measureName(name), measureText(name, results[name])]);
    const left = el("section", { class: "run-measures" }, el("h3", { text: t("w_measures") }), factList(lines));
    const settings = el("section", {}, el("h3", { text: t("w_parameters") }), factList(Object.entries(run.parameters)), el("h3", { text: t("w_settings") }), factList(settingLines(run)));
    const list = el("section", { class: "trades" });
    this.dialog.body.replaceChildren(el("p", { class: "muted note", text: runTitle(run) }), headline(results), drawn, el("div", { class: "run-columns" }, left, settings), list);
    for (const note of run.notes) this.dialog.body.firstChild.after(el("p", { class: "note warn", text: note }));
    this.#draw(upper, lower, curve);
    this.#trades(list, trades);
  }

  #showFailed(run) {
    this.dialog.node.classList.replace("large", "wide");
    const why = el("p", { class: "refused", text: run.error && run.state === "failed" ? t("w_run_failed", run.error) : t("w_run_cancelled") });
    const settings = [...Object.entries(run.parameters), ...settingLines(run)];
    this.dialog.body.replaceChildren(el("p", { class: "muted note", text: runTitle(run) }), why, el("h3", { text: t("w_settings") }), factList(settings));
  }

  #draw(upper, lower, curve) {
    if (curve.times_ms.length < 2) return upper.replaceChildren(el("p", { class: "message", text: t("w_curve_short") }));
    const zone = this.zone();
    const last = curve.times_ms.length - 1;
    const write = (at) => {
      const ms = curve.times_ms[at ?? last];
      const fallen = `${format.signed(-Math.abs(curve.drawdown[at ?? last]) * 100, 2)} %`;
      this.legend.textContent = `${format.date(ms, zone)} ${format.hourMinute(ms, zone)} ${format.zoneName(zone, ms)} · ${t("w_account_value")} ${format.price(curve.equity[at ?? last], 2)} · ${t("w_measure_max_drawdown")} ${fallen}`;
    };
    this.charts = drawRun([upper, lower], curve, zone, write);
    return write(null);
  }

  #trades(place, { rows, total }) {
    const table = el("div", { class: "work-table" });
    const shown = rows.length < total ? t("w_first_of", rows.length, format.price(total, 0)) : format.price(total, 0);
    place.replaceChildren(el("h3", {}, t("w_trades"), " ", el("span", { class: "muted", text: shown })), table);
    const all = rows.map((row, at) => ({ ...row, key: String(at) }));
    new Table(table, { label: () => t("w_trades"), columns: tradeColumns(this.zone, rows), empty: () => t("w_no_trades"), most: TRADES }).show(all);
  }

  #again(again) {
    if (!this.known) return;
    this.dialog.close();
    again(this.known);
  }
}

function headline(results) {
  const sign = { total_return: format.sign(results.total_return), max_drawdown: results.max_drawdown ? "down" : "" };
  const figure = (name) => el("div", {}, el("dt", { text: measureName(name) }), el("dd", { class: sign[name] ?? "", text: measureText(name, results[name]) }));
  return el("dl", { class: "headline" }, ...HEADLINE.map(figure));
}

function settingLines({ settings, symbols, period, file, class_name: name }) {
  const { cash, commission, matching, slippage, preset, start_ns: start, end_ns: end } = settings;
  const day = (ns) => ns && new Date(ns / 1e6).toISOString().slice(0, 10);
  const rest = { cash, commission, matching, slippage: slippage || null, preset, range_from: day(start), range_to: day(end) };
  const lines = Object.entries(rest).filter(([, value]) => value !== undefined && value !== null && value !== "").map(([key, value]) => [t(SETTING[key]), String(value)]);
  return [[t("w_file"), file], [t("w_class"), name || "–"], [t("symbols"), symbols.join(", ")], [t("w_bars_of"), period], ...lines];
}

const SETTING = { cash: "w_cash_at_start", commission: "w_commission", matching: "w_matching", slippage: "w_slippage", preset: "w_preset", range_from: "w_range_from", range_to: "w_range_to" };
