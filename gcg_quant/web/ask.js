// A button for what trades or deletes: it asks once, in its own place, naming what it will do; then it waits, and shows a refusal there.

import { el } from "/shared/dom.js";
import { t } from "/shared/texts.js";

const PATIENCE_MS = 8000; // a question nobody answers goes away
let open = null; // the one question that the page asks at a time

/** Close the open question; return whether there was one. */
export function cancelQuestion() {
  return open?.cancel() ?? false;
}

export class AskButton {
  /**
   * `text()` is on the button, `question()` is asked, `yes()` (default: the button's text) agrees; all in the present language.
   * `run()` does it; the sentence of what it throws is shown. Without a question it is done at once. `danger` paints the answer red.
   */
  constructor({ text, question, yes, run, danger = false, label, kind = "" }) {
    Object.assign(this, { text, question, yes, run, danger, label, kind });
    this.refusal = "";
    this.node = el("span", { class: "ask", on: { keydown: (event) => this.#key(event) } });
    this.#rest();
  }

  /** Whether it asks or waits: what stands around it is better left as it is. */
  get busy() {
    return open === this || this.waiting === true;
  }

  /** Ask, as a click on the button does. */
  ask() {
    cancelQuestion();
    this.refusal = "";
    if (!this.question) return this.#go();
    open = this;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.cancel(), PATIENCE_MS);
    const word = this.yes?.() ?? t("yes", this.text().toLowerCase());
    const yes = el("button", { type: "button", class: this.danger ? "yes danger" : "yes", text: word, on: { click: () => this.#go() } });
    const no = el("button", { type: "button", class: "no", text: t("no"), on: { click: () => this.cancel() } });
    const question = el("span", { class: "question", text: this.question() });
    this.node.dataset.state = "asking";
    this.node.setAttribute("role", "group");
    this.node.setAttribute("aria-label", this.question());
    this.node.replaceChildren(question, yes, no);
    yes.focus();
    return undefined;
  }

  /** Take the question back; return whether it was asked. */
  cancel() {
    if (open !== this) return false;
    const focused = this.node.contains(document.activeElement);
    this.#rest();
    if (focused) this.button.focus();
    return true;
  }

  /** Write its texts anew, as in another language, unless it asks or waits. */
  translate() {
    if (this.busy) return;
    const focused = this.node.contains(document.activeElement);
    this.#rest();
    if (focused) this.button.focus();
  }

  #rest() {
    if (open === this) open = null;
    clearTimeout(this.timer);
    const label = this.label?.();
    this.button = el("button", { type: "button", class: this.kind, text: this.text(), title: label, "aria-label": label, on: { click: () => this.ask() } });
    this.node.removeAttribute("role");
    this.node.removeAttribute("aria-label");
    this.node.dataset.state = this.refusal ? "refused" : "";
    const why = this.refusal && el("span", { class: "refused", role: "alert", text: t("refused", this.refusal), title: this.refusal });
    this.node.replaceChildren(...(why ? [why] : []), this.button);
  }

  async #go() {
    const focused = this.node.contains(document.activeElement);
    if (open === this) open = null;
    clearTimeout(this.timer);
    this.waiting = true;
    this.node.dataset.state = "waiting";
    this.node.replaceChildren(el("span", { class: "muted", role: "status", text: t("sent") }));
    try {
      await this.run();
    } catch (error) {
      this.refusal = error.message;
    }
    this.waiting = false;
    this.#rest();
    if (focused && document.activeElement === document.body && this.node.isConnected) this.button.focus();
  }

  #key(event) {
    if (event.key !== "Escape" || !this.cancel()) return;
    event.preventDefault(); // it closed the question, not what the question stands in
    event.stopPropagation();
  }
}
