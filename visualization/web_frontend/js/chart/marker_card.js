// The card of a marker: what happened in that bar, with time, quantity, price, strategy, order and the chain of causes.
// It follows the pointer; a click pins it, Esc or a click beside it closes it.

import { byId, el } from "/shared/dom.js";
import * as format from "/shared/format.js";
import { t } from "/shared/texts.js";
import { Chains, chainLines } from "./chain.js";

const SHOWN = 3;

export class MarkerCard {
  constructor(store, zone) {
    this.store = store;
    this.zone = zone;
    this.node = byId("card");
    this.pinned = false;
    this.shown = null;
    this.chains = new Chains();
    for (const topic of ["appearance", "zone"]) store.on(topic, () => this.close());
  }

  /** The pointer is on the marker of `group`, or on none. */
  hover(group, point) {
    if (this.pinned) return;
    if (group && point) this.#show(group, point);
    else this.close();
  }

  /** A click on the marker of `group` keeps its card; a click on none closes it. */
  pin(group, point) {
    this.pinned = Boolean(group && point);
    if (this.pinned) this.#show(group, point);
    else this.close();
  }

  /** Close the card; return whether one was open. */
  close() {
    const open = !this.node.hidden;
    this.pinned = false;
    this.shown = null;
    this.node.hidden = true;
    return open;
  }

  #show(group, point) {
    this.point = point;
    if (this.shown !== group.id) {
      this.shown = group.id;
      this.#fill(group);
    }
    this.node.hidden = false;
    this.#place();
  }

  #fill(group) {
    const [first, ...others] = group.fills.length ? group.fills : group.rows;
    const steps = this.chains.of(first.event, () => {
      if (this.shown !== group.id || this.node.hidden) return;
      this.#fill(group);
      this.#place();
    });
    const chain = steps ? chainLines(steps, this.store.terms(first.name), this.zone.current()) : this.#facts(first);
    this.node.replaceChildren(this.#head(first), chain, ...others.slice(0, SHOWN).map((row) => this.#head(row)));
    if (others.length > SHOWN) this.node.append(el("p", { class: "more", text: t("more_here", others.length - SHOWN) }));
    const foot = [first.fee ? `${t("fee")} ${format.price(first.fee, 4)}` : "", `${format.date(first.time_ms, this.zone.current())} · ${format.zoneName(this.zone.current(), first.time_ms)}`];
    if (steps) this.node.append(el("p", { class: "more", text: foot.filter(Boolean).join(" · ") }));
  }

  #place() {
    const room = this.node.parentElement.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.node;
    const { point } = this;
    const left = point.x + 16 + width < room.width ? point.x + 16 : Math.max(8, point.x - width - 16);
    this.node.style.left = `${left}px`;
    this.node.style.top = `${Math.max(8, Math.min(point.y - height / 2, room.height - height - 8))}px`;
  }

  #head(row) {
    const { decimals, quantity_decimals: digits } = this.store.terms(row.name ?? this.store.name);
    const arrow = { buy: "▲", sell: "▼" }[row.side] ?? "●";
    const what = row.kind === "signal" ? t("signal") : t(row.side);
    const amount = row.quantity === null ? "" : ` ${format.quantity(row.quantity, digits)}`;
    const price = row.price === null ? "" : ` @ ${format.price(row.price, decimals)}`;
    const time = el("span", { class: "muted", text: format.exactTime(row.time_ms, this.zone.current()) });
    return el("div", { class: "first" }, el("span", { class: row.side === "sell" ? "down" : "up", text: `${arrow} ${what}${amount}${price}` }), time);
  }

  // The chain behind it: who wanted it, the event that caused it, the order, and the event that tells of it.
  #facts(row) {
    const zone = this.zone.current();
    const facts = [
      ["strategy", [row.strategy, row.signal].filter(Boolean).join(" · ")],
      ["cause", row.cause],
      ["order", row.order],
      ["event", row.event],
      ["fee", row.fee ? format.price(row.fee, 4) : ""],
      ["text", row.text],
      ["date", `${format.date(row.time_ms, zone)} · ${format.zoneName(zone, row.time_ms)}`],
    ];
    const list = el("dl");
    for (const [label, value] of facts) if (value) list.append(el("dt", { text: t(label) }), el("dd", { text: value, title: value }));
    return list;
  }
}
