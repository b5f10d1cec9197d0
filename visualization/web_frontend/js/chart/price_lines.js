// Lines at prices: the average of our position with its quantity, and the open orders with theirs. An order's line can be moved once "edit" in its
// label was clicked: with the pointer or the arrow keys; then it asks, in place, and sends the new price.

import { el, oncePerFrame } from "/shared/dom.js";
import * as format from "/shared/format.js";
import { patch } from "/shared/rest.js";
import { t } from "/shared/texts.js";

const DONE = ["filled", "cancelled", "rejected", "expired", "failed"];
const BAR_PX = 4; // half a candle
const LABEL_PX = 16; // labels nearer than this to each other stand side by side

export class PriceLines {
  constructor(pane) {
    this.pane = pane;
    this.layer = el("div", { class: "order-labels" });
    pane.plots.main.append(this.layer);
    new ResizeObserver(([{ contentRect: { width, height } }]) => Object.assign(this, { width, height })).observe(pane.plots.main);
    this.labels = new Map(); // id of a line -> { node, line }
    this.editing = null; // { id, price, asking, sent }
    this.drawn = "";
    this.place = oncePerFrame(() => this.#place());
  }

  /** Draw the lines of what is held and ordered now. */
  draw() {
    const { pane } = this;
    if (!pane.chart.colours || !pane.bars.length) return;
    const lines = pane.ready ? [...this.#average(), ...this.#orders()] : [];
    const mark = JSON.stringify([lines, this.editing, t("edit")]);
    if (mark === this.drawn) return;
    this.drawn = mark;
    const moved = lines.map((line) => (line.id === this.editing?.id ? { ...line, price: this.editing.price } : line));
    pane.chart.setPriceLines(moved);
    this.#label(moved.filter((line) => line.order || line.text));
  }

  /** Draw them although nothing changed: the chart has forgotten them, or has other colours. */
  redraw() {
    this.drawn = "";
    this.draw();
  }

  /** End an edit; return whether there was one. */
  cancel() {
    const open = Boolean(this.editing);
    this.editing = null;
    if (open) this.draw();
    return open;
  }

  #average() {
    const { store, name } = this.pane;
    const { decimals, quantity_decimals: digits } = store.terms(name);
    const held = [...store.tables.positions.values()].filter((row) => row.name === name && row.quantity && row.average !== null);
    const size = held.reduce((sum, row) => sum + Math.abs(row.quantity), 0);
    if (!size) return [];
    const quantity = held.reduce((sum, row) => sum + row.quantity, 0);
    const price = held.reduce((sum, row) => sum + row.average * Math.abs(row.quantity), 0) / size;
    const text = `${format.sign(quantity) === "up" ? "+" : ""}${format.quantity(quantity, digits)}`;
    return [{ id: "average", price: Number(price.toFixed(decimals)), token: "accent", text: t("average_line", text) }];
  }

  #orders() {
    const { store, name } = this.pane;
    const open = [...store.tables.orders.values()].filter((row) => row.name === name && !DONE.includes(row.status));
    return open.flatMap((row) => [
      ...(row.price ? [this.#line(row, "price", row.price)] : []),
      ...(row.stop ? [this.#line(row, "stop", row.stop)] : []),
    ]);
  }

  #line(row, field, price) {
    const left = row.quantity - (row.filled ?? 0);
    return { id: `${row.key}|${field}`, price, token: row.side === "sell" ? "down" : "up", dashed: true, order: { id: row.client_id, side: row.side, left, field } };
  }

  #label(lines) {
    const wanted = new Set(lines.map((line) => line.id));
    for (const [id, { node }] of this.labels) {
      if (wanted.has(id)) continue;
      node.remove();
      this.labels.delete(id);
    }
    for (const line of lines) {
      const known = this.labels.get(line.id) ?? { node: line.order ? el("div", { class: "order-label", data: { order: line.order.id, field: line.order.field } }) : el("div", { class: "order-label held" }) };
      const mark = JSON.stringify([line.order ?? line.text, this.editing?.id === line.id && this.editing, t("edit")]);
      if (!known.line) this.layer.append(known.node);
      if (known.mark !== mark) this.#fill(known.node, line);
      const width = known.mark === mark ? known.width : known.node.offsetWidth;
      this.labels.set(line.id, { ...known, line, mark, width });
    }
    this.labels = new Map([...this.labels].sort(([, a], [, b]) => Boolean(a.line.order) - Boolean(b.line.order))); // what we hold stands at the scale
    this.#place();
  }

  #fill(node, line) {
    if (!line.order) {
      node.replaceChildren(el("span", { text: line.text }));
      return;
    }
    const { side, left, field, id } = line.order;
    const { decimals, quantity_decimals: digits } = this.pane.store.terms(this.pane.name);
    const edited = this.editing?.id === line.id ? this.editing : null;
    const focused = node.contains(document.activeElement);
    const [arrow, size] = [side === "sell" ? "▼" : "▲", format.quantity(left, digits)];
    const what = `${arrow} ${t(side)} ${size} ${t(field === "stop" ? "stop_price" : "limit_price")}`;
    node.classList.remove("up", "down", "edited");
    node.classList.add(side === "sell" ? "down" : "up", ...(edited ? ["edited"] : []));
    const short = field === "stop" ? `${arrow} ${size} ${t("stop_price")}` : `${arrow} ${size}`; // many stand side by side
    node.title = what;
    node.replaceChildren(el("span", { text: edited ? what : short }));
    if (!edited) node.append(el("button", { type: "button", class: "edit", text: t("edit"), "aria-label": t("edit_order", what, id), on: { click: () => this.#edit(line) } }));
    else if (edited.fault) node.append(el("span", { class: "fault", role: "alert", text: edited.fault }), this.#no(t("close")));
    else if (edited.sent) node.append(el("span", { class: "muted", text: t("sent") }));
    else if (edited.asking) {
      const yes = el("button", { type: "button", class: "yes", text: t("yes", t("move_it")), on: { click: () => this.#send(line) } });
      node.append(el("span", { role: "alertdialog", text: t("ask_move", t(field === "stop" ? "stop_price" : "limit_price"), id, format.price(edited.price, decimals)) }), yes, this.#no(t("no")));
      requestAnimationFrame(() => yes.focus());
    } else {
      const handle = el("button", { type: "button", class: "handle", text: `↕ ${format.price(edited.price, decimals)}`, title: t("move_help"), "aria-label": t("move_help") });
      handle.addEventListener("keydown", (event) => this.#key(event, line));
      handle.addEventListener("pointerdown", (event) => this.#drag(event, line));
      node.append(handle, this.#no("×"));
      if (focused || edited.fresh) requestAnimationFrame(() => handle.focus());
    }
  }

  #no(text) {
    return el("button", { type: "button", text, "aria-label": t("close"), on: { click: () => this.cancel() } });
  }

  #edit(line) {
    this.editing = { id: line.id, price: line.price, fresh: true };
    this.draw();
  }

  #move(price) {
    const { decimals, tick_size: tick } = this.pane.store.terms(this.pane.name);
    const step = tick || 10 ** -decimals;
    this.editing = { ...this.editing, price: Number((Math.max(1, Math.round(price / step)) * step).toFixed(Math.max(decimals, 8))), fresh: true };
    this.draw();
  }

  #drag(event, line) {
    event.preventDefault();
    event.stopPropagation();
    const top = this.pane.plots.main.getBoundingClientRect().top;
    const go = (at) => this.#move(this.pane.chart.priceAt(at.clientY - top));
    const end = () => {
      removeEventListener("pointermove", go);
      this.#ask(line);
    };
    addEventListener("pointermove", go);
    addEventListener("pointerup", end, { once: true });
  }

  #key(event, line) {
    const { decimals, tick_size: tick } = this.pane.store.terms(this.pane.name);
    const step = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    if (event.key === "Enter") this.#ask(line);
    else if (step) this.#move(this.editing.price + step * (tick || 10 ** -decimals));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #ask(line) {
    if (this.editing?.id !== line.id) return;
    const still = this.#orders().find((one) => one.id === line.id);
    if (!still || still.price === this.editing.price) this.cancel();
    else {
      this.editing = { ...this.editing, asking: true };
      this.draw();
    }
  }

  async #send(line) {
    const { price } = this.editing;
    this.editing = { ...this.editing, sent: true };
    this.draw();
    try {
      await patch(`/orders/${encodeURIComponent(line.order.id)}`, { [line.order.field]: price });
      this.cancel();
    } catch (error) {
      this.editing = { ...this.editing, fault: t("refused", error.message) };
      this.draw();
    }
  }

  // Each label stands at its line, left of the price scale; those of lines near each other stand side by side. Nothing is measured
  // here, since this happens at every draw of the chart.
  #place() {
    const placed = [];
    const { chart } = this.pane;
    const scale = this.labels.size ? chart.scaleWidth : 0;
    const room = this.labels.size ? this.width - scale - chart.newestAt - BAR_PX : 0;
    for (const [id, label] of this.labels) {
      const y = chart.heightOf(this.editing?.id === id ? this.editing.price : label.line.price);
      const hidden = y === null || y < 0 || y > this.height;
      if (hidden !== label.node.hidden) label.node.hidden = hidden;
      if (hidden) continue;
      const right = placed.filter((one) => Math.abs(one.y - y) < LABEL_PX).reduce((most, one) => Math.max(most, one.right + one.width + 4), 6);
      placed.push({ y, right, width: label.width });
      const over = right + label.width > room; // the newest candles are seen through it
      if (over !== label.over) label.node.classList.toggle("over", (label.over = over));
      const place = `translate(${-(right + scale)}px, ${Math.round(y - LABEL_PX / 2)}px)`;
      if (place === label.place) continue;
      label.node.style.transform = label.place = place;
      label.node.classList.toggle("beside", right > 6); // shown while the pointer is there: the price scale tells of it, too
    }
  }
}
