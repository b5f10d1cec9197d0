// A small panel that opens at a button, over the page; a click beside it or Esc closes it, the focus goes back to the button.

import { el } from "/shared/dom.js";

const GAP = 4;

export class Popover {
  /** `label()` names it for those who do not see it. */
  constructor(className, label) {
    Object.assign(this, { label, button: null });
    this.node = el("div", { class: `popover ${className}`, role: "dialog", hidden: true });
    document.body.append(this.node);
    addEventListener("pointerdown", (event) => this.open && !this.node.contains(event.target) && !this.button.contains(event.target) && this.close(false), true);
    addEventListener("resize", () => this.open && this.#stand());
  }

  get open() {
    return !this.node.hidden;
  }

  /** Show these nodes at a button. */
  show(button, ...content) {
    this.button = button;
    this.node.setAttribute("aria-label", this.label());
    this.node.replaceChildren(...content);
    this.node.hidden = false;
    button.setAttribute("aria-expanded", "true");
    this.#stand();
  }

  /** Give the focus to the first control that is chosen, or the first one. */
  focus() {
    (this.node.querySelector("[aria-checked=true], input:checked") ?? this.node.querySelector("button, input, select"))?.focus();
  }

  /** Close it; return whether it was open. */
  close(refocus = true) {
    if (!this.open) return false;
    this.node.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
    if (refocus) this.button.focus();
    return true;
  }

  #stand() {
    const at = this.button.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.node;
    const left = Math.max(GAP, Math.min(at.left, innerWidth - width - 2 * GAP));
    const top = at.bottom + GAP + height < innerHeight ? at.bottom + GAP : Math.max(GAP, innerHeight - height - GAP);
    Object.assign(this.node.style, { left: `${left}px`, top: `${top}px` });
  }
}

/** A row of buttons of which one is chosen; arrows move. `options`: [{ value, text or node, label }]. */
export function choices(label, options, chosen, take) {
  const buttons = options.map(({ value, text, node, label: name }) =>
    el("button", { type: "button", role: "radio", text: node ? undefined : text, "aria-label": name, title: name, "aria-checked": String(value === chosen), tabindex: value === chosen ? "0" : "-1", data: { value }, on: { click: () => take(value) } }, ...(node ? [node] : [])),
  );
  if (!options.some(({ value }) => value === chosen)) buttons[0].tabIndex = 0;
  const key = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length].focus();
  };
  return el("div", { class: "choices", role: "radiogroup", "aria-label": label, on: { keydown: key } }, ...buttons);
}

/** A box to tick, with its text. */
export function tick(text, on, take) {
  const box = el("input", { type: "checkbox", on: { change: () => take(box.checked) } });
  box.checked = on;
  return el("label", { class: "tick" }, box, el("span", { text }));
}
