// A table of rows that come again and again: a row keeps its node, a cell is drawn anew only if what it shows has changed, so that the
// focus stays where it is. Sortable by its heads; it knows the four states of a view.
//
// A column: { key, head, text(row) } or, instead of the text, node(row) with mark(row), a text that changes whenever the node must.
// Further: value(row) to sort by (row[key] otherwise), number, wide, line (what is too long is cut off), act (buttons, not sorted), sign(row) a class, hint(row) a title; title and state: they begin a row that is a card (on a phone), as the first column does.

import { el, setText } from "./dom.js";
import { addTexts, t } from "./texts.js";

addTexts({
  table_loading: ["Loading …", "加载中 …"],
  table_more: ["{0} of {1} rows are shown.", "显示 {1} 行中的 {0} 行。"],
  table_old: ["{0} old", "{0} 前的数据"],
  table_detail: ["Details", "详情"],
});

const MOST = 300; // rows drawn

export class Table {
  /**
   * A table in `place`. `label()` names it; `columns` as above; `key(row)` tells rows apart; `empty()` is what stands there without rows,
   * a sentence or a node; `sort` { by, down } at first; `choose(row)` makes rows choosable; `detail(row, node)` a node that
   * unfolds below a row (`node`: the one it gave before); `keep`: of more than `most` rows those at the "start" or at the "end" are drawn.
   */
  constructor(place, { label, columns, key = (row) => row.key, empty = () => "", sort = null, choose, detail, keep = "start", most = MOST }) {
    Object.assign(this, { place, label, columns, key, empty, sort, choose, detail, keep, most });
    this.rows = [];
    this.nodes = new Map(); // key -> its <tr>
    this.unfolded = new Set(); // keys
    this.chosen = null; // the key of the row that is marked as chosen
    this.note = el("div", { class: "table-note", role: "status" });
    this.foot = el("p", { class: "table-foot" });
    this.body = el("tbody");
    this.head = el("tr");
    this.table = el("table", {}, el("thead", {}, this.head), this.body);
    place.classList.add("table");
    place.tabIndex = 0;
    place.setAttribute("role", "region");
    place.replaceChildren(this.table, this.note, this.foot);
    this.loading();
  }

  /** The frame stands, the rows are awaited. */
  loading() {
    this.#state("loading", t("table_loading"));
    this.#heads();
  }

  /** Show these rows, in their order unless the reader sorts them. */
  show(rows) {
    this.rows = rows;
    this.#heads();
    this.#draw();
    this.#state(rows.length ? "ready" : "empty", rows.length ? "" : this.empty());
  }

  /** Say in one sentence why there is nothing, with a button that calls `retry`; rows that are there already stay, greyed. */
  fail(sentence, retry) {
    const words = [el("span", { text: sentence })];
    if (retry) words.push(el("button", { type: "button", text: t("retry"), on: { click: retry } }));
    this.#heads();
    const stale = this.rows.length > 0;
    this.#state(stale ? "stale" : "error", () => el("div", { class: "message" }, ...words), `${sentence}|${document.documentElement.lang}`);
  }

  /** Grey the rows, and say how old they are (a text such as "12 s"). */
  stale(age) {
    if (this.rows.length) this.#state("stale", t("table_old", age));
  }

  /** Mark the row of this key as the chosen one, or none. */
  mark(key) {
    this.chosen = key;
    for (const [known, node] of this.nodes) markChosen(node, known === key);
  }

