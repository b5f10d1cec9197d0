// The drawer: tabs over the tables of strategies, orders, positions, fills, accounts and log. It can be folded and resized.

import { byId, el, message, oncePerFrame, setText } from "/shared/dom.js";
import { KEPT } from "../link/store.js";
import { columns } from "./tables.js";
import { t } from "/shared/texts.js";

const TABS = ["strategies", "orders", "positions", "fills", "accounts", "log"];
const MOST = 200; // rows drawn
const DONE = ["filled", "cancelled", "rejected", "expired", "failed"];
const NEWEST_FIRST = ["orders", "fills", "log"];

export class Drawer {
  /** `zone` names the zone of times. */
  constructor(store, zone) {
    this.store = store;
    this.tab = "strategies";
    this.nodes = new Map(); // key of a row -> its <tr>
    this.drawn = "";
    this.columns = columns({ zone: () => zone.current() });
    this.draw = oncePerFrame(() => this.#draw());
    this.views = new Map(); // tabs with a view of their own: name -> { textKey, node, view, count }
    this.tabs = TABS.map((name) => this.#button(name));
    byId("drawer-tabs").append(...this.tabs);
    byId("drawer-tabs").addEventListener("keydown", (event) => this.#key(event));
    for (const name of TABS) store.on(name, this.draw);
    for (const topic of ["appearance", "zone"]) {
      store.on(topic, () => {
        this.drawn = "";
        this.draw();
      });
    }
    for (const topic of ["instruments", "ready"]) store.on(topic, this.draw);
    this.draw();
  }

  /** Open a tab. */
  show(name) {
    if (name !== this.tab) this.views.get(this.tab)?.view?.hide?.();
    this.tab = name;
    this.draw();
  }

  /**
   * Add a tab with a view of its own, in the place of a table of that name or behind the others. `mount(node, store)` is called when it is
   * opened first and returns { show(), hide() }; `count(store)` is the small text beside the tab's name.
   */
  addTab({ name, textKey = name, mount, count = () => "" }) {
    const node = el("div", { class: "drawer-view", id: `view-${name}`, role: "tabpanel", tabindex: "0", "aria-labelledby": `tab-${name}`, hidden: true });
    byId("drawer").append(node);
    this.views.set(name, { textKey, node, mount, count });
    if (!this.tabs.some((button) => button.dataset.tab === name)) {
      const button = this.#button(name);
      const log = this.tabs.findIndex((one) => one.dataset.tab === "log");
      this.tabs.splice(log, 0, button); // the log is the last one
      byId("drawer-tabs").replaceChildren(...this.tabs);
    }
    byId(`tab-${name}`).setAttribute("aria-controls", node.id);
    this.draw();
  }

  #button(name) {
    const parts = [el("span"), el("span", { class: "count" })];
    const options = { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": "drawer-table", on: { click: () => this.show(name) } };
    return el("button", { ...options, data: { tab: name } }, ...parts);
  }

  #rows() {
    const rows = [...this.store.tables[this.tab].values()];
    const kept = this.tab === "positions" ? rows.filter((row) => row.quantity || row.realised) : rows;
    return (NEWEST_FIRST.includes(this.tab) ? kept.reverse() : kept).slice(0, MOST);
  }

  #draw() {
    for (const button of this.tabs) {
      const { tab } = button.dataset;
      const own = this.views.get(tab);
      setText(button.firstChild, t(own?.textKey ?? tab));
      setText(button.lastChild, own ? own.count(this.store) : tab === "log" ? "" : String(count(tab, this.store.tables[tab])));
      button.setAttribute("aria-selected", String(tab === this.tab));
      button.tabIndex = tab === this.tab ? 0 : -1;
    }
    const place = byId("drawer-table");
    for (const [name, { node }] of this.views) node.hidden = name !== this.tab;
    place.hidden = this.views.has(this.tab);
    if (place.hidden) this.#open(this.views.get(this.tab));
    else this.#fill(place);
  }

  #open(own) {
    own.view ??= own.mount(own.node, this.store);
    if (this.shown === own) return;
    this.shown = own;
    own.view?.show?.();
  }

  #fill(place) {
    this.shown = null;
    place.setAttribute("aria-labelledby", `tab-${this.tab}`);
    const rows = this.store.ready ? this.#rows() : null;
    if (rows === null) place.replaceChildren(message(t("watch_loading")));
    else if (!rows.length) place.replaceChildren(message(t(`no_${this.tab}`)));
    else this.#table(place, rows);
  }

  #table(place, rows) {
    const list = this.columns[this.tab];
    if (this.drawn !== this.tab || !this.body?.isConnected) {
      const heads = list.map((column) => el("th", { scope: "col", class: column.number ? "number" : "", text: column.head ? t(column.head) : "" }));
      this.body = el("tbody");
      this.nodes = new Map();
      this.drawn = this.tab;
      place.replaceChildren(el("table", {}, el("thead", {}, el("tr", {}, ...heads)), this.body));
    }
    const nodes = rows.map((row) => this.#row(row, list));
    this.nodes = new Map(rows.map((row, at) => [row.key, nodes[at]]));
    nodes.forEach((node, at) => this.body.children[at] !== node && this.body.insertBefore(node, this.body.children[at] ?? null));
    while (this.body.children.length > nodes.length) this.body.lastChild.remove();
  }

  // The row of a key stays the same node, and a cell is drawn anew only if what it shows has changed: a focused button keeps its focus.
  #row(row, list) {
    const node = this.nodes.get(row.key) ?? el("tr", { data: { key: row.key } }, ...list.map(() => el("td")));
    if (node.row === row && node.marked === this.store.instruments.size) return node;
    const { name } = row;
    if (name && !node.dataset.symbol) node.addEventListener("click", (event) => event.target.closest("button") || this.store.select(name));
    if (name) node.dataset.symbol = name;
    node.row = row;
    node.marked = this.store.instruments.size;
    list.forEach((column, at) => drawCell(node.children[at], column, row, this.store.terms(name ?? "")));
    return node;
  }

  #key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const names = this.tabs.map((button) => button.dataset.tab);
    this.show(names[(names.indexOf(this.tab) + step + names.length) % names.length]);
    byId(`tab-${this.tab}`).focus();
  }
}

function drawCell(node, column, row, terms) {
  const mark = column.node ? column.mark(row) : column.text(row, terms);
  if (node.mark === mark) return;
  node.mark = mark;
  const kinds = [column.number && "number", column.wide && "wide", column.act && "act", column.sign?.(row)];
  node.className = kinds.filter(Boolean).join(" ");
  node.replaceChildren(column.node ? column.node(row) : mark);
}

// Open positions, working orders; of the others all, as far as they are kept.
function count(tab, rows) {
  const open = { positions: (row) => row.quantity, orders: (row) => !DONE.includes(row.status) }[tab];
  if (open) return [...rows.values()].filter(open).length;
  return rows.size < KEPT ? rows.size : `${KEPT}+`;
}
