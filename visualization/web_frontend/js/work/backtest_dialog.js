// Asks for a backtest: strategy, symbols and range of the stored data, money, parameters; filled in from a loaded strategy if there is one.

import { Dialog } from "/shared/dialog.js";
import { el } from "/shared/dom.js";
import { Form } from "/shared/form.js";
import { get, post } from "/shared/rest.js";
import { t } from "/shared/texts.js";
import { backtestFields } from "./backtest_fields.js";
import { changedValues, defaults, parameterField } from "./parameters.js";
import { QuickRange } from "./quick_range.js";
import { StoredBars } from "./stored_bars.js";
import { SymbolPicker } from "./symbol_picker.js";
import { waiting } from "./waiting.js";

export class BacktestDialog {
  /** `like`: a strategy or a run, { file, class_name, symbols, parameters, period, settings }, to begin with; `symbol` otherwise; `asked(run)` is told of the run. */
  constructor({ like = {}, symbol = "", asked }) {
    Object.assign(this, { like, symbol, asked });
    this.go = el("button", { type: "button", class: "primary", text: t("w_run_backtest"), disabled: "", on: { click: () => this.#run() } });
    const cancel = el("button", { type: "button", text: t("cancel"), on: { click: () => this.dialog.close() } });
    const title = like.strategy ? t("w_backtest_of", like.strategy) : t("w_new_backtest");
    this.dialog = new Dialog({ title, size: "wide", footer: [cancel, this.go] });
    this.picker = new SymbolPicker([]);
    this.parameters = new Form([], { submit: () => this.#run() });
  }

  async open() {
    this.dialog.open(this.dialog.cross);
    await waiting(this.dialog.body, async () => {
      const most = { query: { limit: 1000 } };
      const asked = [get("/strategies/files", most), get("/data/symbols", most), get("/backtests/defaults")];
      const [files, rows, money] = await Promise.all(asked);
      this.#show(files, new StoredBars(rows), money);
    });
  }

  #show(files, stored, money) {
    this.stored = stored;
    this.classes = files.filter((file) => !file.error).flatMap((file) => file.classes.map((cls) => ({ file, cls, value: `${file.file}|${cls.class_name}` })));
    this.picker.setKnown(stored.names().map((name) => ({ name, note: stored.note(name) })));
    const { file: path, class_name: name } = this.like;
    const same = ({ file, cls }) => [file.file, file.short].includes(path) && (!name || cls.class_name === name);
    const first = this.classes.find(same) ?? this.classes[0];
    this.note = el("p", { class: "muted note", role: "status" });
    this.range = new QuickRange((from, to) => this.settings.set({ start: from, end: to }));
    const symbols = this.like.symbols ?? (this.symbol ? [this.symbol] : []);
    this.picked = symbols.length > 0;
    const fields = backtestFields({ classes: this.classes, first, picker: this.picker, symbols, range: this.range, money });
    this.settings = new Form(fields, { submit: () => this.#run(), changed: (name) => this.#changed(name) });
    const before = kept(this.like.settings);
    this.settings.set(before);
    if (before.start || before.end) this.range.mark("");
    this.heading = el("h3", { text: t("w_parameters") });
    this.dialog.body.replaceChildren(this.note, this.settings.node, this.heading, this.parameters.node);
    this.go.disabled = !first || !stored.names().length;
    if (!first) return this.dialog.refuse(t("w_no_files"));
    if (!stored.names().length) return this.dialog.refuse(t("w_no_stored_bars"));
    this.#choose(this.like.parameters);
    this.#offer();
    this.#tell();
    this.settings.fields.get("period").focus();
    return undefined;
  }

  // Another class has other parameters, and its own symbols where none are chosen.
  #choose(values = {}) {
    this.chosen = this.classes.find((one) => one.value === this.settings.value("strategy"));
    const declared = this.chosen.cls.parameters;
    this.parameters.setFields(declared.map((one) => parameterField(one, values[one.name] ?? one.default)));
    this.heading.hidden = !declared.length;
    if (!this.picked) this.picker.set(this.chosen.cls.symbols.filter((one) => this.stored.knows(one))); // until the reader chooses others
  }

  #changed(name) {
    if (name === "symbols") this.picked = true;
    if (name === "strategy") this.#choose();
    if (name === "strategy" || name === "symbols") this.#offer();
    if (name === "start" || name === "end") this.range.mark("");
    if (name === "period") this.parameters.set({ period: this.settings.value("period") }); // a strategy over bars runs on these
    this.#tell();
  }

  #tell() {
    const { names } = this.picker;
    const period = this.settings.value("period");
    this.range.over(this.stored.range(names, period));
    this.note.textContent = names.length ? names.map((one) => `${one}: ${this.stored.note(one)}`).join("; ") : t("w_backtest_pick_symbols");
  }

  // The periods that are stored of all chosen symbols; the strategy's own one if it is among them, else the one with the most bars.
  #offer() {
    const periods = this.stored.periods(this.picker.names);
    const field = this.settings.fields.get("period");
    const own = this.parameters.value("period");
    const before = this.offered ? this.settings.value("period") : null;
    field.control.replaceChildren(...periods.map((value) => el("option", { value, text: value })));
    field.field.choices = periods;
    this.offered = true;
    const wanted = [before, this.like.period, own].find((one) => periods.includes(one)) ?? this.stored.longest(this.picker.names);
    field.set(wanted);
    this.parameters.set({ period: wanted });
  }

  async #run() {
    this.dialog.refuse("");
    const { strategy, range, ...settings } = this.settings.read() ?? {};
    const values = this.parameters.read();
    if (!strategy || !values || this.go.disabled) return;
    if (settings.start && settings.end && settings.start >= settings.end) return this.settings.fields.get("end").refuse(t("w_range_backwards"));
    const { file, cls } = this.chosen;
    const parameters = changedValues(values, defaults(cls.parameters));
    const asked = { ...settings, start: settings.start || null, end: settings.end || null, file: file.file, class_name: cls.class_name, parameters };
    this.go.disabled = true;
    try {
      const { run } = await post("/backtests", asked);
      this.dialog.close();
      this.asked(run);
    } catch (error) {
      this.#refused(error.message);
    }
    this.go.disabled = false;
    return undefined;
  }

  #refused(sentence) {
    const named = [...this.parameters.fields.keys()].some((name) => sentence.includes(`'${name}'`) || sentence.includes(`${name} (`));
    if (named) this.parameters.refuse(sentence);
    else this.dialog.refuse(sentence);
  }
}

// The settings of a run as the form has them.
function kept({ cash, commission, matching, start_ns: start, end_ns: end } = {}) {
  const given = { cash, commission, matching, start: day(start), end: day(end) };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function day(ns) {
  return ns ? new Date(ns / 1e6).toISOString().slice(0, 10) : undefined;
}
