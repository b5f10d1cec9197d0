// One indicator: its parameters within their limits, the price it is made of, the colours of its lines, and whether it is drawn.

import { colours } from "/shared/appearance.js";
import { el } from "/shared/dom.js";
import { Form } from "/shared/form.js";
import { t } from "/shared/texts.js";
import { tick } from "./popover.js";

const SOURCES = ["close", "open", "high", "low", "hl2", "hlc3", "ohlc4", "volume"];
const PAUSE_MS = 250; // typing goes on

export class IndicatorForm {
  /** `kind` is its row of the catalogue; `changed(indicator)` gets it with what the reader changed. */
  constructor(indicator, kind, changed) {
    Object.assign(this, { indicator, kind, changed });
    const parameters = kind.parameters.map(({ name, type, default: usual, low, high }) => ({ name, type, low, high, default: indicator.parameters?.[name] ?? usual }));
    const source = kind.source ? [{ name: "source", label: t("made_of"), type: "choice", choices: SOURCES, default: indicator.source ?? "close" }] : [];
    this.form = new Form([...parameters, ...source], { changed: () => this.#later(), submit: () => this.#read() });
    const title = kind.title === kind.name ? kind.name : `${kind.name} · ${kind.title}`;
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
    const { source, ...parameters } = values;
    this.#take({ parameters, ...(source !== undefined && { source }) });
  }

  #colours() {
    const tokens = colours();
    const boxes = this.kind.lines.map((line, at) => {
      const own = this.indicator.colours?.[line];
      const box = el("input", { type: "color", "aria-label": t("colour_of", line), on: { change: () => this.#take({ colours: { ...this.indicator.colours, [line]: box.value } }) } });
      box.value = own ?? tokens[`study_${(at % 6) + 1}`];
      return el("label", { class: "colour" }, box, el("span", { text: line }));
    });
    return el("div", { class: "colours" }, el("span", { class: "muted", text: t("colours") }), ...boxes);
  }

  #take(change) {
    this.indicator = { ...this.indicator, ...change };
    this.changed(this.indicator);
  }
}
