// Changes parameters of a loaded strategy, while it runs too.

import { Dialog } from "/shared/dialog.js";
import { el } from "/shared/dom.js";
import { Form } from "/shared/form.js";
import { get, patch } from "/shared/rest.js";
import { t } from "/shared/texts.js";
import { changedValues, parameterField } from "./parameters.js";
import { waiting } from "./waiting.js";

export class ParametersDialog {
  /** `changed()` is told when they were set. */
  constructor(strategy, changed) {
    Object.assign(this, { strategy, changed });
    this.go = el("button", { type: "button", class: "primary", text: t("w_apply"), disabled: "", on: { click: () => this.#apply() } });
    const cancel = el("button", { type: "button", text: t("cancel"), on: { click: () => this.dialog.close() } });
    this.dialog = new Dialog({ title: t("w_parameters_of", strategy), size: "wide", footer: [cancel, this.go] });
  }

  async open() {
    this.dialog.open(this.dialog.cross);
    await waiting(this.dialog.body, async () => {
      const { declared, parameters, state } = await get(`/strategies/${encodeURIComponent(this.strategy)}`);
      this.before = parameters;
      this.form = new Form(declared.map((one) => parameterField(one, parameters[one.name])), { submit: () => this.#apply() });
      const note = el("p", { class: "muted note", text: t(state === "running" ? "w_parameters_at_once" : "w_parameters_at_start") });
      this.dialog.body.replaceChildren(note, declared.length ? this.form.node : el("p", { class: "message", text: t("w_no_parameters") }));
      this.go.disabled = !declared.length;
      this.form.fields.values().next().value?.focus();
    });
  }

  async #apply() {
    const values = this.form.read();
    if (!values || this.go.disabled) return;
    const parameters = changedValues(values, this.before);
    if (!Object.keys(parameters).length) return this.dialog.close();
    this.go.disabled = true;
    try {
      await patch(`/strategies/${encodeURIComponent(this.strategy)}`, parameters);
      this.dialog.close();
      this.changed();
    } catch (error) {
      this.form.refuse(error.message);
    }
    this.go.disabled = false;
    return undefined;
  }
}
