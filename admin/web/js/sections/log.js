// The log: a live tail with filters. It follows its end until one scrolls away, can be paused, and reaches back.

import "../texts/log.js";
import { el } from "/shared/dom.js";
import { get } from "/shared/rest.js";
import { said } from "/shared/said.js";
import { Table } from "/shared/table.js";
import { t, wordOf } from "/shared/texts.js";
import { choices, field, pill } from "../frame/parts.js";
import { Section } from "../frame/section.js";
import { LogLines } from "./log/lines.js";

const SOON_MS = 250; // after the last key in a filter
const NEAR = 40; // pixels from the end that still count as the end

export default class Log extends Section {
  constructor(desk) {
    super(desk, "log");
    this.node.classList.add("fill");
    this.lines = new LogLines();
    this.#filters();
    this.older = el("button", { type: "button", text: t("lo_older"), on: { click: () => this.#older() } });
    this.pause = el("button", { type: "button", text: t("lo_pause"), "aria-pressed": "false", on: { click: () => this.#pause() } });
    this.end = el("button", { type: "button", text: t("lo_follow"), "aria-pressed": "true", on: { click: () => this.#follow(!this.following) } });
    this.tools.append(this.level.node, this.component.node, this.text.node, this.older, this.pause, this.end);
    this.place = el("div");
    this.node.append(this.place);
    this.table = new Table(this.place, { label: () => t("nav_log"), columns: columns(desk.zone), key: (row) => row.id, empty: () => this.#empty(), detail: (row, node) => node ?? detail(row), keep: "end" });
    this.following = true;
    this.place.addEventListener("scroll", () => this.#follow(this.place.scrollHeight - this.place.scrollTop - this.place.clientHeight < NEAR, true));
    this.source(
      (signal) => (this.paused ? null : this.#ask(signal)),
      (rows) => rows && this.#show(rows),
      (...why) => this.table.fail(...why),
    );
  }

  show(words) {
    super.show(words);
    const [component] = words;
    if (!component) return;
    this.component.input.value = component;
    this.#anew();
  }

  #filters() {
    const levels = ["", "info", "warning", "error"].map((level) => [level, t(`lo_${level || "every"}`)]);
    this.level = choices(t("lo_from_level"), levels, "", () => this.#anew());
    this.component = field(t("component"), "search", { placeholder: t("lo_any") });
    this.text = field(t("text"), "search", { placeholder: t("lo_contains"), "data-find": "" });
    for (const { input } of [this.component, this.text]) {
      input.addEventListener("input", () => {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.#anew(), SOON_MS);
      });
    }
  }

  #query() {
    return { level: this.level.value, component: this.component.input.value.trim(), text: this.text.input.value.trim() };
  }

  async #ask(signal) {
    const asked = this.lines.number;
    const rows = await get("/logs", { signal, query: { ...this.#query(), ...this.lines.next() } });
    return asked === this.lines.number ? rows : null; // the filter has changed meanwhile
  }

  #show(rows) {
    this.lines.add(rows);
    this.#draw();
  }

  #draw() {
    this.table.show(this.lines.rows);
    this.older.disabled = this.lines.complete;
    if (this.following) this.place.scrollTop = this.place.scrollHeight;
  }

  #anew() {
    this.lines.clear();
    this.table.loading();
    this.again();
  }

  async #older() {
    this.#follow(false);
    this.lines.further();
    this.again();
  }

  #pause() {
    this.paused = !this.paused;
    this.pause.setAttribute("aria-pressed", String(this.paused));
    this.pause.textContent = t(this.paused ? "lo_go_on" : "lo_pause");
    if (!this.paused) this.again();
  }

  #follow(on, scrolled = false) {
    if (this.following === on) return;
    this.following = on;
    this.end.setAttribute("aria-pressed", String(on));
    if (on && !scrolled) this.place.scrollTop = this.place.scrollHeight;
  }

  #empty() {
    return t(Object.values(this.#query()).some(Boolean) ? "lo_none_of_these" : "lo_none");
  }
}

function columns(zone) {
  return [
    { key: "time_ns", head: "time", text: (row) => zone.time(row.time_ns) },
    { key: "level", head: "level", state: true, node: (row) => pill(row.level), mark: (row) => row.level },
    { key: "component", head: "component", title: true, text: (row) => row.component },
    { key: "message", head: "text", wide: true, text: (row) => said(row.message) },
  ];
}

// What a line is about: the event that led to it, and whatever else it tells.
function detail(row) {
  const node = el("div", { class: "log-detail" });
  const event = /^(\w+)[/ ]#?(\d+)$/.exec(String(row.about ?? ""));
  if (event) node.append(el("a", { href: `#journal/${event[1]}/${event[2]}`, text: t("lo_chain", `${event[1]} #${event[2]}`) }));
  else if (row.about) node.append(el("p", { text: String(row.about) }));
  if (row.alert) node.append(el("p", {}, el("a", { href: "#alerts", text: t("lo_alert", wordOf("alert", row.alert)) })));
  if (row.detail) node.append(el("pre", { text: typeof row.detail === "string" ? row.detail : JSON.stringify(row.detail, null, 1) }));
  if (!node.childNodes.length) node.append(el("p", { class: "muted", text: t("lo_no_detail") }));
  return node;
}
