// The alerts: what was out of bounds, how often, since when; each is acknowledged once it was seen.

import "../texts/log.js";
import { AskButton } from "/shared/ask.js";
import { el } from "/shared/dom.js";
import { get, post } from "/shared/rest.js";
import { said } from "/shared/said.js";
import { Table } from "/shared/table.js";
import { t, wordOf } from "/shared/texts.js";
import { choices, pill } from "../frame/parts.js";
import { Section } from "../frame/section.js";
import { count } from "../frame/units.js";

const MOST = 500;

export default class Alerts extends Section {
  constructor(desk) {
    super(desk, "alerts");
    this.node.classList.add("fill");
    this.rows = [];
    this.which = choices(t("al_which"), [["unread", t("al_only_unread")], ["all", t("al_all")]], "all", () => this.#draw());
    this.every = new AskButton({ text: () => t("al_acknowledge_all", this.#unread().length), run: () => this.#acknowledge(this.#unread()) });
    this.tools.append(this.which.node, this.every.node);
    const place = el("div");
    this.node.append(place);
    this.table = new Table(place, { label: () => t("nav_alerts"), columns: this.#columns(), key: (row) => row.id, empty: () => t("al_none"), sort: { by: "last_ns", down: true } });
    this.source(
      (signal) => get("/alerts", { signal, query: { limit: MOST } }),
      (rows) => this.#show(rows),
      (...why) => this.table.fail(...why),
    );
  }

  #columns() {
    const { zone } = this.desk;
    const last = (row) => row.last_ns ?? row.time_ns;
    return [
      { key: "last_ns", head: "al_last", value: last, text: (row) => zone.time(last(row)) },
      { key: "level", head: "level", state: true, node: (row) => pill(row.level), mark: (row) => row.level },
      { key: "name", head: "al_name", title: true, text: (row) => wordOf("alert", row.name) },
      { key: "component", head: "component", text: (row) => row.component || "–" },
      { key: "message", head: "text", wide: true, text: (row) => said(row.message) },
      { key: "count", head: "al_count", number: true, text: (row) => count(row.count) },
      { key: "time_ns", head: "al_first", text: (row) => zone.time(row.time_ns) },
      { key: "acknowledged", head: "state", text: (row) => stateOf(row), hint: (row) => row.acknowledged_by ?? "", sign: (row) => (row.acknowledged ? "muted" : "") },
      { key: "act", head: "", act: true, node: (row) => this.#button(row), mark: (row) => `${row.acknowledged}` },
    ];
  }

  #unread() {
    return this.rows.filter((row) => !row.acknowledged);
  }

  #show(rows) {
    this.rows = rows;
    this.desk.alerts = rows;
    this.desk.tell("alerts", rows);
    this.#draw();
  }

  #draw() {
    this.table.show(this.which.value === "all" ? this.rows : this.#unread());
    this.every.node.hidden = this.#unread().length < 2;
    this.every.translate();
  }

  #button(row) {
    if (row.acknowledged) return "";
    return new AskButton({ text: () => t("al_acknowledge"), label: () => t("al_acknowledge_one", said(row.message)), run: () => this.#acknowledge([row]) }).node;
  }

  async #acknowledge(rows) {
    await Promise.all(rows.map((row) => post(`/alerts/${encodeURIComponent(row.id)}/acknowledge`)));
    this.again();
  }
}

function stateOf(row) {
  const words = [t(row.acknowledged ? "al_acknowledged" : "al_unread")];
  if (row.over_ns) words.push(t("al_over"));
  return words.join(" · ");
}
