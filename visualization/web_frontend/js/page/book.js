// Depth and tape of the chosen instrument: asks above, bids below, the last price between them, trades under it.

import { byId, el, oncePerFrame, setText, tint } from "/shared/dom.js";
import * as format from "/shared/format.js";
import { t } from "/shared/texts.js";

const LEVELS = 8;
const TRADES = 40;
const OLD_MS = 2000;

export class Book {
  constructor(store, zone) {
    this.store = store;
    this.zone = zone;
    this.asks = this.#levels("asks");
    this.bids = this.#levels("bids");
    this.trades = Array.from({ length: TRADES }, () => el("div", {}, el("span"), el("span"), el("span")));
    byId("tape").append(...this.trades);
    this.price = null;
    this.direction = 0; // of the last price that differed
    this.draw = oncePerFrame(() => this.#draw());
    store.on("quotes", (rows) => rows.some((row) => row.name === store.name) && this.draw());
    store.on("book", (name) => name === store.name && this.draw());
    store.on("selected", () => {
      this.price = null;
      this.direction = 0;
      this.draw();
    });
    for (const topic of ["ready", "appearance", "zone"]) store.on(topic, this.draw);
  }

  #levels(id) {
    const rows = Array.from({ length: LEVELS }, () => {
      const [bar, price, size] = [el("i"), el("span"), el("span", { class: "size" })];
      return { node: el("div", { class: "level" }, bar, price, size), bar, price, size };
    });
    byId(id).append(...(id === "asks" ? rows.toReversed() : rows).map((row) => row.node)); // the best ask is the lowest row
    return rows;
  }

  #draw() {
    const { name } = this.store;
    const terms = this.store.terms(name);
    const quote = this.store.quotes.get(name);
    const book = freshened(this.store.books.get(name), quote);
    const shown = Math.max(book.asks.length, book.bids.length, 1);
    const most = Math.max(...[...book.asks, ...book.bids].map(([, size]) => size ?? 0), 1e-12);
    this.#side(this.asks, book.asks, Math.min(shown, LEVELS), most, terms);
    this.#side(this.bids, book.bids, Math.min(shown, LEVELS), most, terms);
    setText(byId("tick-size"), terms.tick_size ? String(terms.tick_size) : "");
    this.#middle(quote, book, terms);
    this.#tape(terms);
  }

  #side(rows, levels, shown, most, terms) {
    rows.forEach((row, at) => {
      const [price, size] = levels[at] ?? [null, null];
      row.node.hidden = at >= shown;
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
    const empty = this.store.ready && name ? t("depth_empty") : "";
    setText(byId("spread"), ask > 0 && bid > 0 ? t("spread", format.price(ask - bid, terms.decimals)) : empty);
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
  if (book && (!quote || quote.time_ms - book.time_ms < OLD_MS)) return book;
  const side = (levels, price, size, beyond) => (price === null || price === undefined ? levels : [[price, size], ...levels.filter(([at]) => beyond(at, price))]);
  return {
    asks: side(book?.asks ?? [], quote?.ask, quote?.ask_size, (at, best) => at > best),
    bids: side(book?.bids ?? [], quote?.bid, quote?.bid_size, (at, best) => at < best),
  };
}
