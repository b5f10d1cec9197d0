// The top bar: periods, connection with its latency, events a second, account and today's profit.

import { byId, el, setText } from "/shared/dom.js";
import * as format from "/shared/format.js";
import { t } from "/shared/texts.js";

const MOST_BOOKS = 3;

export class TopBar {
  constructor(store) {
    this.store = store;
    this.periods = [];
    store.on("periods", (periods) => this.#build(periods));
    store.on("period", () => this.#check());
    store.on("ready", () => this.#check());
    for (const topic of ["connection", "status", "accounts", "appearance"]) store.on(topic, () => this.#draw());
    setInterval(() => this.#draw(), 1000); // the ages and countdowns go on by themselves
    this.#build(["1s", "1m", "5m", "15m", "1h", "1d"]);
    this.#draw();
  }

  /** Choose the period at `index` of the row, if there is one. */
  choose(index) {
    if (this.periods[index]) this.store.choosePeriod(this.periods[index]);
  }

  #build(periods) {
    this.periods = periods;
    const buttons = periods.map((period) => el("button", { type: "button", role: "radio", text: period, on: { click: () => this.store.choosePeriod(period) } }));
    byId("periods").replaceChildren(...buttons);
    byId("periods").onkeydown = (event) => this.#key(event, buttons);
    this.#check();
  }

  #check() {
    for (const button of byId("periods").children) {
      const chosen = button.textContent === this.store.period;
      button.setAttribute("aria-checked", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    }
  }

  #key(event, buttons) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = (buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length;
    buttons[at].focus();
    buttons[at].click();
  }

  #draw() {
    const { connection, status } = this.store;
    document.body.dataset.connection = connection.state;
    setText(byId("connection-text"), this.#connection(connection));
    setText(byId("rate"), this.store.ready ? t("rate", format.price(status.events_per_s, 0)) : "");
    this.#profit([...this.store.tables.accounts.values()]);
  }

  // Each currency by itself: money of two does not add up. The largest sums are shown, all of them in the title.
  #profit(books) {
    const sorted = books.toSorted((a, b) => Math.abs(b.today) - Math.abs(a.today));
    const texts = sorted.map((book) => `${format.money(book.today)} ${book.currency}`);
    setText(byId("account"), [...new Set(books.map((book) => book.account))].join(", "));
    if (this.shown === texts.join()) return;
    this.shown = texts.join();
    const parts = sorted.slice(0, MOST_BOOKS).map((book) => el("span", { class: format.sign(book.today, 2), text: `${format.money(book.today)} ` }, el("small", { text: book.currency })));
    byId("profit").replaceChildren(...parts);
    byId("profit").title = `${t("profit_help")}: ${texts.join(", ")}`;
  }

  #connection({ state, latency, since, retryAt }) {
    if (state === "live") return t("live", latency ?? "…");
    if (state === "lost") return t("lost", format.age(Date.now() - since), format.age(retryAt - Date.now()));
    return t("connecting");
  }
}
