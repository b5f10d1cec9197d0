// The chart area: one to four charts in a shape, of which one is active; linked, they share the cross-hair's time and the time in view.

import { byId } from "/shared/dom.js";
import { IndicatorPicker } from "./indicator_picker.js";
import { LayoutPicker } from "./layout_picker.js";
import { ChartPane } from "./pane.js";
import { PaneMenu } from "./pane_menu.js";
import { SHAPES } from "./shapes.js";

const TAKES = { history: "takeHistory", lines: "takeLines", candles: "takeCandles", markers: "takeMarkers", plots: "takePlots" };

export class ChartGrid {
  /** `send` sends a message to the server; `card` shows what is behind a marker, `zone` says in which zone times are. */
  constructor(store, { send, card, zone }) {
    Object.assign(this, { store, send, card, zone, panes: [], bus: "", leader: null, following: false });
    this.node = byId("charts");
    this.place = byId("grid");
    this.paneMenu = new PaneMenu(store);
    this.picker = new IndicatorPicker(store);
    this.layouts = new LayoutPicker(store, byId("layout-open"));
    store.on("config", () => this.arrange());
    for (const topic of ["active", "selected"]) store.on(topic, () => this.#book());
    store.on("ready", () => this.arrange());
    store.on("appearance", () => this.#each((pane) => pane.recolour()));
    store.on("zone", () => this.#each((pane) => pane.formats()));
    store.on("instruments", () => this.#each((pane) => pane.formats()));
    store.on("status", () => this.#each((pane) => pane.legend.draw()));
    store.on("quotes", (rows) => this.#of(rows, (pane) => pane.legend.draw()));
    for (const topic of ["positions", "orders"]) store.on(topic, (rows) => this.#of(rows, (pane) => pane.lines.draw()));
    store.on("open-indicators", () => this.picker.open(this.active));
    store.on("open-layout", () => this.layouts.toggle());
    addEventListener("keydown", (event) => this.#key(event));
  }

  get active() {
    return this.panes[this.store.activePane] ?? this.panes[0];
  }

  /** Build the panes that the configuration says, and let each show what it says. */
  arrange() {
    const { layout } = this.store.config;
    const count = Math.min(SHAPES[layout.grid] ?? 1, layout.panes.length);
    this.place.dataset.grid = layout.grid;
    while (this.panes.length > count) this.panes.pop().remove();
    while (this.panes.length < count) {
      const pane = new ChartPane(this.panes.length, this);
      this.panes.push(pane);
      this.place.append(pane.node);
      pane.begin(this.send);
    }
    this.panes.forEach((pane, at) => pane.configure(layout.panes[at]));
    this.#activate();
  }

  /** The connection stands (again), to this bus. */
  connected(bus) {
    const fresh = bus !== this.bus;
    this.bus = bus;
    this.arrange();
    this.#each((pane) => pane.feed.connected(fresh));
    this.#book();
  }

  /** The server has forgotten what waited for this page: ask for all of it anew. */
  resync() {
    this.connected(this.bus);
  }

  /** Take a message about bars; `kind` is its type. */
  take(kind, message) {
    const method = TAKES[kind];
    if (message.pane !== undefined) this.panes[message.pane]?.feed[method](message);
    else this.#each((pane) => pane.feed[method](message));
  }

  /** The server could not answer a request of a pane; return whether it was one. */
  failed(message) {
    return this.panes.map((pane) => pane.feed.failed(message)).includes(true);
  }

  /** Close what is open over the charts; return whether something was. */
  close() {
    return [this.layouts.close(), this.paneMenu.close(), ...this.panes.map((pane) => pane.lines.cancel())].includes(true);
  }

  /** The pointer is at a time in a pane, or (null) has left it. */
  hovered(pane, time) {
    this.leader = time === null ? this.leader : pane;
    if (this.store.config.layout.linked) for (const other of this.panes) if (other !== pane) other.pointAt(time);
  }

  /** The view of a pane has moved; the others follow the one that the reader moves. */
  moved(pane) {
    if (!this.store.config.layout.linked || this.following || this.panes.length < 2 || pane !== this.leader) return;
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.#follow(pane));
  }

  /** Open a pane's menu at a button. */
  menu(pane, button) {
    this.paneMenu.toggle(pane, button);
  }

  /** Edit an indicator of a pane. */
  editIndicator(pane, indicator) {
    this.picker.open(pane, indicator.id);
  }

  #follow(pane) {
    const time = pane.view.time;
    if (!time || pane.view.wanted) return;
    this.following = true;
    for (const other of this.panes) if (other !== pane && other.ready) other.view.show(time);
    this.following = false;
  }

  #activate() {
    this.panes.forEach((pane, at) => pane.node.classList.toggle("active", at === this.store.activePane && this.panes.length > 1));
  }

  // Depth and tape are those of the active pane's instrument.
  #book() {
    const { name } = this.store;
    this.send({ type: "book", name });
  }

  // Do something with the panes whose instrument these rows are of.
  #of(rows, action) {
    const names = new Set(rows.map((row) => row.name));
    this.#each((pane) => names.has(pane.name) && action(pane));
  }

  #key(event) {
    if (!event.altKey || event.ctrlKey || event.metaKey || !/^Digit[1-4]$/.test(event.code)) return;
    const pane = this.panes[Number(event.code.at(-1)) - 1];
    if (!pane) return;
    event.preventDefault();
    this.store.activate(pane.number);
    pane.legend.menu.focus();
  }

  #each(action) {
    for (const pane of this.panes) action(pane);
  }
}
