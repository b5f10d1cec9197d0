// The tools of the active chart in the top bar: periods (some in a row, all of them in a menu), style, indicators, layout.

import { byId, el, setText } from "/shared/dom.js";
import { t } from "/shared/texts.js";
import { Menu } from "./menu.js";

const ROW = ["1s", "1m", "5m", "15m", "1h", "1d"];
const STYLES = ["candles", "bars", "line"];

export class ChartTools {
  /** Tells the store "open-indicators" and "open-layout"; whoever draws the charts answers. */
  constructor(store) {
    this.store = store;
    this.periods = ROW;
    this.row = byId("periods");
    const choose = (period) => store.choosePeriod(period);
    this.menus = [
      new Menu(byId("periods-more"), { items: () => this.periods.map((value) => ({ value, text: value })), chosen: () => store.period, take: choose }),
      new Menu(byId("chart-style"), { items: () => STYLES.map((value) => ({ value, text: t(`style_${value}`) })), chosen: () => store.pane.style, take: (style) => this.setStyle(style) }),
    ];
    this.buttons = ROW.map((period) => el("button", { type: "button", role: "radio", text: period, on: { click: () => choose(period) } }));
    this.row.append(...this.buttons);
    this.row.addEventListener("keydown", (event) => this.#key(event));
    byId("indicators-open").addEventListener("click", () => store.tell("open-indicators"));
    byId("layout-open").addEventListener("click", () => store.tell("open-layout"));
    store.on("periods", (periods) => this.#offer(periods));
    for (const topic of ["period", "active", "config", "ready", "appearance"]) store.on(topic, () => this.#draw());
    this.#draw();
  }

  /** Every action of the bar as a command for the search: { text(), run() }. */
  commands() {
    return [
      ...this.periods.map((period) => ({ text: () => `${t("period")} ${period}`, run: () => this.store.choosePeriod(period) })),
      ...STYLES.map((style) => ({ text: () => `${t("chart_style")}: ${t(`style_${style}`)}`, run: () => this.setStyle(style) })),
      { text: () => t("indicators"), run: () => this.store.tell("open-indicators") },
      { text: () => t("layout"), run: () => this.store.tell("open-layout") },
    ];
  }

  /** Draw the active chart as "candles", "bars" or "line". */
  setStyle(style) {
    this.store.changePane({ style });
  }

  /** Choose the period at `index` of the row, if there is one. */
  choose(index) {
    if (ROW[index]) this.store.choosePeriod(ROW[index]);
  }

  /** Close an open menu; return whether there was one. */
  close() {
    return this.menus.map((menu) => menu.close()).includes(true);
  }

  #offer(periods) {
    this.periods = periods;
    this.buttons.forEach((button) => (button.hidden = !periods.includes(button.textContent)));
    this.#draw();
  }

  #draw() {
    const { period } = this.store;
    const inRow = ROW.includes(period);
    this.buttons.forEach((button, at) => {
      const chosen = button.textContent === period;
      button.setAttribute("aria-checked", String(chosen));
      button.tabIndex = chosen || (!inRow && at === 0) ? 0 : -1;
    });
    const more = byId("periods-more");
    setText(more, inRow ? "▾" : `${period} ▾`);
    more.classList.toggle("chosen", !inRow);
    more.title = t("more_periods");
    more.setAttribute("aria-label", inRow ? t("more_periods") : `${t("more_periods")}: ${period}`);
    const style = byId("chart-style");
    setText(style, `${t(`style_${this.store.pane.style}`)} ▾`);
    style.title = t("chart_style");
  }

  #key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const shown = this.buttons.filter((button) => !button.hidden);
    const next = shown[(shown.indexOf(document.activeElement) + step + shown.length) % shown.length];
    next.focus();
    next.click();
  }
}
