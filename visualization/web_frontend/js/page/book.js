// Depth and tape of the active chart's instrument: asks above, bids below, the last price between them, trades under it.

import { byId, el, oncePerFrame, setText, tint } from "/shared/dom.js";
import * as format from "/shared/format.js";
import { splitName } from "../link/store.js";
import { t } from "/shared/texts.js";

const LEVELS = 10;
const TRADES = 40;
const PASSED_MS = 2000; // depth older than this gives way to newer quotes
const OLD_MS = 15_000; // older than this all of it is greyed

export class Book {
  /** `send` asks the server for the instrument; `zone` names the zone of times. */
  constructor(store, send, zone) {
    Object.assign(this, { store, send, zone });
    this.asks = this.#levels("asks");
    this.bids = this.#levels("bids");
    this.trades = Array.from({ length: TRADES }, () => el("div", {}, el("span"), el("span"), el("span")));
    byId("tape").append(...this.trades);
    this.price = null;
    this.direction = 0; // of the last price that differed
    this.pointed = null; // { side, at }: the level under the pointer
    this.shown = { asks: [], bids: [] };
    this.draw = oncePerFrame(() => this.#draw());
    store.on("quotes", (rows) => rows.some((row) => row.name === store.name) && this.draw());
    store.on("book", (name) => name === store.name && this.draw());
    for (const topic of ["selected", "active", "ready"]) store.on(topic, () => this.#open(topic === "ready"));
    for (const topic of ["status", "appearance", "zone"]) store.on(topic, this.draw);
  }

  #levels(id) {
    const rows = Array.from({ length: LEVELS }, (_, at) => {
      const [bar, price, size] = [el("i"), el("span"), el("span", { class: "size" })];
      const node = el("div", { class: "level", on: { pointerenter: () => this.#point({ side: id, at }), pointerleave: () => this.#point(null) } }, bar, price, size);
      return { node, bar, price, size };
    });
    byId(id).append(...rows.map((row) => row.node)); // the best first; the style puts the best ask lowest
    return rows;
  }

  #open(anew) {
    const { name } = this.store;
    if (name !== this.name) {
      this.price = null;
      this.direction = 0;
    }
    if ((anew || name !== this.name) && name) this.send({ type: "book", name });
    this.name = name;
    this.draw();
  }

  #point(level) {
    this.pointed = level;
    this.draw();
  }

  #draw() {
    const { name } = this.store;
    const terms = this.store.terms(name);
    const quote = this.store.quotes.get(name);
    const depth = this.store.books.get(name);
    const book = freshened(depth, quote);
    this.shown = book;
    const shown = Math.max(book.asks.length, book.bids.length, 1);
    const most = Math.max(...[...book.asks, ...book.bids].map(([, size]) => size ?? 0), 1e-12);
    this.#side("asks", book.asks, Math.min(shown, LEVELS), most, terms);
    this.#side("bids", book.bids, Math.min(shown, LEVELS), most, terms);
    setText(byId("depth-name"), name ? splitName(name)[0] : "");
    const newest = Math.max(depth?.time_ms ?? 0, quote?.time_ms ?? 0);
    const age = newest ? this.store.now() - newest : 0;
    byId("book").dataset.state = !this.store.ready ? "loading" : !newest ? "empty" : age > OLD_MS ? "stale" : "ready";
    const sum = this.#cumulated(terms);
    byId("depth-name").hidden = Boolean(sum);
    setText(byId("tick-size"), sum ? sum : age > OLD_MS ? t("last_tick", format.age(age)) : terms.tick_size ? String(terms.tick_size) : "");
    this.#middle(quote, book, terms);
    this.#tape(terms);
  }

  #side(side, levels, shown, most, terms) {
    const reach = this.pointed?.side === side ? this.pointed.at : -1;
    this[side].forEach((row, at) => {
      const [price, size] = levels[at] ?? [null, null];
      row.node.hidden = at >= shown;
      row.node.classList.toggle("within", at <= reach);
      setText(row.price, price === null ? "" : format.price(price, terms.decimals));
      setText(row.size, size === null ? "" : format.size(size, terms.quantity_decimals, most));
      row.bar.style.setProperty("--share", `${((size ?? 0) / most) * 100}%`);
    });
  }

  #middle(quote, book, terms) {
    const node = byId("middle-price");
    const last = quote?.last ?? null;
    if (this.price !== null && last !== null && last !== this.price) {
      this.direction = last - this.price;
      tint(node, this.direction);
    }
    this.price = last;
    const arrow = this.direction > 0 ? " ▲" : this.direction < 0 ? " ▼" : "";
    setText(node, last === null ? "–" : format.price(last, terms.decimals) + arrow);
    node.className = format.sign(this.direction);
    const [ask, bid] = [quote?.ask ?? book.asks[0]?.[0], quote?.bid ?? book.bids[0]?.[0]];
    const empty = this.store.ready && this.store.name ? t("depth_empty") : "";
    const known = ask > 0 && bid > 0;
    setText(byId("spread"), known ? t("spread", format.price(ask - bid, terms.decimals)) : empty);
    byId("spread").classList.toggle("said", !known);
  }

  // What is there from the best price to the level under the pointer: the sum of sizes and their mean price.
  #cumulated(terms) {
    if (!this.pointed) return null;
    const levels = this.shown[this.pointed.side].slice(0, this.pointed.at + 1).filter(([, size]) => size > 0);
    const size = levels.reduce((sum, [, one]) => sum + one, 0);
    if (!size) return null;
    const mean = levels.reduce((sum, [price, one]) => sum + price * one, 0) / size;
    return `Σ ${format.quantity(size, terms.quantity_decimals)} @ ${format.price(mean, terms.decimals)}`;
  }

  #tape(terms) {
    const rows = this.store.tapes.get(this.store.name) ?? [];
    const zone = this.zone.current();
    const most = Math.max(...rows.map(([, , size]) => size), 0);
    this.trades.forEach((node, at) => {
      const row = rows[at];
      node.hidden = !row;
      if (!row) return;
      const [ms, price, size, side] = row;
      const [time, paid, amount] = node.children;
      setText(time, format.timeOfDay(ms, zone));
      setText(paid, format.price(price, terms.decimals) + (side > 0 ? " ▲" : side < 0 ? " ▼" : "  "));
      paid.className = format.sign(side);
      setText(amount, format.size(size, terms.quantity_decimals, most));
    });
  }
}

// Venues send depth less often than quotes. Once it is old, a newer quote takes the place of the levels it has passed; without
// depth the quote is the book.
function freshened(book, quote) {
  if (book && (!quote || quote.time_ms - book.time_ms < PASSED_MS)) return book;
  const side = (levels, price, size, beyond) => (price === null || price === undefined ? levels : [[price, size], ...levels.filter(([at]) => beyond(at, price))]);
  return {
    asks: side(book?.asks ?? [], quote?.ask, quote?.ask_size, (at, best) => at > best),
    bids: side(book?.bids ?? [], quote?.bid, quote?.bid_size, (at, best) => at < best),
  };
}
