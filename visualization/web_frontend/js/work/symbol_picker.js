// Chooses symbols: what is typed filters the known ones; arrows and Enter or a click take one; each taken one has a cross.

import { el } from "/shared/dom.js";
import { t } from "/shared/texts.js";

const MOST = 8; // suggestions
let numbers = 0;

export class SymbolPicker {
  /** `known`: [{ name, note }], the names that may be chosen. It is the control of a field of type "own". */
  constructor(known) {
    numbers += 1;
    const id = `picker-${numbers}`;
    Object.assign(this, { known, names: [], at: -1 });
    const on = { input: () => this.#suggest(), focus: () => this.#suggest(), keydown: (event) => this.#key(event) };
    const roles = { role: "combobox", "aria-expanded": "false", "aria-controls": `${id}-list`, "aria-autocomplete": "list", "aria-label": t("w_add_symbol") };
    this.input = el("input", { type: "text", autocomplete: "off", spellcheck: "false", ...roles, placeholder: t("w_add_symbol"), on });
    this.list = el("ul", { id: `${id}-list`, class: "picker-list", role: "listbox", "aria-label": t("w_add_symbol"), hidden: "" });
    this.chips = el("span", { class: "chips" });
    this.node = el("div", { class: "picker" }, this.chips, this.input, this.list);
    this.node.addEventListener("focusout", (event) => this.node.contains(event.relatedTarget) || this.#leave());
  }

  /** The chosen names; what stands half typed must be one of the known. */
  read() {
    const typed = this.input.value.trim();
    if (typed && !this.#takeTyped(typed)) return { error: t("w_symbol_unknown", typed) };
    return this.names.length ? { value: [...this.names] } : { error: t("w_symbol_needed") };
  }

  set(names) {
    this.names = (names ?? []).map((name) => this.#named(name) ?? name);
    this.#draw();
  }

  /** Let other names be chosen; those that are taken stay. */
  setKnown(known) {
    this.known = known;
  }

  #matches() {
    const word = this.input.value.trim().toLowerCase();
    const free = this.known.filter(({ name }) => !this.names.includes(name));
    const begins = free.filter(({ name }) => name.toLowerCase().startsWith(word));
    const holds = free.filter((one) => !begins.includes(one) && `${one.name} ${one.note ?? ""}`.toLowerCase().includes(word));
    return [...begins, ...holds].slice(0, MOST);
  }

  #suggest() {
    const matches = this.#matches();
    this.at = matches.length && this.input.value.trim() ? 0 : -1;
    const rows = matches.map(({ name, note }, at) => {
      const id = `${this.list.id}-${at}`;
      const on = { pointerdown: (event) => event.preventDefault(), click: () => this.#take(name) };
      return el("li", { role: "option", id, data: { name }, on }, el("span", { text: name }), el("span", { class: "muted", text: note ?? "" }));
    });
    const word = this.input.value.trim();
    if (!rows.length && word) rows.push(el("li", { class: "muted", text: t("w_symbol_unknown", word) }));
    this.list.replaceChildren(...rows);
    this.#open(rows.length > 0);
    this.#mark();
  }

  #mark() {
    const options = [...this.list.querySelectorAll("[role=option]")];
    options.forEach((node, at) => node.setAttribute("aria-selected", String(at === this.at)));
    options[this.at]?.scrollIntoView({ block: "nearest" });
    if (options[this.at]) this.input.setAttribute("aria-activedescendant", options[this.at].id);
    else this.input.removeAttribute("aria-activedescendant");
  }

  #open(open) {
    this.list.hidden = !open;
    this.input.setAttribute("aria-expanded", String(open));
  }

  #key(event) {
    const count = this.list.querySelectorAll("[role=option]").length;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && count) {
      if (this.list.hidden) this.#suggest();
      this.at = (this.at + step + count) % count;
      this.#mark();
    } else if (event.key === "Enter" && this.#choose()) {
      this.#suggest();
    } else if (event.key === "Escape" && !this.list.hidden) {
      this.#open(false);
    } else if (event.key === "Backspace" && !this.input.value && this.names.length) {
      this.#drop(this.names.at(-1));
      return;
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // Enter takes what is marked, else what is typed in full; without either it is the form's.
  #choose() {
    const marked = !this.list.hidden && this.list.querySelectorAll("[role=option]")[this.at];
    if (marked) return this.#take(marked.dataset.name);
    return Boolean(this.input.value.trim());
  }

  #take(name) {
    this.names.push(name);
    this.input.value = "";
    this.#changed();
    this.#open(false);
    return true;
  }

  #takeTyped(typed) {
    const name = this.#named(typed);
    if (!name) return false;
    this.input.value = "";
    if (!this.names.includes(name)) this.names.push(name);
    this.#changed();
    return true;
  }

  // The known name of "btc/usdt" or "BTC/USDT@SIM", if there is but one.
  #named(typed) {
    const word = typed.toLowerCase();
    const found = this.known.filter(({ name }) => name.toLowerCase() === word || name.slice(0, name.lastIndexOf("@")).toLowerCase() === word);
    return found.length === 1 ? found[0].name : undefined;
  }

  #drop(name) {
    this.names = this.names.filter((one) => one !== name);
    this.#changed();
    this.input.focus();
  }

  #leave() {
    const typed = this.input.value.trim();
    if (typed) this.#takeTyped(typed);
    this.#open(false);
  }

  #changed() {
    this.#draw();
    this.node.dispatchEvent(new Event("change"));
  }

  #draw() {
    const cross = (name) => el("button", { type: "button", text: "✕", "aria-label": t("w_remove_symbol", name), on: { click: () => this.#drop(name) } });
    this.chips.replaceChildren(...this.names.map((name) => el("span", { class: "chip" }, name, cross(name))));
  }
}
