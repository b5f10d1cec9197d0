// The keys of the page, and the dialog that lists them.

import { Dialog } from "/shared/dialog.js";
import { byId, el } from "/shared/dom.js";
import { t } from "/shared/texts.js";

const KEYS = [
  ["/", "key_search"],
  ["1 … 6", "key_period"],
  ["↑ ↓", "key_arrows"],
  ["Alt ↑ ↓", "key_move"],
  ["Alt 1 … 4", "key_pane"],
  ["K", "key_kill"],
  ["Esc", "key_escape"],
  ["?", "key_help"],
];

export class Keyboard {
  /** `closers` are asked in turn to close something on Esc, until one says it did. */
  constructor({ search, tools, watch, kill, closers }) {
    Object.assign(this, { search, tools, watch, kill, closers });
    addEventListener("keydown", (event) => this.#key(event));
    byId("help-open").addEventListener("click", () => this.help());
  }

  /** Open the list of keys. */
  help() {
    const lines = KEYS.flatMap(([key, text]) => [el("dt", {}, el("kbd", { text: key })), el("dd", { text: t(text) })]);
    const dialog = new Dialog({ title: t("keys"), body: [el("dl", { class: "keys" }, ...lines)] });
    dialog.node.id = "help";
    dialog.open();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      if (!this.closers.some((close) => close())) document.activeElement?.blur();
      return;
    }
    if (event.target.matches("input, select, textarea") || document.querySelector("dialog[open]")) return;
    if (event.key === "/") this.#do(event, () => this.search.open());
    if (event.key === "?") this.#do(event, () => this.help());
    if (event.key === "k" || event.key === "K") this.#do(event, () => this.kill.ask());
    if (/^[1-9]$/.test(event.key)) this.#do(event, () => this.tools.choose(Number(event.key) - 1));
    if (event.target === document.body && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      this.#do(event, () => this.watch.move(event.key === "ArrowDown" ? 1 : -1));
    }
  }

  #do(event, action) {
    event.preventDefault();
    action();
  }
}