  #state(state, note, mark = "") {
    this.place.dataset.state = state;
    this.place.setAttribute("aria-label", this.label());
    this.place.setAttribute("aria-busy", String(state === "loading"));
    if (typeof note === "string") {
      setText(this.note, note);
      this.noted = "";
    } else if (this.noted !== mark || !mark) {
      this.note.replaceChildren(typeof note === "function" ? note() : note); // a button there keeps its focus while the sentence stays
      this.noted = mark;
    }
    this.note.hidden = note === "";
  }

  #heads() {
    const drawn = [document.documentElement.lang, this.sort?.by, this.sort?.down, this.columns.length].join();
    if (this.drawn === drawn) return;
    const focused = this.head.contains(document.activeElement) ? document.activeElement.dataset.sort : null;
    this.drawn = drawn;
    this.head.replaceChildren(...this.columns.map((column) => this.#headOf(column)), ...(this.detail ? [el("td", { class: "act" })] : []));
    for (const node of this.nodes.values()) {
      for (const cell of node.children) cell.mark = undefined; // another language: every cell anew
      this.#name(node);
    }
    if (focused) [...this.head.querySelectorAll("button")].find((button) => button.dataset.sort === focused)?.focus();
  }

  #headOf(column) {
    const { key, head, number, act } = column;
    const kind = number ? "number" : "";
    if (!head || act) return head ? el("th", { scope: "col", class: kind, text: t(head) }) : el("td", { class: act ? "act" : kind });
    const down = this.sort?.by === key ? this.sort.down : null;
    const arrow = el("span", { class: "arrow", "aria-hidden": "true", text: down === null ? "" : down ? "▼" : "▲" });
    const button = el("button", { type: "button", data: { sort: key }, on: { click: () => this.#sortBy(key) } }, el("span", { text: t(head) }), arrow);
    return el("th", { scope: "col", class: kind, "aria-sort": down === null ? null : down ? "descending" : "ascending" }, button);
  }

  // Numbers fall first, texts rise first; the third click gives the rows' own order back.
  #sortBy(key) {
    const first = Boolean(this.columns.find((column) => column.key === key).number);
    if (this.sort?.by !== key) this.sort = { by: key, down: first };
    else this.sort = this.sort.down === first ? { by: key, down: !first } : null;
    this.#heads();
    this.#draw();
  }

  #sorted() {
    const column = this.sort && this.columns.find((one) => one.key === this.sort.by);
    if (!column) return this.rows;
    const value = column.value ?? ((row) => row[column.key]);
    const way = this.sort.down ? -1 : 1;
    return this.rows.toSorted((one, other) => compare(value(one), value(other), way));
  }

  #draw() {
    const sorted = this.#sorted();
    const rows = this.keep === "end" ? sorted.slice(-this.most) : sorted.slice(0, this.most);
    const wanted = [];
    const kept = new Map();
    for (const row of rows) {
      const key = this.key(row);
      const node = this.#row(key, row);
      kept.set(key, node);
      wanted.push(node);
      if (this.detail && this.unfolded.has(key)) wanted.push(this.#fold(node, row));
    }
    this.nodes = kept;
    const focus = this.body.contains(document.activeElement) ? document.activeElement : null;
    wanted.forEach((node, at) => this.body.children[at] !== node && this.body.insertBefore(node, this.body.children[at] ?? null));
    while (this.body.children.length > wanted.length) this.body.lastChild.remove();
    if (focus?.isConnected && document.activeElement !== focus) focus.focus({ preventScroll: true }); // a node that moves loses it
    setText(this.foot, this.rows.length > rows.length ? t("table_more", rows.length, this.rows.length) : "");
    this.foot.hidden = this.rows.length <= rows.length;
  }

  #row(key, row) {
    const node = this.nodes.get(key) ?? this.#newRow(key);
    node.row = row;
    this.columns.forEach((column, at) => drawCell(node.children[at], column, row));
    if (node.fold) node.fold.textContent = this.unfolded.has(key) ? "▾" : "▸";
    node.fold?.setAttribute("aria-expanded", String(this.unfolded.has(key)));
    node.fold?.setAttribute("aria-label", t("table_detail"));
    return node;
  }

  #newRow(key) {
    const node = el("tr", { data: { key } }, ...this.columns.map(() => el("td")));
    const act = () => (this.choose ? this.choose(node.row) : this.#unfold(key));
    this.#name(node);
    if (!this.choose && !this.detail) return node;
    node.addEventListener("click", (event) => event.target.closest("button, a, input, select, label") || act());
    node.classList.add("choosable");
    if (this.detail) {
      node.fold = el("button", { type: "button", class: "fold", on: { click: () => this.#unfold(key) } });
      node.append(el("td", { class: "act" }, node.fold));
      return node;
    }
    node.tabIndex = 0;
    node.addEventListener("keydown", (event) => {
      if (event.target !== node) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (event.key === "Enter" || event.key === " ") act();
      else if (step) neighbour(node, step)?.focus();
      else return;
      event.preventDefault();
    });
    markChosen(node, key === this.chosen);
    return node;
  }

  // Each cell knows its head: where there is no room for columns it stands beside the value.
  #name(node) {
    this.columns.forEach(({ head }, at) => head && (node.children[at].dataset.head = t(head)));
  }

  #unfold(key) {
    if (!this.unfolded.delete(key)) this.unfolded.add(key);
    this.#draw();
  }

  #fold(node, row) {
    node.below ??= el("tr", { class: "detail" }, el("td", { colspan: this.columns.length + 1 }));
    const shown = this.detail(row, node.below.firstChild.firstChild);
    if (node.below.firstChild.firstChild !== shown) node.below.firstChild.replaceChildren(shown);
    return node.below;
  }
}

function drawCell(node, column, row) {
  const mark = column.node ? column.mark(row) : column.text(row);
  if (node.mark !== mark) {
    node.mark = mark;
    node.replaceChildren(column.node ? column.node(row) : mark);
  }
  const none = ["", "–"].includes(node.textContent) && !node.firstElementChild;
  const kinds = [none && "none", column.title && "title", column.state && "state", column.number && "number", column.wide && "wide", column.line && "line", column.act && "act", column.sign?.(row)];
  const names = kinds.filter(Boolean).join(" ");
  if (node.className !== names) node.className = names;
  if (column.hint && node.title !== column.hint(row)) node.title = column.hint(row);
}

function markChosen(node, chosen) {
  if (chosen) node.setAttribute("aria-current", "true");
  else node.removeAttribute("aria-current");
}

function neighbour(node, step) {
  let next = node;
  do next = step > 0 ? next.nextElementSibling : next.previousElementSibling;
  while (next && !next.classList.contains("choosable"));
  return next;
}

// What is absent comes last, whichever way.
function compare(one, other, way) {
  const none = (value) => value === null || value === undefined || value === "" || Number.isNaN(value);
  if (none(one) || none(other)) return none(one) - none(other);
  if (typeof one === "number" && typeof other === "number") return (one - other) * way;
  return String(one).localeCompare(String(other), undefined, { numeric: true }) * way;
}
