// One indicator: its parameters within their limits, the price it is made of, the colours of its lines, and whether it is drawn.

import { colours } from "/shared/appearance.js";
import { el } from "/shared/dom.js";
import { Form } from "/shared/form.js";
import { t } from "/shared/texts.js";
import { indicatorWord } from "../texts/indicators.js";
import { tick } from "./popover.js";

const SOURCES = ["close", "open", "high", "low", "hl2", "hlc3", "ohlc4", "volume"];
const PAUSE_MS = 250; // typing goes on

export class IndicatorForm {
  /** `kind` is its row of the catalogue; `changed(indicator)` gets it with what the reader changed. */
  constructor(indicator, kind, changed) {
    Object.assign(this, { indicator, kind, changed });
    const parameters = kind.parameters.map((one) => ({ name: one.name, label: indicatorWord(one.name), ...typed(one), default: indicator.parameters?.[one.name] ?? one.default }));
    const source = kind.source ? [{ name: "source", label: t("made_of"), type: "choice", choices: SOURCES.map((value) => ({ value, text: indicatorWord(value) })), default: indicator.source ?? "close" }] : [];
    this.form = new Form([...parameters, ...source], { changed: () => this.#later(), submit: () => this.#read() });
    const title = kind.title === kind.name ? kind.name : `${kind.name} · ${indicatorWord(kind.title)}`;
    const shown = tick(t("drawn"), !indicator.hidden, (on) => this.#take({ hidden: !on }));
    this.node = el("div", {}, el("h3", { text: title }), this.form.node, this.#colours(), shown);
  }

  focus() {
    (this.form.node.querySelector("input, select") ?? this.node.querySelector("input"))?.focus();
  }

  #later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#read(), PAUSE_MS);
  }

  #read() {
    clearTimeout(this.timer);
    const focused = document.activeElement;
    const values = this.form.read();
    if (!values) {
      focused?.focus();
      return;
    }
    const { source, ...read } = values;
    const parameters = Object.fromEntries(Object.entries(read).map(([name, value]) => [name, Number(value)])); // a box that is ticked is 1
    this.#take({ parameters, ...(source !== undefined && { source }) });
  }

  #colours() {
    const tokens = colours();
    const boxes = this.kind.lines.map((line, at) => {
      const own = this.indicator.colours?.[line];
      const box = el("input", { type: "color", "aria-label": t("colour_of", line), on: { change: () => this.#take({ colours: { ...this.indicator.colours, [line]: box.value } }) } });
      box.value = own ?? tokens[`study_${(at % 6) + 1}`];
      return el("label", { class: "colour" }, box, el("span", { text: indicatorWord(line) }));
    });
    return el("div", { class: "colours" }, el("span", { class: "muted", text: t("colours") }), ...boxes);
  }

  #take(change) {
    this.indicator = { ...this.indicator, ...change };
    this.changed(this.indicator);
  }
}

// A parameter's field: a number within its limits, one of several words, or a box to tick.
function typed({ type, low, high, choices }) {
  if (choices) return { type: "choice", choices: choices.map((word, value) => ({ value, text: indicatorWord(word) })) };
  return type === "flag" ? { type: "bool" } : { type, low, high };
}
