// A button with a menu of which one item is chosen: arrows move, Enter takes, Esc and a click elsewhere close.

import { el } from "/shared/dom.js";

export class Menu {
  /** `items()` returns [{ value, text }], `chosen()` the value that is marked, `take(value)` is called with the one that was taken. */
  constructor(button, { items, chosen, take }) {
    Object.assign(this, { button, items, chosen, take });
    this.list = el("div", { role: "menu", hidden: true, "aria-labelledby": button.id });
    button.after(this.list);
    button.addEventListener("click", () => (this.list.hidden ? this.open() : this.close()));
    button.addEventListener("keydown", (event) => event.key === "ArrowDown" && this.#do(event, () => this.open()));
    this.list.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("pointerdown", (event) => button.parentElement.contains(event.target) || this.close(false));
  }

  /** Open the menu with the focus on what is chosen. */
  open() {
    const now = this.chosen();
    const buttons = this.items().map(({ value, text }) =>
      el("button", { type: "button", role: "menuitemradio", "aria-checked": String(value === now), text, on: { click: () => this.#take(value) } }),
    );
    this.list.replaceChildren(...buttons);
    this.#show(true);
    (buttons.find((one) => one.getAttribute("aria-checked") === "true") ?? buttons[0])?.focus();
  }

  /** Close the menu; return whether it was open. */
  close(refocus = true) {
    const open = !this.list.hidden;
    this.#show(false);
    if (open && refocus) this.button.focus();
    return open;
  }

  #show(open) {
    this.list.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
  }

  #take(value) {
    this.close();
    this.take(value);
  }

  #key(event) {
    const buttons = [...this.list.children];
    const at = buttons.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined) return;
    this.#do(event, () => buttons[(to + buttons.length) % buttons.length].focus());
  }

  #do(event, action) {
    event.preventDefault();
    action();
  }
}
