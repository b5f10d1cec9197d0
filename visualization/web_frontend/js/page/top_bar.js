// The state of the system in the top bar: connection with its latency, events a second, account and today's profit.

import { byId, el, setText } from "/shared/dom.js";
import * as format from "/shared/format.js";
import { t } from "/shared/texts.js";

const MOST_BOOKS = 3;

export class TopBar {
  /** `accounts()` shows all that there is of each account. */
  constructor(store, accounts) {
    Object.assign(this, { store, accounts });
    for (const topic of ["connection", "status", "accounts", "appearance"]) store.on(topic, () => this.#draw());
    byId("profit").addEventListener("click", () => this.accounts());
    setInterval(() => this.#draw(), 1000); // the ages and countdowns go on by themselves
    this.#draw();
  }

  #draw() {
    const { connection, status } = this.store;
    document.body.dataset.connection = connection.state;
    setText(byId("connection-text"), this.#connection(connection));
    setText(byId("rate"), this.store.ready ? t("rate", format.price(status.events_per_s, 0)) : "");
    this.#profit([...this.store.tables.accounts.values()]);
  }

  // Each currency by itself: money of two does not add up. The largest sums are shown as far as there is room, all of them a click away.
  #profit(books) {
    const sorted = books.toSorted((a, b) => Math.abs(b.today) - Math.abs(a.today));
    const texts = sorted.map((book) => `${format.money(book.today)} ${book.currency}`);
    setText(byId("account"), [...new Set(books.map((book) => book.account))].join(", "));
    const words = `${t("profit_help")}: ${texts.join(", ")}`;
    if (this.shown === words) return;
    this.shown = words;
    const parts = sorted.slice(0, MOST_BOOKS).map((book) => el("span", { class: format.sign(book.today, 2), text: `${format.money(book.today)} ` }, el("small", { text: book.currency })));
    byId("profit").replaceChildren(...parts, ...(books.length > 1 ? [el("small", { class: "more", text: `+${books.length - 1}` })] : []));
    byId("profit").hidden = !parts.length;
    byId("profit").title = words;
    byId("profit").setAttribute("aria-label", words);
  }

  #connection({ state, latency, since, retryAt }) {
    if (state === "live") return t("live", latency ?? "…");
    if (state === "lost") return t("lost", format.age(Date.now() - since), format.age(retryAt - Date.now()));
    return t("connecting");
  }
}
