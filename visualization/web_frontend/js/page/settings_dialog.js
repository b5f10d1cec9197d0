// The settings of the page: theme, language, zone, which colour is up, and the reader's own colours. Each takes effect at once.

import { Dialog } from "/shared/dialog.js";
import { byId, el } from "/shared/dom.js";
import { t } from "/shared/texts.js";

const COLOURS = ["up", "down", "accent"];
const RISING = { language: null, green: false, red: true };

export class SettingsDialog {
  constructor(store) {
    this.store = store;
    byId("settings-open").addEventListener("click", () => this.open());
    store.on("appearance", () => this.dialog && this.#fill());
  }

  /** Open the dialog, or bring what is open up to date. */
  open() {
    if (this.dialog) return;
    const close = el("button", { type: "button", class: "primary", text: t("close"), on: { click: () => this.dialog.close() } });
    const reset = el("button", { type: "button", text: t("settings_reset"), on: { click: () => this.#reset() } });
    const leave = el("a", { href: "/logout", text: t("log_out") });
    leave.hidden = !document.documentElement.dataset.session; // without a token there is nothing to log out of
    this.dialog = new Dialog({ title: t("page_settings"), footer: [leave, reset, close], closed: () => (this.dialog = null) });
    this.dialog.node.id = "page-settings";
    this.footer = { close, reset, leave };
    this.#fill();
    this.dialog.open();
  }

  #fill() {
    const { config } = this.store;
    const focused = this.dialog.body.contains(document.activeElement) ? document.activeElement.id : "";
    this.dialog.title.textContent = t("page_settings");
    this.footer.close.textContent = t("close");
    this.footer.reset.textContent = t("settings_reset");
    this.footer.leave.textContent = t("log_out");
    const rising = Object.keys(RISING).find((key) => RISING[key] === config.up_is_red) ?? "language";
    this.dialog.body.replaceChildren(
      this.#select("theme", "set_theme", { dark: t("dark"), light: t("light"), system: t("system") }, config.theme),
      this.#select("language", "set_language", { en: "English", zh: "中文" }, config.language),
      this.#select("zone", "set_zone", { local: t("zone_local"), UTC: "UTC", exchange: t("zone_exchange") }, config.zone),
      this.#select("rising", "set_rising", { language: t("rising_language"), green: t("rising_green"), red: t("rising_red") }, rising),
      ...COLOURS.map((name) => this.#colour(name)),
    );
    this.dialog.body.querySelector(focused ? `#${focused}` : null)?.focus();
  }

  #select(name, label, choices, chosen) {
    const options = Object.entries(choices).map(([value, text]) => el("option", { value, text, selected: value === chosen }));
    const change = (event) => this.store.changeConfig(name === "rising" ? { up_is_red: RISING[event.target.value] } : { [name]: event.target.value });
    return this.#row(`set-${name}`, t(label), el("select", { class: "box", id: `set-${name}`, on: { change } }, ...options));
  }

  #colour(name) {
    const own = this.store.config.colours[name];
    const shown = own ?? hex(getComputedStyle(document.documentElement).getPropertyValue(`--${name}`));
    const input = el("input", { type: "color", id: `set-${name}`, value: shown, on: { change: (event) => this.#paint(name, event.target.value) } });
    const reset = el("button", { type: "button", class: "quiet", text: t("colour_reset"), "aria-label": `${t("colour_reset")}: ${t(`colour_${name}`)}`, on: { click: () => this.#paint(name, null) } });
    reset.hidden = !own;
    return this.#row(`set-${name}`, t(`colour_${name}`), el("span", { class: "colour" }, input, el("code", { text: shown }), reset));
  }

  #row(id, label, control) {
    return el("div", { class: "setting" }, el("label", { for: id, text: label }), control);
  }

  #paint(name, colour) {
    this.store.changeConfig({ colours: { [name]: colour } });
    this.#fill();
  }

  #reset() {
    this.store.changeConfig({ theme: null, language: null, zone: null, up_is_red: null, colours: null });
    this.#fill();
  }
}

// A token's colour as an input of the type colour wants it.
function hex(text) {
  const colour = text.trim();
  return /^#[0-9a-f]{6}$/i.test(colour) ? colour : "#808080";
}
