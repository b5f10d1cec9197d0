// Parts of which sections are made: panels with a heading, pills of states, fields with a label, rows of figures.

import { el, setText } from "/shared/dom.js";
import { Table } from "/shared/table.js";
import { stateWord, t } from "/shared/texts.js";

const GOOD = ["running", "filled", "accepted", "info", "connected", "done", "live", "ok"];
const BAD = ["failed", "rejected", "error", "critical", "down", "dead", "damaged", "halted"];
const WARN = ["warning", "cancelling", "expired", "starting", "stopping", "restarting", "reconnecting", "connecting", "degraded"];

/** A state as a pill: its word, and a colour beside it. */
export function pill(state, title = "", text = stateWord(state)) {
  const kind = GOOD.includes(state) ? "good" : BAD.includes(state) ? "bad" : WARN.includes(state) ? "warn" : "";
  return el("span", { class: `pill ${kind}`, text, title: title || null });
}

/** A column that shows a state; `why(row)` is its title. */
export function stateColumn(key, why = () => "") {
  return { key, head: "state", state: true, node: (row) => pill(row[key], why(row)), mark: (row) => `${row[key]}|${why(row)}` };
}

/** A part of a section with a heading: { node, tools, body }. */
export function panel(title, ...children) {
  const tools = el("div", { class: "tools" });
  const heading = el("div", { class: "heading" }, el("h3", { text: t(title) }), tools);
  const node = el("div", { class: "part" }, heading, ...children);
  return { node, tools, heading };
}

/** A panel with a table in it: { node, tools, table }. */
export function tablePanel(title, options) {
  const place = el("div");
  const part = panel(title, place);
  part.table = new Table(place, { label: () => t(title), ...options });
  return part;
}

/** A field with its label: { node, input }; `kind` is a type of input, or a list of [value, text] to choose from. */
export function field(label, kind = "text", attributes = {}) {
  const input = Array.isArray(kind) ? el("select", { class: "box", ...attributes }, ...kind.map(([value, text]) => el("option", { value, text }))) : el("input", { type: kind, autocomplete: "off", spellcheck: "false", class: "box", ...attributes });
  return { node: el("label", { class: "filter" }, el("span", { text: label }), input), input };
}

/** Buttons of which one is chosen: { node, value }; `change(value)` hears of a choice. */
export function choices(label, list, chosen, change) {
  const group = { value: chosen };
  const buttons = list.map(([value, text]) => el("button", { type: "button", text, data: { value }, on: { click: () => pick(value, true) } }));
  const pick = (value, tell) => {
    group.value = value;
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.value === String(value)));
    if (tell) change(value);
  };
  group.node = el("div", { class: "choices", role: "group", "aria-label": label }, ...buttons);
  group.pick = (value) => pick(value, false);
  pick(chosen, false);
  return group;
}

/** Figures in a row: `set(name, text, class, title)` changes one of `names` (keys of texts). */
export class Figures {
  constructor(names) {
    this.values = new Map(names.map((name) => [name, el("dd", { text: "–", data: { figure: name } })]));
    const pairs = [...this.values].map(([name, value]) => el("div", {}, el("dt", { text: t(name) }), value));
    this.node = el("dl", { class: "figures" }, ...pairs);
  }

  set(name, text, kind = "", title = "") {
    const node = this.values.get(name);
    setText(node, text);
    if (node.className !== kind) node.className = kind;
    if (node.title !== title) node.title = title;
  }
}
