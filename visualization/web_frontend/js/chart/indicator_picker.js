// The dialog of a chart's indicators: at the left all that there are, at the right those of the chart and what the chosen one is made of.

import { Dialog } from "/shared/dialog.js";
import { el } from "/shared/dom.js";
import { get } from "/shared/rest.js";
import { t } from "/shared/texts.js";
import { indicatorWord } from "../texts/indicators.js";
import { IndicatorForm } from "./indicator_form.js";

const MOST = 12; // indicators of a chart

export class IndicatorPicker {
  constructor(store) {
    Object.assign(this, { store, catalogue: null, dialog: null, pane: null, chosen: "" });
    store.on("config", () => this.dialog && this.#list());
  }

  /** Open it for a pane; with the `id` of one of its indicators that one is edited. */
  async open(pane, id = "") {
    if (!pane || this.dialog) return;
    Object.assign(this, { pane, chosen: id || (pane.config.indicators?.[0]?.id ?? "") });
    this.box = el("input", { type: "search", class: "indicator-search", placeholder: t("search_indicators"), "aria-label": t("search_indicators"), autocomplete: "off", on: { input: () => this.#offer(), keydown: (event) => this.#key(event) } });
    this.offers = el("div", { class: "indicator-offers" });
    this.own = el("ul", { class: "own-indicators", "aria-label": t("of_this_chart") });
    this.place = el("div", { class: "indicator-form" });
    const left = el("div", { class: "indicator-all" }, this.box, this.offers);
    const right = el("div", { class: "indicator-own" }, el("h3", { text: t("of_this_chart") }), this.own, this.place);
    const { symbol } = this.store.terms(pane.name);
    this.dialog = new Dialog({ title: `${t("indicators")} · ${symbol} · ${pane.period}`, body: [el("div", { class: "indicator-picker" }, left, right)], size: "wide", closed: () => (this.dialog = null) });
    this.dialog.open(this.box);
    this.#list();
    await this.#load();
    if (id) this.form?.focus();
  }

  // As the configuration has them: the pane may hear of a change later than this dialog.
  get indicators() {
    return this.store.config.layout.panes[this.pane.number].indicators ?? [];
  }

  async #load() {
    if (!this.catalogue) {
      this.offers.replaceChildren(el("p", { class: "muted", text: t("watch_loading") }));
      try {
        this.catalogue = await get("/indicators");
      } catch (error) {
        this.offers.replaceChildren(el("p", { class: "refused", text: error.message }), el("button", { type: "button", text: t("retry"), on: { click: () => this.#load() } }));
        return;
      }
    }
    this.#offer();
    this.#list();
    this.#edit();
  }

  // What matches the search, by group: ours first, as the server has them.
  #offer() {
    const wanted = this.box.value.trim().toLowerCase();
    const found = (this.catalogue ?? []).filter((one) => [one.name, one.title, indicatorWord(one.title)].some((text) => text.toLowerCase().includes(wanted)));
    found.sort((a, b) => rank(a, wanted) - rank(b, wanted));
    const groups = grouped(found);
    const nodes = [...groups].flatMap(([group, rows]) => [el("h3", { text: indicatorWord(group) }), el("ul", {}, ...rows.map((one) => this.#one(one)))]);
    this.offers.replaceChildren(...(nodes.length ? nodes : [el("p", { class: "muted", text: t("nothing_found", this.box.value) })]));
    this.first = found[0];
  }

  #one(kind) {
    const label = t("add_indicator", kind.name);
    const button = el("button", { type: "button", "aria-label": label, title: label, data: { indicator: kind.name }, on: { click: () => this.#add(kind) } });
    button.append(el("b", { text: kind.name }), el("span", { class: "muted", text: kind.title === kind.name ? "" : indicatorWord(kind.title) }), el("i", { text: "+", "aria-hidden": "true" }));
    return el("li", {}, button);
  }

  #key(event) {
    if (event.key === "Enter" && this.first) this.#add(this.first);
  }

  #add(kind) {
    const { indicators } = this;
    if (indicators.length >= MOST) {
      this.dialog.setFooter();
      this.dialog.refuse(t("too_many_indicators", MOST));
      return;
    }
    const id = `${kind.name.toLowerCase()}-${1 + Math.max(0, ...indicators.map((one) => Number(one.id.split("-").at(-1)) || 0))}`;
    const parameters = Object.fromEntries(kind.parameters.map((one) => [one.name, one.default]));
    this.chosen = id;
    this.pane.change({ indicators: [...indicators, { id, name: kind.name, parameters, ...(kind.source && { source: "close" }), colours: {} }] });
    this.#edit();
  }

  #list() {
    const entries = this.indicators.map((one) => {
      const title = this.#title(one);
      const name = el("button", { type: "button", class: "name", text: title, "aria-pressed": String(one.id === this.chosen), on: { click: () => this.#choose(one.id) } });
      const away = el("button", { type: "button", class: "quiet", text: "×", "aria-label": t("remove_indicator", title), title: t("remove_indicator", title), on: { click: () => this.#remove(one.id) } });
      return el("li", {}, name, away);
    });
    this.own.replaceChildren(...(entries.length ? entries : [el("li", { class: "muted", text: t("no_indicators") })]));
  }

  // As the legend has it: words of what is a choice, nothing of what is on or off.
  #title({ name, parameters = {} }) {
    const known = this.catalogue?.find((one) => one.name === name)?.parameters ?? [];
    const shown = Object.entries(parameters).map(([key, value]) => {
      const { type, choices } = known.find((one) => one.name === key) ?? {};
      return type === "flag" ? "" : choices?.length ? indicatorWord(choices[value]) : value;
    });
    return [name, ...shown.filter((one) => one !== "")].join(" ");
  }

  #choose(id) {
    this.chosen = id;
    this.#list();
    this.#edit();
  }

  #remove(id) {
    const rest = this.indicators.filter((one) => one.id !== id);
    if (this.chosen === id) this.chosen = rest.at(-1)?.id ?? "";
    this.pane.change({ indicators: rest });
    this.#edit();
  }

  #edit() {
    const indicator = this.indicators.find((one) => one.id === this.chosen);
    const kind = this.catalogue?.find((one) => one.name === indicator?.name);
    this.form = indicator && kind ? new IndicatorForm(indicator, kind, (changed) => this.#change(changed)) : null;
    this.place.replaceChildren(...(this.form ? [this.form.node] : []));
  }

  #change(changed) {
    this.pane.change({ indicators: this.indicators.map((one) => (one.id === changed.id ? changed : one)) });
  }
}

// Names that begin with what was typed come first.
function rank({ name }, wanted) {
  const text = name.toLowerCase();
  return text === wanted ? 0 : text.startsWith(wanted) ? 1 : 2;
}

function grouped(rows) {
  const groups = new Map();
  for (const row of rows) groups.set(row.group, [...(groups.get(row.group) ?? []), row]);
  return groups;
}
