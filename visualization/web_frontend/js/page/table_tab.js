// A tab of the drawer that shows one of the store's tables, with filters above it where there are some.

import { el, message, oncePerFrame } from "/shared/dom.js";
import { Table } from "/shared/table.js";
import { t } from "/shared/texts.js";
import { KEPT } from "../link/store.js";

const LEVELS = ["info", "warning", "error", "critical"];
const NEWEST_FIRST = ["orders", "fills", "log"];

/** What a tab shows beside its table: which rows there are, what counts, the filters. */
const KINDS = {
  orders: { counts: (row) => row.working, filters: ["working", "word"] },
  positions: { keeps: (row) => row.quantity || row.realised, counts: (row) => row.quantity },
  fills: { filters: ["word"] },
  accounts: {},
  log: { counts: null, filters: ["level", "word"] },
};

/** Return the tab of a table for `Drawer.addTab`; `columns` are the table's, `works(order)` tells which orders are open. */
export function tableTab(name, columns, works) {
  const kind = KINDS[name];
  const counts = name === "orders" ? works : kind.counts;
  return {
    name,
    mount: (node, store) => new TableTab(node, store, { name, columns, works, kind }),
    count: ({ tables }) => {
      if (counts === null) return "";
      const rows = tables[name];
      if (counts) return String([...rows.values()].filter(counts).length);
      return rows.size < KEPT ? String(rows.size) : `${KEPT}+`;
    },
  };
}

class TableTab {
  constructor(node, store, { name, columns, works, kind }) {
    Object.assign(this, { store, name, works, kind });
    this.shown = false;
    this.draw = oncePerFrame(() => this.#draw());
    const place = el("div", { class: "drawer-table" });
    this.filters = el("div", { class: "filters" });
    this.inputs = Object.fromEntries((kind.filters ?? []).map((filter) => [filter, this.#filter(filter)]));
    if (kind.filters) node.append(this.filters);
    node.append(place);
    const choose = name === "log" || name === "accounts" ? undefined : (row) => this.#open(row);
    this.table = new Table(place, { label: () => t(name), columns, choose, empty: () => this.#empty() });
    for (const topic of [name, "ready", "instruments", "asked"]) store.on(topic, this.draw);
    for (const topic of ["appearance", "zone"]) {
      store.on(topic, () => {
        this.table.drawn = ""; // every cell anew
        this.#translate();
        this.draw();
      });
    }
    this.#translate();
  }

  show() {
    this.shown = true;
    this.#draw();
  }

  hide() {
    this.shown = false;
  }

  #draw() {
    if (!this.shown || !this.store.ready) return;
    const rows = [...this.store.tables[this.name].values()].filter((row) => this.#keeps(row));
    this.table.show(NEWEST_FIRST.includes(this.name) ? rows.reverse() : rows);
  }

  #keeps(row) {
    const { working, level, word } = this.inputs;
    if (this.kind.keeps && !this.kind.keeps(row)) return false;
    if (working?.checked && !this.works(row)) return false;
    if (level && level.value !== "all" && LEVELS.indexOf(row.level) < LEVELS.indexOf(level.value)) return false;
    const wanted = word?.value.trim().toLowerCase();
    return !wanted || [row.name, row.strategy, row.component, row.text, row.reason, row.status].some((text) => text?.toLowerCase().includes(wanted));
  }

  #open(row) {
    this.store.select(row.name);
  }

  #empty() {
    const filtered = this.store.tables[this.name].size > 0 && this.name !== "positions";
    return filtered ? t("nothing_left") : message(t(`no_${this.name}`));
  }

  #filter(filter) {
    const on = { input: () => this.#draw() };
    if (filter === "word") return this.#add(el("input", { type: "search", class: "box", on }));
    if (filter === "level") return this.#add(el("select", { class: "box", on }, ...["all", ...LEVELS].map((value) => el("option", { value }))));
    const box = el("input", { type: "checkbox", on });
    this.filters.append(el("label", {}, box, el("span")));
    return box;
  }

  #add(input) {
    this.filters.append(input);
    return input;
  }

  #translate() {
    const { word, level, working } = this.inputs;
    if (working) working.nextSibling.textContent = t("only_working");
    if (word) word.placeholder = t("filter");
    word?.setAttribute("aria-label", t("filter"));
    level?.setAttribute("aria-label", t("level"));
    for (const option of level?.options ?? []) option.textContent = option.value === "all" ? t("level_all") : t(`level_${option.value}`);
  }
}
