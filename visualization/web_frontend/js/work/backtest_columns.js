// The columns of the list of backtests.

import { el } from "/shared/dom.js";
import * as format from "/shared/format.js";
import { stateWord, t } from "/shared/texts.js";
import { measureText } from "./measures.js";
import { parameterWords } from "./parameters.js";
import { stem } from "./run_words.js";

const PILLS = { done: "good", failed: "bad", cancelled: "warn" };

/** Columns for table.js. `picker(row)` is the box that picks a run to compare, `picked(run)` whether it is, `act(row)` its button. */
export function backtestColumns({ zone, picker, picked, act }) {
  const measure = (key, head, name, sign) => ({ key, head, number: true, value: (row) => row[key], text: (row) => measureText(name, row[key]), sign });
  return [
    { key: "pick", head: "", act: false, node: (row) => (row.state === "done" ? picker(row) : ""), mark: (row) => `${row.state}|${picked(row.run)}` },
    { key: "run", head: "w_run", node: name, mark: (row) => row.run + JSON.stringify(row.parameters ?? {}) },
    { key: "symbols", head: "symbols", text: (row) => `${row.symbols.join(", ")} ${row.period ?? ""}` },
    { key: "state", head: "state", node: state, mark: (row) => `${row.state}|${Math.round(row.progress * 100)}|${row.error}|${document.documentElement.lang}` },
    measure("return", "w_measure_total_return", "total_return", (row) => format.sign(row.return)),
    measure("sharpe", "w_measure_sharpe", "sharpe"),
    measure("drawdown", "w_measure_max_drawdown", "max_drawdown"),
    measure("trades", "w_measure_trades", "trades"),
    { key: "requested_ns", head: "w_asked", number: true, text: (row) => asked(row, zone()) },
    { key: "act", head: "", act: true, node: act, mark: (row) => row.run },
  ];
}

function asked({ requested_ns: ns }, zone) {
  if (!ns) return "–";
  const ms = ns / 1e6;
  return Date.now() - ms < 20 * 3600e3 ? format.timeOfDay(ms, zone) : format.date(ms, zone);
}

function name(row) {
  const words = parameterWords(row.parameters);
  return el("span", { title: words }, row.run, " ", el("span", { class: "muted", text: words || (row.run.startsWith(stem(row.file)) ? "" : stem(row.file)) }));
}

function state(row) {
  const pill = el("span", { class: `pill ${PILLS[row.state] ?? ""}`, text: stateWord(row.state), title: row.error });
  if (row.error) return el("span", {}, pill, " ", el("span", { class: "refused run-error", text: row.error, title: row.error }));
  if (row.state !== "running") return pill;
  const percent = Math.round(row.progress * 100);
  const bar = el("progress", { max: "1", value: String(row.progress), "aria-label": t("w_progress_of", row.run) });
  return el("span", { class: "going" }, bar, el("span", { text: `${percent} %` }));
}
