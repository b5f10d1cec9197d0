// The watch list: symbol, venue, sparkline, last price, change. One row is selected; the arrow keys move the selection, with Alt the
// row itself, Delete takes it out; a row can also be dragged.

import { byId, el, oncePerFrame, setText, sparkline, tint } from "/shared/dom.js";
import * as format from "/shared/format.js";
import { splitName } from "../link/store.js";
import { t } from "/shared/texts.js";

const OLD_MS = 60_000; // a price older than this is greyed

export class WatchList {
  /** `watched` knows which symbols there are. */
  constructor(store, watched) {
    Object.assign(this, { store, watched });
    this.list = byId("watch-rows");
    this.rows = new Map();
    this.dirty = new Set();
    this.draw = oncePerFrame(() => this.#draw());
    for (const topic of ["instruments", "ready", "watched", "appearance"]) store.on(topic, () => this.#build());
    store.on("quotes", (rows) => this.#changed(rows.map((row) => row.name)));
    store.on("sparks", (names) => this.#sparks(names));
    store.on("selected", () => this.#select());
    store.on("active", () => this.#select());
    store.on("status", () => this.#changed([...this.rows.keys()])); // once a second: prices grow old by themselves
    this.list.addEventListener("keydown", (event) => this.#key(event));
    this.#dragging();
    this.#build();
  }

  /** Select the row `step` rows below (or above) and give it the focus. */
  move(step) {
    const names = [...this.rows.keys()];
    if (!names.length) return;
    const at = Math.min(Math.max(names.indexOf(this.store.name) + step, 0), names.length - 1);
    this.store.select(names[at]);
    this.rows.get(names[at]).node.focus();
  }

  #build() {
    const names = this.store.ready ? this.watched.names() : [];
    const focused = this.list.contains(document.activeElement);
    if (names.join() !== [...this.rows.keys()].join()) {
      this.rows = new Map(names.map((name) => [name, this.rows.get(name) ?? this.#row(name)]));
      this.list.replaceChildren(...[...this.rows.values()].map((row) => row.node));
    }
    if (!names.length) this.list.replaceChildren(el("li", { class: "note", text: t(this.store.ready ? "watch_empty" : "watch_loading") }));
    this.#select();
    if (focused) this.rows.get(this.store.name)?.node.focus();
    this.#changed(names);
    this.#sparks(names);
  }

  #row(name) {
    const [symbol, venue] = splitName(name);
    const remove = el("span", { class: "remove", "aria-hidden": "true", text: "✕", on: { click: (event) => this.#remove(event, name) } });
    const parts = { spark: sparkline([0]), last: el("span", { class: "last" }), change: el("span", { class: "change" }), said: el("span", { class: "said" }), remove };
    const node = el("li", { role: "option", "aria-selected": "false", tabindex: "-1", draggable: "true", data: { name }, on: { click: () => this.store.select(name) } });
    node.append(el("span", { class: "symbol", text: symbol, title: name }), el("span", { class: "venue", text: venue }), parts.spark, parts.last, parts.change, parts.said, remove);
    return { node, ...parts, price: null };
  }

  #remove(event, name) {
    event.stopPropagation();
    this.watched.remove(name);
  }

  #select() {
    for (const [name, { node }] of this.rows) {
      const selected = name === this.store.name;
      if (selected && node.getAttribute("aria-selected") !== "true") node.scrollIntoView({ block: "nearest" });
      node.setAttribute("aria-selected", String(selected));
      node.tabIndex = selected ? 0 : -1;
    }
    if (this.rows.size && !this.rows.has(this.store.name)) [...this.rows.values()][0].node.tabIndex = 0;
  }

  #changed(names) {
    for (const name of names) this.dirty.add(name);
    this.draw();
  }

  #draw() {
    for (const name of this.dirty) {
      const row = this.rows.get(name);
      if (row) this.#fill(row, name, this.store.quotes.get(name));
    }
    this.dirty.clear();
  }

  #fill(row, name, quote) {
    const said = this.watched.notes.get(name);
    const old = quote?.time_ms ? this.store.now() - quote.time_ms : 0;
    const note = said?.text ?? (quote ? "" : t("watch_no_data"));
    setText(row.last, format.price(quote?.last, this.store.terms(name).decimals));
    setText(row.change, quote ? format.percent(quote.change) : "");
    row.change.className = `change ${format.sign(quote?.change, 4)}`;
    if (quote && row.price !== null && quote.last !== row.price) tint(row.last, quote.last - row.price);
    row.price = quote?.last ?? null;
    setText(row.said, note);
    row.said.hidden = !note;
    row.said.classList.toggle("refused", said?.kind === "refused");
    row.node.classList.toggle("old", old > OLD_MS);
    row.node.title = old > OLD_MS ? t("last_tick", format.age(old)) : "";
    row.remove.title = t("watch_remove", name);
  }

  #sparks(names) {
    for (const name of names) {
      const closes = this.store.sparks.get(name);
      const row = this.rows.get(name);
      if (row && closes?.length > 1) sparkline(closes, row.spark);
    }
  }

  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -this.rows.size, End: this.rows.size }[event.key];
    const { name } = event.target.dataset;
    if (event.key === "Delete" && name) this.watched.remove(name);
    else if (step && event.altKey && name) this.watched.move(name, [...this.rows.keys()].indexOf(name) + step);
    else if (step) this.move(step);
    else return;
    event.preventDefault();
  }

  #dragging() {
    const row = (event) => event.target.closest?.("li[data-name]");
    this.list.addEventListener("dragstart", (event) => {
      this.dragged = row(event)?.dataset.name;
      event.dataTransfer.effectAllowed = "move";
    });
    this.list.addEventListener("dragover", (event) => this.dragged && event.preventDefault());
    this.list.addEventListener("dragend", () => (this.dragged = ""));
    this.list.addEventListener("drop", (event) => {
      event.preventDefault();
      const target = row(event)?.dataset.name;
      if (this.dragged && target) this.watched.move(this.dragged, [...this.rows.keys()].indexOf(target));
      this.dragged = "";
    });
  }
}
