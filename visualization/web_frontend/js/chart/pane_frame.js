// The frame of one chart: where its legend, plots, notes and messages stand, and the four states of a view.

import { el, message } from "/shared/dom.js";
import { t } from "/shared/texts.js";

const NOTE_MS = 6000;

export class PaneFrame {
  /** `legend` is the node of the legend; `on`: { activate(), live(), retry() }. */
  constructor(number, legend, on) {
    this.on = on;
    this.toLive = el("button", { type: "button", class: "to-live", text: t("to_live"), hidden: true, on: { click: () => on.live() } });
    this.more = el("div", { class: "older", role: "status", hidden: true });
    this.said = el("div", { class: "pane-message", role: "status" });
    this.plots = el("div", { class: "plots" });
    const canvas = el("div", { class: "canvas" }, this.plots, this.toLive, this.more, this.said);
    this.node = el("section", { class: "pane", id: number ? `chart-${number}` : "chart", data: { pane: number, state: "loading" }, on: { pointerdown: () => on.activate(), focusin: () => on.activate() } }, legend, canvas);
  }

  /** Show it as "loading", "empty", "error" (with a detail) or "ready" for an instrument and a period. */
  state(state, name, period, detail = "") {
    this.node.dataset.state = state;
    this.node.setAttribute("aria-busy", String(state === "loading"));
    const { said } = this;
    said.replaceChildren();
    if (state === "loading") said.append(t("loading", `${name} ${period}`));
    if (state === "empty" && name) said.append(message(t("no_bars", name, period)));
    if (state === "empty" && !name) said.append(message(t("no_market"), "python -m gcg_quant import FILE", t("copy")));
    if (state === "error") said.append(message(t("history_failed", name, detail)), el("button", { type: "button", text: t("retry"), on: { click: () => this.on.retry() } }));
  }

  /** Say something for a few seconds, over the chart. */
  note(text) {
    this.#say(text);
    this.noted = setTimeout(() => this.#say(""), NOTE_MS);
  }

  /** Say what is being loaded, as long as it is; "" for nothing. */
  loading(what) {
    this.#say(what && t(`loading_${what}`));
  }

  translate() {
    this.toLive.textContent = t("to_live");
  }

  #say(text) {
    clearTimeout(this.noted);
    this.more.textContent = text;
    this.more.hidden = !text;
  }
}
