// The menu of one chart: period, style, what is drawn, and the way to a date and back.

import { el } from "/shared/dom.js";
import { t } from "/shared/texts.js";
import { Popover, choices, tick } from "./popover.js";
import { ahead } from "./sessions.js";

const STYLES = ["candles", "bars", "line"];
const SWITCHES = [
  ["volume", "show_volume", true],
  ["log", "log_scale", false],
  ["sessions", "session_breaks", true],
  ["plots", "strategy_plots", true],
];

export class PaneMenu {
  constructor(store) {
    this.store = store;
    this.periods = [];
    this.panel = new Popover("pane-menu", () => t("pane_menu", store.terms(this.pane?.name ?? "").symbol));
    store.on("periods", (periods) => (this.periods = store.periods = periods));
    store.on("config", () => this.panel.open && this.#draw());
  }

  /** Open the menu of a pane at a button, or close it. */
  toggle(pane, button) {
    if (this.close()) return;
    this.pane = pane;
    this.store.activate(pane.number);
    this.#draw(button);
    this.panel.focus();
  }

  /** Close it; return whether it was open. */
  close() {
    return this.panel.close();
  }

  #draw(button = this.panel.button) {
    const { pane } = this;
    const config = this.store.config.layout.panes[pane.number]; // the pane may hear of a change later than this menu
    if (!config) {
      this.close();
      return;
    }
    const kept = document.activeElement?.dataset.value ?? document.activeElement?.parentElement?.dataset.switch;
    const periods = this.periods.includes(config.period) ? this.periods : [config.period, ...this.periods];
    this.panel.show(
      button,
      this.#row(t("period"), choices(t("period"), periods.map((value) => ({ value, text: value })), config.period, (period) => pane.change({ period }))),
      this.#row(t("chart_style"), choices(t("chart_style"), STYLES.map((value) => ({ value, text: t(`style_${value}`) })), config.style, (style) => pane.change({ style }))),
      el("div", { class: "ticks" }, ...SWITCHES.map(([key, text, usual]) => this.#switch(key, t(text), config[key] ?? usual))),
      this.#date(),
      el("div", { class: "row" }, el("button", { type: "button", text: t("indicators"), on: { click: () => this.#leave(() => this.store.tell("open-indicators")) } }), el("button", { type: "button", text: t("to_live"), on: { click: () => this.#leave(() => pane.live()) } })),
    );
    if (kept) this.panel.node.querySelector(`[data-value="${kept}"], [data-switch="${kept}"] input`)?.focus();
  }

  #row(text, node) {
    return el("div", { class: "line" }, el("span", { class: "muted", text }), node);
  }

  #switch(key, text, on) {
    const node = tick(text, on, (value) => this.pane.change({ [key]: value }));
    node.dataset.switch = key;
    return node;
  }

  // A day, or a moment, in the zone that the page shows times in.
  #date() {
    const box = el("input", { type: "datetime-local", "aria-label": t("go_to_date") });
    const go = () => {
      const at = Date.parse(`${box.value}Z`) / 1000;
      if (Number.isFinite(at)) this.#leave(() => this.pane.goTo(at - ahead(this.pane.grid.zone.current(), at)));
      else box.focus();
    };
    box.addEventListener("keydown", (event) => event.key === "Enter" && go());
    return el("div", { class: "line" }, el("span", { class: "muted", text: t("go_to_date") }), el("div", { class: "row" }, box, el("button", { type: "button", text: t("go"), on: { click: go } })));
  }

  #leave(action) {
    this.close();
    action();
  }
}
