// Settings: every one with its value, where that comes from, and whether a change needs a restart; changed in place, and every change kept.

import "../texts/setting_helps.js";
import "../texts/settings.js";
import { el } from "/shared/dom.js";
import { get } from "/shared/rest.js";
import { said } from "/shared/said.js";
import { t } from "/shared/texts.js";
import { choices, field } from "../frame/parts.js";
import { Section } from "../frame/section.js";
import { HistoryPart } from "./settings/history.js";
import { SettingsGroup } from "./settings/group.js";
import { isDefault } from "./settings/values.js";

const EVERY = 3; // rounds

export default class Settings extends Section {
  constructor(desk) {
    super(desk, "settings");
    this.rows = [];
    this.groups = new Map(); // section's name -> its part
    this.find = field(t("se_find"), "search", { placeholder: t("se_find_hint"), "data-find": "" });
    this.find.input.addEventListener("input", () => this.#draw());
    this.which = choices(t("se_which"), [["all", t("se_all")], ["changed", t("se_changed")]], "all", () => this.#draw());
    this.tools.append(this.which.node, this.find.node);
    this.says = el("p", { class: "verified", role: "status", hidden: "" });
    this.message = el("div", { class: "message", text: t("table_loading") });
    this.place = el("div");
    this.history = new HistoryPart(this);
    this.node.append(this.says, this.message, this.place, this.history.node);
    this.source(
      (signal) => get("/settings", { signal, query: { limit: 1000 } }),
      (rows) => {
        this.rows = rows;
        this.#draw();
      },
      (sentence, retry) => this.#fail(sentence, retry),
      EVERY,
    );
  }

  /** Say what became of a change. */
  changed({ changed, restart_needed: restart, saved }) {
    const parts = [t("se_saved", changed.join(", "))];
    if (restart.length) parts.push(t("se_restart_needed", restart.join(", ")));
    if (!saved) parts.push(t("se_not_kept"));
    this.says.hidden = false;
    this.says.className = `verified ${restart.length ? "warned" : ""}`;
    this.says.textContent = parts.join(" ");
    this.again();
  }

  #fail(sentence, retry) {
    this.message.hidden = false;
    this.message.replaceChildren(el("span", { text: sentence }), el("button", { type: "button", text: t("retry"), on: { click: retry } }));
  }

  #draw() {
    const word = this.find.input.value.trim().toLowerCase();
    const fits = (row) => (!word || `${row.key} ${row.help} ${said(row.help)}`.toLowerCase().includes(word)) && (this.which.value === "all" || !isDefault(row));
    const sections = new Map();
    for (const row of this.rows) {
      const name = row.key.split(".")[0];
      if (!sections.has(name)) sections.set(name, []);
      if (fits(row)) sections.get(name).push(row);
    }
    let shown = 0;
    for (const [name, rows] of sections) {
      if (!this.groups.has(name)) {
        this.groups.set(name, new SettingsGroup(this, name));
        this.place.append(this.groups.get(name).node);
      }
      this.groups.get(name).show(rows);
      shown += rows.length;
    }
    this.message.hidden = shown > 0;
    if (!shown) this.message.textContent = t("se_none_of_these");
  }
}
