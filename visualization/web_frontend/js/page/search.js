// The search box: symbols, periods and commands. Enter takes the chosen line, Esc closes.

import { byId, el } from "/shared/dom.js";
import { t } from "/shared/texts.js";

const MOST = 12;

export class Search {
  /** `commands` is a list of { text(), run() }. */
  constructor(store, commands) {
    this.store = store;
    this.commands = commands;
    this.box = byId("search-box");
    this.list = byId("search-results");
    this.found = [];
    this.chosen = 0;
    this.box.addEventListener("input", () => this.#search());
    this.box.addEventListener("focus", () => this.#search());
    this.box.addEventListener("blur", () => setTimeout(() => this.close(), 120)); // after a click on a line
    this.box.addEventListener("keydown", (event) => this.#key(event));
    byId("watch-add").addEventListener("click", () => this.open());
  }

  open() {
    this.box.focus();
    this.box.select();
  }

  /** Close the list; return whether it was open. */
  close() {
    const open = !this.list.hidden;
    this.list.hidden = true;
    this.box.setAttribute("aria-expanded", "false");
    return open;
  }

  #search() {
    const word = this.box.value.trim().toLowerCase();
    this.found = [...this.#symbols(word), ...this.#commands(word)].slice(0, MOST);
    this.chosen = 0;
    this.list.hidden = !word && !this.found.length;
    this.box.setAttribute("aria-expanded", String(!this.list.hidden));
    this.#draw();
  }

  // Symbols that begin with the word come before those that hold it somewhere.
  #symbols(word) {
    const hits = [...this.store.instruments.values()].filter((one) => one.name.toLowerCase().includes(word) || one.description?.toLowerCase().includes(word));
    const rank = (one) => Number(!one.symbol.toLowerCase().startsWith(word));
    return hits.sort((a, b) => rank(a) - rank(b)).map((one) => ({ text: one.symbol, note: one.venue, run: () => this.store.select(one.name) }));
  }

  #commands(word) {
    return this.commands.map((one) => ({ text: one.text(), note: "", run: one.run })).filter((one) => word && one.text.toLowerCase().includes(word));
  }

  #draw() {
    const lines = this.found.map((one, at) =>
      el("li", { role: "option", id: `found-${at}`, "aria-selected": String(at === this.chosen), on: { mousedown: () => this.#take(one) } }, el("span", { text: one.text }), el("span", { class: "muted", text: one.note })),
    );
    this.list.replaceChildren(...(lines.length ? lines : [el("li", { class: "nothing", text: t("nothing_found", this.box.value) })]));
    this.box.setAttribute("aria-activedescendant", lines.length ? `found-${this.chosen}` : "");
  }

  #key(event) {
    if (event.key === "Enter" && this.found[this.chosen]) this.#take(this.found[this.chosen]);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !this.found.length) return;
    event.preventDefault();
    this.chosen = (this.chosen + step + this.found.length) % this.found.length;
    this.#draw();
  }

  #take(one) {
    one.run();
    this.box.value = "";
    this.box.blur();
    this.close();
  }
}
