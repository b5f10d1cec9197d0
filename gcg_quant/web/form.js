// A form from descriptions of its fields (see field.js; those of parameters are the REST interface's): typed values, limits, help, and
// errors beside the field.

import { el } from "/shared/dom.js";
import { Field } from "/shared/field.js";

export class Form {
  /** `changed(name)` is told when the reader changes a field; `submit()` when Enter is pressed in one. */
  constructor(fields, { changed, submit } = {}) {
    this.changed = changed;
    this.problem = el("p", { class: "refused", role: "alert", hidden: "" });
    this.node = el("form", { class: "form", novalidate: "" });
    this.node.addEventListener("submit", (event) => {
      event.preventDefault();
      submit?.();
    });
    this.setFields(fields);
  }

  /** Show other fields; those that keep their name and type keep what stands in them. */
  setFields(fields) {
    const before = this.fields ?? new Map();
    this.fields = new Map(fields.map((field) => [field.name, new Field(field, this.changed)]));
    for (const [name, { field, control }] of this.fields) {
      const old = before.get(name);
      if (!old || old.field.type !== field.type || field.type === "own" || field.type === "bool") continue;
      if (old.control.value !== String(old.field.default ?? "") && !field.choices) control.value = old.control.value;
    }
    const enter = el("button", { type: "submit", hidden: "" }); // Enter submits only a form that has a button
    this.node.replaceChildren(...[...this.fields.values()].map((field) => field.node), this.problem, enter);
  }

  /** The typed values by name; null if a field is wrong: each says so itself, and the first one gets the focus. */
  read() {
    const values = {};
    let wrong = null;
    this.refuse("");
    for (const [name, field] of this.fields) {
      const { value, error } = field.read();
      if (error) wrong ??= field;
      else values[name] = value;
    }
    wrong?.focus();
    return wrong ? null : values;
  }

  /** What a field holds now, or undefined while it is wrong; nothing is shown for it. */
  value(name) {
    const field = this.fields.get(name);
    if (!field) return undefined;
    const shown = field.error.textContent;
    const { value } = field.read();
    field.refuse(shown);
    return value;
  }

  /** Show values by name; unknown names are left out. */
  set(values) {
    for (const [name, value] of Object.entries(values)) this.fields.get(name)?.set(value);
  }

  /** Show the server's refusal: beside the field that the sentence names, else below all. */
  refuse(sentence) {
    const words = [...sentence.matchAll(/'(\w+)'|\b(\w+)(?:: | \()/g)].map((found) => found[1] ?? found[2]); // 'fast', fast: ..., fast (30) ...
    const named = words.map((word) => this.fields.get(word)).find(Boolean);
    this.problem.textContent = named ? "" : sentence;
    this.problem.hidden = Boolean(named) || !sentence;
    if (named) {
      named.refuse(sentence);
      named.focus();
    }
  }
}
