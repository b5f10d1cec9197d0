// Loads a strategy: a file of the allowed folders or an uploaded one, its symbols, its parameters as a form.

import { Dialog } from "/shared/dialog.js";
import { el } from "/shared/dom.js";
import { Form } from "/shared/form.js";
import { get, post } from "/shared/rest.js";
import { t } from "/shared/texts.js";
import { FileList } from "./file_list.js";
import { changedValues, defaults, parameterField } from "./parameters.js";
import { SymbolPicker } from "./symbol_picker.js";
import { waiting } from "./waiting.js";

const ID = "[A-Za-z0-9_.\\-]{1,40}";

export class LoadDialog {
  /** `symbol` is chosen at first, where there is one; `loaded({ strategy, symbols })` is told of the end. */
  constructor({ symbol = "", loaded }) {
    Object.assign(this, { symbol, loaded, chosen: null, picked: Boolean(symbol) });
    this.go = el("button", { type: "button", class: "primary", disabled: "", on: { click: () => this.#load() } });
    const cancel = el("button", { type: "button", text: t("cancel"), on: { click: () => this.dialog.close() } });
    this.dialog = new Dialog({ title: t("w_load_strategy"), size: "wide", footer: [cancel, this.go] });
    this.picker = new SymbolPicker([]);
    this.parameters = new Form([], { submit: () => this.#load() });
    this.files = new FileList({ chosen: (file, cls) => this.#choose(file, cls), again: () => this.#askFiles() });
    this.#name();
  }

  /** Open it; it asks for files, symbols and accounts. */
  async open() {
    this.dialog.open(this.dialog.cross);
    await waiting(this.dialog.body, async () => {
      const most = { query: { limit: 1000 } };
      const [files, symbols, accounts] = await Promise.all([get("/strategies/files", most), get("/symbols", most), get("/accounts", most)]);
      this.#show(files, symbols, [...new Set(accounts.map((one) => one.account))]);
    });
  }

  #show(files, symbols, accounts) {
    this.picker.setKnown(symbols.map(({ name, description, kind }) => ({ name, note: description || kind })));
    this.basics = new Form(this.#basics(accounts), { submit: () => this.#load(), changed: (name) => this.#changed(name) });
    this.heading = el("h3", { text: t("w_parameters") });
    const right = el("div", { class: "load-form" }, this.basics.node, this.heading, this.parameters.node);
    this.dialog.body.replaceChildren(el("div", { class: "load" }, this.files.node, right));
    this.files.show(files);
    if (this.files.choose()) this.files.list.focus();
    else this.dialog.refuse(t("w_no_files"));
  }

  #basics(accounts) {
    const account = { name: "account", type: "choice", label: t("account"), choices: ["", ...accounts].map((value) => ({ value, text: value || t("w_account_default") })), default: "", optional: true };
    return [
      { name: "symbols", type: "own", label: t("symbols"), control: this.picker, default: this.symbol ? [this.symbol] : [] },
      { name: "strategy", type: "str", label: t("w_strategy_id"), default: "", pattern: ID, patternHelp: t("w_strategy_id_rule"), hint: t("w_strategy_id_hint"), help: t("w_strategy_id_help"), wide: accounts.length < 2 },
      ...(accounts.length > 1 ? [account] : []),
      { name: "start", type: "bool", label: t("w_start_at_once"), default: true, help: t("w_it_may_trade"), wide: true },
    ];
  }

  async #askFiles() {
    this.files.show(await get("/strategies/files", { query: { limit: 1000 } }));
  }

  #choose(file, cls) {
    this.chosen = { file, cls };
    const fields = cls.parameters.map((one) => parameterField(one));
    this.parameters.setFields(fields);
    this.heading.hidden = !fields.length;
    if (!this.picked) this.picker.set(cls.symbols); // those of the class, until the reader chooses others
    this.dialog.refuse("");
    this.#name();
  }

  #changed(name) {
    if (name === "symbols") this.picked = true;
    this.#name();
  }

  #name() {
    this.go.textContent = t(this.basics?.value("start") === false ? "w_load" : "w_load_and_start");
    this.go.disabled = !this.chosen;
  }

  async #load() {
    this.dialog.refuse("");
    const basics = this.basics.read();
    const values = this.parameters.read();
    if (!basics || !values || this.go.disabled) return;
    const { file, cls } = this.chosen;
    const asked = { ...basics, account: basics.account ?? "", file: file.file, class_name: cls.class_name, parameters: changedValues(values, defaults(cls.parameters)) };
    this.go.disabled = true;
    try {
      const { strategy } = await post("/strategies", asked);
      this.dialog.close();
      this.loaded({ strategy, symbols: basics.symbols });
    } catch (error) {
      this.#refused(error.message);
    }
    this.go.disabled = false;
  }

  // A sentence about a parameter or a field stands beside it, any other below.
  #refused(sentence) {
    const named = (form) => [...form.fields.keys()].some((name) => new RegExp(`'${name}'|\\b${name}(: | \\()`).test(sentence));
    const form = [this.parameters, this.basics].find(named);
    if (form) form.refuse(sentence);
    else this.dialog.refuse(sentence);
  }
}
