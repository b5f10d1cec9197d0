// The keys of the page, and the dialog that lists them.

import { byId, el } from "/shared/dom.js";
import { t } from "/shared/texts.js";
import { SECTIONS } from "./navigation.js";

export class Keyboard {
  constructor(navigation) {
    this.navigation = navigation;
    addEventListener("keydown", (event) => this.#key(event));
    byId("help-open").addEventListener("click", () => this.#help());
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (document.querySelector("dialog[open]")) return;
    if (/^[0-9]$/.test(event.key)) this.navigation.go((Number(event.key) + 9) % 10);
    else if (event.key === "?") this.#help();
    else if (event.key === "/") document.querySelector("#main input[data-find]")?.focus();
    else return;
    event.preventDefault();
  }

  #help() {
    const sections = SECTIONS.map((name, at) => [String((at + 1) % 10), t(`nav_${name}`)]);
    const lines = [["/", t("frame_key_find")], ...sections, ["Esc", t("key_escape")], ["?", t("key_help")]];
    const list = lines.flatMap(([key, text]) => [el("dt", {}, el("kbd", { text: key })), el("dd", { text })]);
    const close = el("button", { type: "button", text: t("close"), on: { click: () => byId("help").close() } });
    byId("help").replaceChildren(el("h2", { text: t("keys") }), el("dl", {}, ...list), close);
    byId("help").showModal();
  }
}
