// The watch list: symbol, venue, sparkline, last price, change. One row is selected; the arrow keys move the selection.

import { byId, el, oncePerFrame, setText, sparkline, tint } from "/shared/dom.js";
import * as format from "/shared/format.js";
import { splitName } from "../link/store.js";
import { t } from "/shared/texts.js";

const MOST = 200; // rows; the search finds the rest

export class WatchList {
  constructor(store) {
    this.store = store;
    this.list = byId("watch-rows");
    this.rows = new Map();
    this.dirty = new Set();
    this.draw = oncePerFrame(() => this.#draw());
    store.on("instruments", () => this.#build());
    store.on("ready", () => this.#build());
    store.on("quotes", (rows) => this.#changed(rows.map((row) => row.name)));
    store.on("sparks", (names) => this.#sparks(names));
    store.on("selected", () => this.#select());
    store.on("appearance", () => this.#build());
    this.list.addEventListener("keydown", (event) => this.#key(event));
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
    const names = [...this.store.instruments.keys()].slice(0, MOST);
    if (names.some((name) => !this.rows.has(name)) || names.length !== this.rows.size) {
      this.rows = new Map(names.map((name) => [name, this.rows.get(name) ?? this.#row(name)]));
      this.list.replaceChildren(...[...this.rows.values()].map((row) => row.node));
    }
    if (!names.length) this.list.replaceChildren(el("li", { class: "note", text: t(this.store.ready ? "watch_empty" : "watch_loading") }));
    this.#select();
    this.#changed(names);
    this.#sparks(names);
  }

  #row(name) {
    const [symbol, venue] = splitName(name);
    const parts = { spark: sparkline([0]), last: el("span", { class: "last" }), change: el("span", { class: "change" }) };
    const node = el("li", { role: "option", "aria-selected": "false", tabindex: "-1", data: { name }, on: { click: () => this.store.select(name) } });
    node.append(el("span", { class: "symbol", text: symbol, title: name }), el("span", { class: "venue", text: venue }), parts.spark, parts.last, parts.change);
    return { node, ...parts, price: null };
  }

  #select() {
    for (const [name, { node }] of this.rows) {
      const selected = name === this.store.name;
      node.setAttribute("aria-selected", String(selected));
      node.tabIndex = selected ? 0 : -1;
      if (selected) node.scrollIntoView({ block: "nearest" });
    }
  }

  #changed(names) {
    for (const name of names) this.dirty.add(name);
    this.draw();
  }

  #draw() {
    for (const name of this.dirty) {
      const row = this.rows.get(name);
      const quote = this.store.quotes.get(name);
      if (!row) continue;
      setText(row.last, format.price(quote?.last, this.store.terms(name).decimals));
      setText(row.change, quote ? format.percent(quote.change) : "");
      row.change.className = `change ${format.sign(quote?.change, 4)}`;
      if (quote && row.price !== null && quote.last !== row.price) tint(row.last, quote.last - row.price);
      row.price = quote?.last ?? null;
    }
    this.dirty.clear();
  }

  #sparks(names) {
    for (const name of names) {
      const closes = this.store.sparks.get(name);
      const row = this.rows.get(name);
      if (row && closes?.length > 1) sparkline(closes, row.spark);
    }
  }

  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -MOST, End: MOST }[event.key];
    if (!step) return;
    event.preventDefault();
    this.move(step);
  }
}
