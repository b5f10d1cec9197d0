// The search box: symbols, periods and commands, and symbols that are not there yet. Enter takes the chosen line, Esc closes.

import { byId, el } from "/shared/dom.js";
import { t } from "/shared/texts.js";

const MOST = 12;
const VENUES = 3; // offered for a new symbol
const SYMBOL = /^[^\s@]{1,40}(@\S{1,24})?$/u;

export class Search {
  /** `watched` takes symbols into the watch list; `commands` is a list of { text(), run() }. */
  constructor(store, watched, commands) {
    Object.assign(this, { store, watched, commands });
    this.box = byId("search-box");
    this.list = byId("search-results");
    this.adding = false; // opened by the watch list's +: symbols are added
    this.found = [];
    this.chosen = 0;
    this.box.addEventListener("input", () => this.#search());
    this.box.addEventListener("focus", () => {
      clearTimeout(this.closing);
      this.#search();
    });
    // After a click on a line; and not where a dialog that was opened from here has given the focus back.
    this.box.addEventListener("blur", () => (this.closing = setTimeout(() => document.activeElement === this.box || this.close(), 120)));
    this.box.addEventListener("keydown", (event) => this.#key(event));
    byId("watch-add").addEventListener("click", () => this.open(true));
    store.on("appearance", () => this.#hint());
  }

  /** Give the box the focus; with `adding`, symbols go into the watch list. */
  open(adding = false) {
    this.adding = adding;
    clearTimeout(this.closing);
    this.#hint();
    this.box.focus();
    this.box.select();
    this.#search();
  }

  /** Close the list; return whether it was open. */
  close() {
    const open = !this.list.hidden;
    this.list.hidden = true;
    if (open) this.box.value = "";
    this.adding = false;
    this.#hint();
    this.box.setAttribute("aria-expanded", "false");
    this.box.removeAttribute("aria-activedescendant");
    return open;
  }

  #hint() {
    this.box.placeholder = t(this.adding ? "watch_hint" : "search_hint");
  }

  #search() {
    const typed = this.box.value.trim();
    const word = typed.toLowerCase();
    const known = this.#symbols(word);
    this.found = [...known, ...(this.adding ? [] : this.#commands(word)), ...this.#fresh(typed, known)].slice(0, MOST);
    this.chosen = 0;
    this.list.hidden = !word && !this.found.length;
    this.box.setAttribute("aria-expanded", String(!this.list.hidden));
    this.#draw();
  }

  // Symbols that begin with the word come before those that hold it somewhere.
  #symbols(word) {
    const watched = new Set(this.watched.names());
    const fits = (one) => one.name.toLowerCase().includes(word) || one.description?.toLowerCase().includes(word);
    const hits = [...this.store.instruments.values()].filter((one) => fits(one) && !(this.adding && watched.has(one.name)));
    const rank = (one) => Number(!one.symbol.toLowerCase().startsWith(word));
    return hits
      .sort((a, b) => rank(a) - rank(b))
      .map((one) => ({
        text: one.symbol,
        note: one.venue,
        name: one.name,
        run: () => (this.adding ? this.watched.add(one.name) : this.store.select(one.name)),
        add: watched.has(one.name) || this.adding ? null : () => this.watched.add(one.name),
      }));
  }

  #commands(word) {
    return this.commands.map((one) => ({ text: one.text(), note: t("command"), run: one.run })).filter((one) => word && one.text.toLowerCase().includes(word));
  }

  // A symbol that nobody has yet: the collectors of each venue can be asked for it.
  #fresh(typed, known) {
    if (!SYMBOL.test(typed) || known.some((one) => [one.text.toLowerCase(), one.name.toLowerCase()].includes(typed.toLowerCase()))) return [];
    if (!this.adding && this.#commands(typed.toLowerCase()).length) return [];
    const venues = [...new Set([...this.store.instruments.values()].map((one) => one.venue).filter(Boolean))].slice(0, VENUES);
    const names = typed.includes("@") ? [typed] : venues.map((venue) => `${typed}@${venue}`);
    return names.map((name) => ({ text: t("watch_new", name), note: "+", run: () => this.watched.add(name) }));
  }

  #draw() {
    const lines = this.found.map((one, at) => {
      const take = (event) => this.#take(one, event);
      const add = one.add && el("span", { class: "add", "aria-hidden": "true", text: "+", title: t("watch_add", one.name), on: { mousedown: (event) => this.#add(one, event) } });
      const options = { role: "option", id: `found-${at}`, "aria-selected": String(at === this.chosen), on: { mousedown: take } };
      return el("li", options, el("span", { text: one.text }), el("span", { class: "muted", text: one.note }), ...(add ? [add] : []));
    });
    this.list.replaceChildren(...(lines.length ? lines : [el("li", { class: "nothing", role: "option", "aria-disabled": "true", text: t("nothing_found", this.box.value) })]));
    if (lines.length) this.box.setAttribute("aria-activedescendant", `found-${this.chosen}`);
    else this.box.removeAttribute("aria-activedescendant");
    lines[this.chosen]?.scrollIntoView({ block: "nearest" });
  }

  #key(event) {
    if (event.key === "/" && !this.box.value) {
      event.preventDefault(); // the key that opens the box is no letter of a symbol
      this.open(this.adding);
      return;
    }
    if (event.key === "Enter" && this.found[this.chosen]) this.#take(this.found[this.chosen], event);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !this.found.length) return;
    event.preventDefault();
    this.chosen = (this.chosen + step + this.found.length) % this.found.length;
    this.#draw();
  }

  #add(one, event) {
    event.stopPropagation();
    event.preventDefault();
    one.add();
    this.#search();
  }

  // What it opens may take the focus: the box lets go of it first.
  #take(one, event) {
    event.preventDefault();
    this.box.value = "";
    this.box.blur();
    one.run();
    this.close();
  }
}
