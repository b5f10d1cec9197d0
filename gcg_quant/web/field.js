// One field of a form: its label, control, help and, beside it, what is wrong with it.

import { el } from "/shared/dom.js";
import { choice, fieldValue, limits, numberText } from "/shared/field_value.js";

let numbers = 0;

export class Field {
  /**
   * `field`: { name, type: int | float | bool | str | choice | date | own, label, default, low, high, choices, help, needed, optional,
   * pattern, patternHelp, suggestions, hint, wide }. "own" brings `control`: { node, read() -> { value } or { error }, set(value) }.
   */
  constructor(field, changed) {
    numbers += 1;
    this.id = `field-${numbers}`;
    this.field = field;
    this.changed = changed;
    this.control = this.#control();
    this.error = el("span", { class: "field-error", id: `${this.id}-error`, role: "alert", hidden: "" });
    this.node = this.#node();
    this.set(field.default);
  }

  /** Its value in its type: { value } or { error }; the error is shown beside it. */
  read() {
    const { field, control } = this;
    const read = field.type === "own" ? field.control.read() : fieldValue(field, field.type === "bool" ? control.checked : control.value);
    this.refuse(read.error ?? "");
    return read;
  }

  /** Show a value. */
  set(value) {
    const { field, control } = this;
    if (field.type === "own") field.control.set(value);
    else if (field.type === "bool") control.checked = Boolean(value);
    else control.value = numberText(value);
    this.refuse("");
  }

  /** Show a sentence beside it, or take it back with "". */
  refuse(sentence) {
    this.error.textContent = sentence;
    this.error.hidden = !sentence;
    this.node.classList.toggle("wrong", Boolean(sentence));
    if (sentence) this.control.setAttribute("aria-invalid", "true");
    else this.control.removeAttribute("aria-invalid");
  }

  focus() {
    (this.control.matches("input, select, textarea, button") ? this.control : this.control.querySelector("input, button, [tabindex]"))?.focus();
  }

  #control() {
    const { field, id } = this;
    if (field.type === "own") {
      const own = field.control.node;
      own.setAttribute("role", "group");
      own.setAttribute("aria-labelledby", `${id}-label`);
      own.addEventListener("change", () => this.#change());
      return own;
    }
    const shared = { id, name: field.name, "aria-describedby": `${id}-help ${id}-error`, autocomplete: "off", spellcheck: "false" };
    const on = { input: () => this.#change() };
    if (field.type === "choice") {
      const options = field.choices.map(choice).map(({ value, text }) => el("option", { value, text }));
      return el("select", { ...shared, on }, ...options);
    }
    if (field.type === "bool") return el("input", { ...shared, type: "checkbox", on });
    if (field.type === "date") return el("input", { ...shared, type: "date", on });
    const numeric = { int: "numeric", float: "decimal" }[field.type];
    const list = field.suggestions && `${id}-list`;
    return el("input", { ...shared, type: "text", inputmode: numeric, class: numeric && "number", list, placeholder: field.hint, on });
  }

  #node() {
    const { field, id, control } = this;
    const label = field.label ?? field.name;
    const name = field.type === "own" ? el("span", { class: "field-label", id: `${id}-label`, text: label }) : el("label", { class: "field-label", for: id, text: label });
    const words = [field.help, limits(field)].filter(Boolean).join(" · ");
    const help = el("span", { class: "field-help", id: `${id}-help`, text: words });
    const list = field.suggestions ? [el("datalist", { id: `${id}-list` }, ...field.suggestions.map((value) => el("option", { value })))] : [];
    const parts = field.type === "bool" ? [el("span", { class: "field-check" }, control, name)] : [name, control];
    return el("div", { class: `field ${field.type}${field.wide ? " wide" : ""}`, data: { field: field.name } }, ...parts, ...list, this.error, help);
  }

  #change() {
    this.refuse("");
    this.changed?.(this.field.name);
  }
}
