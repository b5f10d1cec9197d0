// The settings of one section.

import { AskButton } from "/shared/ask.js";
import { el } from "/shared/dom.js";
import { patch, post } from "/shared/rest.js";
import { said } from "/shared/said.js";
import { Table } from "/shared/table.js";
import { t } from "/shared/texts.js";
import { ValueEditor } from "../../frame/value_editor.js";
import { isDefault, readValue, valueText } from "./values.js";

export class SettingsGroup {
  constructor(section, name) {
    this.section = section;
    const place = el("div");
    this.node = el("div", { class: "part settings" }, el("div", { class: "heading" }, el("h3", { class: "mono", text: `[${name}]` })), place);
    this.table = new Table(place, { label: () => name, columns: this.#columns(), key: (row) => row.key });
  }

  show(rows) {
    this.node.hidden = !rows.length;
    this.table.show(rows);
  }

  #columns() {
    return [
      { key: "key", head: "se_setting", text: (row) => row.key.split(".").slice(1).join("."), hint: (row) => row.key },
      { key: "value", head: "se_value", value: (row) => row.value, text: (row) => this.#value(row), sign: (row) => (isDefault(row) ? "muted short" : "short"), hint: (row) => this.#value(row) },
      { key: "default", head: "se_default", value: (row) => row.default, text: (row) => valueText(row.default), sign: () => "muted short" },
      { key: "source", head: "se_source", text: (row) => t(`se_from_${row.source}`), sign: (row) => (row.source === "default" ? "muted" : "") },
      { key: "live", head: "se_takes", text: (row) => t(row.live ? "se_live" : "se_restart"), sign: (row) => (row.live ? "" : "muted") },
      { key: "help", head: "se_help", wide: true, text: (row) => said(row.help), sign: () => "muted" },
      { key: "act", head: "", act: true, node: (row) => this.#edit(row), mark: (row) => (row.type === "bool" ? `${row.value}` : row.type) },
    ];
  }

  #value(row) {
    return row.secret ? t(row.is_set ? "se_secret_set" : "se_secret") : valueText(row.value);
  }

  #edit(row) {
    if (row.secret) return el("span", { class: "muted", text: t("se_environment"), title: t("se_environment_help", environmentName(row.key)) });
    if (row.type === "bool") {
      const word = () => t(row.value ? "se_switch_off" : "se_switch_on");
      return new AskButton({ text: word, label: () => `${word()}: ${row.key}`, question: () => this.#question(row, !row.value), run: () => this.#save(row.key, !row.value) }).node;
    }
    return new ValueEditor({
      label: () => t("se_change_one", row.key),
      now: () => this.#now(row.key),
      read: (text) => readValue(row, text),
      check: (value) => this.#check(row.key, value),
      save: (value) => this.#save(row.key, value),
      choices: row.choices?.length ? row.choices.map(String) : null,
      extra: [{ text: () => t("se_to_default"), value: row.default }],
    }).node;
  }

  #now(key) {
    const value = this.table.rows.find((row) => row.key === key)?.value;
    return value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
  }

  #question(row, value) {
    return t(row.live ? "se_ask_live" : "se_ask_restart", row.key, valueText(value));
  }

  async #check(key, value) {
    const answer = await post("/settings/check", { [key]: value });
    if (!answer.changed.length) return t("se_no_change");
    return t(answer.restart_needed.length ? "se_would_restart" : "se_would_live");
  }

  async #save(key, value) {
    this.section.changed(await patch("/settings", { [key]: value }));
  }
}

const environmentName = (key) => `GCG_QUANT_${key.toUpperCase().replace(".", "__")}`;
