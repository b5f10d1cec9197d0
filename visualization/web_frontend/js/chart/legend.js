// The line above a chart: symbol, venue and period, and open, high, low, close and volume of the bar under the pointer.

import { el, oncePerFrame, setText } from "/shared/dom.js";
import * as format from "/shared/format.js";
import { t } from "/shared/texts.js";

const OLD_MS = 60_000; // a last tick older than this is told

export class Legend {
  /** `pane` is what it names; `menu()` opens the pane's menu at a button. */
  constructor(store, pane, menu) {
    Object.assign(this, { store, pane, bar: null, last: null });
    this.title = el("h2");
    this.place = el("span", { class: "place" });
    this.values = ["O", "H", "L", "C"].map(() => el("b"));
    this.volume = el("b");
    this.volumeLabel = el("span");
    this.change = el("span");
    this.age = el("span", { class: "age" });
    this.menu = el("button", { type: "button", class: "quiet pane-menu-open", text: "⋯", "aria-haspopup": "dialog", "aria-expanded": "false", on: { click: () => menu(this.menu) } });
    const letters = ["O", "H", "L", "C"].map((letter, at) => el("span", { class: letter === "C" ? "ohlc close" : "ohlc" }, `${letter} `, this.values[at]));
    this.filled = [...letters, el("span", { class: "volume" }, this.volumeLabel, this.volume)];
    this.node = el("div", { class: "legend heading" }, this.title, this.place, ...this.filled, this.change, this.age, this.menu);
    this.draw = oncePerFrame(() => this.#draw());
  }

  /** Show a bar's numbers; null shows the newest one again. */
  show(bar) {
    this.bar = bar ?? null;
    this.draw();
  }

  /** The newest bar has changed. */
  newest(bar) {
    if (this.bar && bar && this.bar[0] === bar[0]) this.bar = bar;
    this.last = bar ?? null;
    this.draw();
  }

  #draw() {
    const { name, period, drawn, ready } = this.pane;
    const { symbol, venue, decimals, quantity_decimals: digits } = this.store.terms(name);
    setText(this.title, symbol);
    setText(this.place, name ? [venue, period, drawn === period ? "" : t("drawn_as", drawn)].filter(Boolean).join(" · ") : "");
    const bar = ready ? (this.bar ?? this.last) : null;
    this.values.forEach((node, at) => setText(node, format.price(bar?.[at + 1], decimals)));
    for (const node of this.filled) node.hidden = !name;
    setText(this.volumeLabel, `${t("volume")} `);
    setText(this.volume, format.quantity(bar?.[5], digits));
    const move = bar ? bar[4] / bar[1] - 1 : null;
    setText(this.change, bar ? format.percent(move) : "");
    this.change.className = `change ${format.sign(move, 4)}`;
    const quote = this.store.quotes.get(name);
    const old = quote?.time_ms ? this.store.now() - quote.time_ms : 0;
    setText(this.age, old > OLD_MS ? t("last_tick", format.age(old)) : "");
    this.menu.setAttribute("aria-label", t("pane_menu", symbol));
    this.menu.title = t("pane_menu", symbol);
  }
}
