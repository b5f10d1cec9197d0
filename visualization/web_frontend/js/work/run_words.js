// A run in words: what was run on what, and lists of names and values.

import { el } from "/shared/dom.js";
import { parameterWords } from "./parameters.js";

/** The name of a strategy's file without folder and ending. */
export function stem(file) {
  return (file ?? "").split(/[\\/]/).at(-1).replace(/\.py$/, "");
}

/** "sma_cross on BTC/USDT@SIM, 1m · fast 5 · slow 20". */
export function runTitle({ file, symbols, period, parameters }) {
  return [`${stem(file)} · ${symbols.join(", ")} · ${period}`, parameterWords(parameters)].filter(Boolean).join(" · ");
}

/** Names and values as a list: [[name, value], ...]. */
export function factList(lines) {
  return el("dl", { class: "facts" }, ...lines.map(([name, value]) => el("div", {}, el("dt", { text: name }), el("dd", { text: String(value) }))));
}
