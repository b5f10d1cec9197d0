// Runs side by side: their returns in one chart, their measures with the better one marked, and the parameters that differ.

import { Dialog } from "/shared/dialog.js";
import { el } from "/shared/dom.js";
import { zoneName } from "/shared/format.js";
import { get } from "/shared/rest.js";
import { t } from "/shared/texts.js";
import { chartLibrary, drawReturns } from "./curves.js";
import { TOLD, best, measureName, measureText, told } from "./measures.js";
import { runTitle } from "./run_words.js";
import { waiting } from "./waiting.js";

const POINTS = 800;
const TOKENS = ["accent", "mark", "text", "muted"]; // none that means up or down
const LETTERS = ["A", "B", "C", "D"];
const STYLES = [0, 2, 1, 3]; // solid, dashed, dotted, widely dashed

/** So many runs can be told apart. */
export const MOST_COMPARED = TOKENS.length;

export class ComparePanel {
  /** `runs` are names; `zone()` of times. */
  constructor(runs, { zone }) {
    Object.assign(this, { runs, zone });
    this.dialog = new Dialog({ title: t("w_compare_title", runs.length), size: "large", closed: () => this.charts?.remove() });
    this.dialog.body.tabIndex = 0; // nothing else in it takes the focus, and it scrolls
  }

  async open() {
    this.dialog.open(this.dialog.cross);
    await waiting(this.dialog.body, async () => {
      const question = `/backtests/compare?${this.runs.map((run) => `run=${encodeURIComponent(run)}`).join("&")}`;
      const curves = this.runs.map((run) => get(`/backtests/${encodeURIComponent(run)}/curve`, { query: { points: POINTS } }));
      const [compared, ...drawn] = await Promise.all([get(question), ...curves, chartLibrary()]);
      this.#show(compared, drawn.slice(0, this.runs.length));
    });
  }

  /** Another theme. */
  recolour() {
    this.charts?.recolour();
  }

  #show({ runs, rows, parameters }, curves) {
    const plot = el("div", { class: "curve-plot" });
    const label = `${t("w_returns_label")} · ${zoneName(this.zone())}`;
    const section = el("section", { class: "curve", "aria-label": t("w_returns_label") }, el("h3", { text: label }), plot);
    this.dialog.body.replaceChildren(this.#legend(runs), section, this.#parameters(parameters), this.#measures(runs, rows));
    const drawn = curves.map((curve, at) => ({ curve, token: TOKENS[at], style: STYLES[at] })).filter(({ curve }) => curve.times_ms.length > 1);
    if (drawn.length) this.charts = drawReturns(plot, drawn, this.zone());
    else plot.replaceChildren(el("p", { class: "message", text: t("w_curve_short") }));
  }

  #legend(runs) {
    const row = (run, at) => el("li", {}, swatch(at), el("strong", { text: `${LETTERS[at]} · ${run.run}` }), el("span", { class: "muted", text: runTitle(run) }));
    return el("ul", { class: "compare-legend" }, ...runs.map(row));
  }

  #heads() {
    return el("thead", {}, el("tr", {}, el("td"), ...this.runs.map((run, at) => el("th", { scope: "col", class: "number", title: run }, swatch(at), LETTERS[at], el("span", { class: "run-name", text: ` · ${run}` })))));
  }

  // What differs; what is the same in all is not worth a line.
  #parameters(parameters) {
    const differing = parameters.filter(({ values }) => new Set(values.map((one) => JSON.stringify(one))).size > 1);
    if (!differing.length) return el("p", { class: "muted note", text: t("w_same_parameters") });
    const rows = differing.map(({ name, values }) => el("tr", {}, el("th", { scope: "row", text: name }), ...values.map((one) => el("td", { class: "number", text: one === null ? "–" : String(one) }))));
    return el("section", {}, el("h3", { text: t("w_differing_parameters") }), el("table", { class: "compare" }, this.#heads(), el("tbody", {}, ...rows)));
  }

  #measures(runs, rows) {
    const results = runs.map((_, at) => told(Object.fromEntries(rows.map(({ measure, values }) => [measure, values[at]]))));
    const line = (measure) => {
      const values = results.map((one) => one[measure]);
      const top = best(measure, values);
      const cells = values.map((value, at) => el("td", { class: at === top ? "number best" : "number" }, ...(at === top ? [mark()] : []), measureText(measure, value)));
      return el("tr", {}, el("th", { scope: "row", text: measureName(measure) }), ...cells);
    };
    return el("section", {}, el("h3", {}, t("w_measures"), " ", el("span", { class: "muted", text: t("w_best_note") })), el("table", { class: "compare" }, this.#heads(), el("tbody", {}, ...TOLD.filter((name) => results.some((one) => (one[name] ?? null) !== null)).map(line))));
  }
}

function mark() {
  return el("span", { class: "best-mark", role: "img", "aria-label": t("w_best"), title: t("w_best"), text: "✓ " });
}

function swatch(at) {
  return el("i", { class: `swatch swatch-${at}`, "aria-hidden": "true" });
}
