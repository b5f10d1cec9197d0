// Backtests: what runs, how far it has come, what came out; a run opens in a panel of its own, several are compared.

import "../texts/work.js";
import { AskButton } from "/shared/ask.js";
import { el } from "/shared/dom.js";
import { get, post, remove } from "/shared/rest.js";
import { Table } from "/shared/table.js";
import { t } from "/shared/texts.js";
import { backtestColumns } from "./backtest_columns.js";
import { BacktestDialog } from "./backtest_dialog.js";
import { ComparePanel, MOST_COMPARED } from "./compare_panel.js";
import { Polling } from "./polling.js";
import { RunPanel } from "./run_panel.js";
import { onAppearance, viewFrame } from "./view_frame.js";

const EVERY_MS = 1000;
const MOST = 200;
export const GOING = ["requested", "running"];

export class BacktestsView {
  /** `options`: `store` of the chart page, if it is there; `zone()` of times; `tools`, where the view's buttons stand. */
  constructor(node, { store, zone = () => "UTC", tools } = {}) {
    Object.assign(this, { store, zone, acts: new Map(), picked: new Set(), panel: null });
    this.new = el("button", { type: "button", class: "backtest-open", on: { click: () => this.ask() } });
    this.compare = el("button", { type: "button", class: "compare-open", on: { click: () => this.#compare() } });
    this.frame = viewFrame(node, "backtests", [this.compare, this.new], tools);
    const columns = backtestColumns({ zone, picker: (row) => this.#picker(row), picked: (run) => this.picked.has(run), act: (row) => this.#act(row).node });
    const choose = (row) => this.#choose(row);
    this.table = new Table(this.frame.place, { label: () => t("backtests"), columns, key: (row) => row.run, empty: () => this.#empty(), choose });
    this.polling = new Polling(async (signal) => this.#show(await get("/backtests", { query: { limit: MOST }, signal })), (sentence) => this.table.fail(sentence, () => this.polling.now()), EVERY_MS);
    onAppearance(() => this.translate());
    this.translate();
  }

  show() {
    this.frame.show();
    this.polling.start();
  }

  hide() {
    this.frame.hide();
    this.polling.stop();
  }

  /** Write every text anew, in another language; recolour what is open. */
  translate() {
    this.new.textContent = t("w_backtest_open");
    for (const { ask } of this.acts.values()) ask.translate();
    if (this.shown) this.#show(this.shown);
    else this.#count();
    this.panel?.recolour();
  }

  /** Open the form of a backtest, filled in like a strategy or a run. */
  ask(like) {
    new BacktestDialog({ like, symbol: this.store?.name, asked: () => this.polling.now() }).open();
  }

  #show(rows) {
    this.shown = rows;
    const runs = new Set(rows.map((row) => row.run));
    for (const run of this.picked) if (!runs.has(run)) this.picked.delete(run);
    for (const row of rows) this.#act(row).turn(row);
    this.table.show(rows);
    this.#count();
  }

  #count() {
    this.compare.textContent = this.picked.size ? t("w_compare_count", this.picked.size) : t("w_compare_open");
    this.compare.disabled = this.picked.size < 2;
    this.compare.title = this.compare.disabled ? t("w_compare_hint") : "";
  }

  #picker({ run }) {
    const box = el("input", { type: "checkbox", "aria-label": t("w_compare_run", run), on: { change: () => this.#pick(run, box) } });
    box.checked = this.picked.has(run);
    return box;
  }

  #pick(run, box) {
    if (box.checked && this.picked.size >= MOST_COMPARED) box.checked = false;
    else if (box.checked) this.picked.add(run);
    else this.picked.delete(run);
    this.#count();
  }

  // One button a run: it cancels what runs and deletes what has ended.
  #act(row) {
    const known = this.acts.get(row.run);
    if (known) return known;
    const held = { state: row.state };
    const path = `/backtests/${encodeURIComponent(row.run)}`;
    const going = () => GOING.includes(held.state);
    const ask = new AskButton({
      text: () => t(going() ? "w_cancel_run" : "w_delete"),
      label: () => `${t(going() ? "w_cancel_run" : "w_delete")} ${row.run}`,
      question: () => t(going() ? "w_ask_cancel_run" : "w_ask_delete_run", row.run),
      run: async () => {
        await (going() ? post(`${path}/cancel`) : remove(path));
        this.polling.now();
      },
      danger: true,
      kind: "quiet",
    });
    const turn = ({ state }) => {
      const before = going();
      held.state = state;
      if (going() !== before) ask.translate();
    };
    this.acts.set(row.run, { ask, node: ask.node, turn });
    return this.acts.get(row.run);
  }

  #choose(row) {
    if (GOING.includes(row.state)) return;
    this.panel = new RunPanel(row.run, { zone: this.zone, removed: () => this.polling.now(), again: (run) => this.ask(run) });
    this.panel.open();
  }

  #compare() {
    this.panel = new ComparePanel([...this.picked], { zone: this.zone });
    this.panel.open();
  }

  #empty() {
    return el("div", { class: "message" }, el("span", { text: t("w_no_backtests") }), el("button", { type: "button", text: t("w_backtest_open"), on: { click: () => this.ask() } }));
  }
}
