// A modal dialog: title, body, footer. The browser keeps the focus in it and gives it back; Esc, the cross and a click beside it close it.

import { el } from "/shared/dom.js";
import { t } from "/shared/texts.js";

let numbers = 0;

export class Dialog {
  /** `title` is a text; `body` and `footer` are nodes; `size`: "" | "wide" | "large" | "small"; `closed()` is told of the end. */
  constructor({ title, body = [], footer = [], size = "", closed } = {}) {
    numbers += 1;
    const id = `dialog-${numbers}`;
    this.title = el("h2", { id, text: title });
    this.cross = el("button", { type: "button", class: "quiet", text: "✕", "aria-label": t("close"), title: t("close"), on: { click: () => this.close() } });
    this.body = el("div", { class: "dialog-body" }, ...body);
    this.problem = el("p", { class: "refused", role: "alert", hidden: "" });
    this.footer = el("footer", {}, this.problem, ...footer);
    this.node = el("dialog", { class: `dialog ${size}`.trim(), "aria-labelledby": id }, el("header", {}, this.title, this.cross), this.body, this.footer);
    this.footer.hidden = !footer.length;
    this.node.addEventListener("pointerdown", (event) => (this.pressed = event.target));
    this.node.addEventListener("click", (event) => event.target === this.node && this.pressed === this.node && this.close());
    this.node.addEventListener("keydown", (event) => event.stopPropagation()); // the page's own keys rest meanwhile,
    this.outside = (event) => !this.node.open || this.node.contains(event.target) || event.stopPropagation(); // also where the focus has left the dialog
    this.closed = closed;
    this.node.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.close();
    });
    this.node.addEventListener("close", () => this.#end());
  }

  /** Show it; the focus goes to the first field of the body, or to `focus`. */
  open(focus) {
    document.body.append(this.node);
    this.opener = document.activeElement;
    window.addEventListener("keydown", this.outside, true);
    this.node.showModal();
    const first = focus ?? this.body.querySelector("input:not([type=file]), select, textarea, button, [tabindex='0']");
    (first ?? this.cross).focus();
    return this;
  }

  /** Show other buttons in the footer. */
  setFooter(...nodes) {
    this.footer.replaceChildren(this.problem, ...nodes);
    this.footer.hidden = false;
  }

  /** Say in the footer, in one sentence, why it cannot be done; "" takes that back. */
  refuse(sentence) {
    this.problem.textContent = sentence;
    this.problem.hidden = !sentence;
  }

  close() {
    if (!this.node.open) return;
    this.node.close();
    this.#end(); // at once: until its event comes, keys would go to a field that is not there any more
  }

  #end() {
    if (!this.node.isConnected) return;
    this.node.remove();
    window.removeEventListener("keydown", this.outside, true);
    const lost = !document.activeElement || document.activeElement === document.body; // else the reader is elsewhere already
    if (lost && this.opener?.isConnected) this.opener.focus();
    this.closed?.();
  }
}
