// Imports: files are dropped or chosen, what they do not say themselves is said beside them, and every file tells how far it is.

import { AskButton } from "/shared/ask.js";
import { el } from "/shared/dom.js";
import { Form } from "/shared/form.js";
import { get, put, remove } from "/shared/rest.js";
import { t } from "/shared/texts.js";
import { pill, tablePanel } from "../../frame/parts.js";
import { bytes, count } from "../../frame/units.js";
import { importFields } from "./import_fields.js";

export class ImportsPart {
  constructor(section) {
    this.section = section;
    this.files = [];
    const columns = [
      { key: "file", head: "da_file", text: (row) => row.file },
      { key: "state", head: "state", state: true, node: (row) => pill(row.state, row.error), mark: (row) => `${row.state}|${row.error}` },
      { key: "progress", head: "da_progress", node: progress, mark: (row) => `${row.state}|${row.progress}` },
      { key: "stored", head: "da_stored_rows", number: true, text: (row) => count(row.stored) },
      { key: "refused", head: "da_refused", number: true, text: (row) => count(row.refused), sign: (row) => (row.refused ? "warned" : "") },
      { key: "error", head: "da_result", wide: true, text: result, sign: (row) => (row.state === "failed" ? "bad" : "") },
      { key: "act", head: "", act: true, node: (row) => this.#act(row), mark: (row) => `${row.state}|${row.number}` },
    ];
    const part = tablePanel("da_imports", { columns, key: (row) => row.import, empty: () => t("da_no_imports"), detail: reasons });
    Object.assign(this, { node: part.node, table: part.table });
    part.heading.after(this.#dropping());
    this.source = section.source(
      (signal) => get("/imports", { signal, query: { limit: 200 } }),
      (rows) => this.table.show(rows),
      (...why) => this.table.fail(...why),
    );
  }

  #dropping() {
    this.chooser = el("input", { type: "file", multiple: "", accept: ".csv,.txt,.gz,.zip,.parquet", hidden: "", on: { change: () => this.#take(this.chooser.files) } });
    this.chosen = el("span", { class: "muted", text: t("da_drop") });
    this.form = new Form(importFields(), { submit: () => this.#send() });
    const choose = el("button", { type: "button", text: t("da_choose"), on: { click: () => this.chooser.click() } });
    this.go = el("button", { type: "button", class: "primary", text: t("da_import"), disabled: "", on: { click: () => this.#send() } });
    this.says = el("span", { class: "refused", role: "alert" });
    this.options = el("details", { class: "options" }, el("summary", { text: t("da_options") }), this.form.node);
    const line = el("div", { class: "tools" }, choose, this.go, this.chosen, this.says);
    const drop = el("div", { class: "drop" }, this.chooser, line, this.options);
    for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, (event) => this.#over(event, drop, true));
    for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, (event) => this.#over(event, drop, false));
    drop.addEventListener("drop", (event) => this.#take(event.dataTransfer.files));
    return drop;
  }

  #over(event, drop, on) {
    event.preventDefault();
    drop.classList.toggle("over", on);
  }

  #take(list) {
    this.files = [...list];
    this.says.textContent = "";
    this.go.disabled = !this.files.length;
    const size = this.files.reduce((total, file) => total + file.size, 0);
    this.chosen.textContent = this.files.length ? t("da_chosen", this.files.map((file) => file.name).join(", "), bytes(size)) : t("da_drop");
  }

  #act(row) {
    if (["waiting", "reading"].includes(row.state)) {
      return new AskButton({ text: () => t("cancel"), label: () => `${t("cancel")} ${row.file}`, question: () => t("da_ask_break", row.file), run: () => remove(`/imports/${row.import}`).then(() => this.section.again()) }).node;
    }
    if (!row.number || !row.stored) return "";
    return new AskButton({
      text: () => t("da_delete"),
      label: () => t("da_delete_brought", row.file),
      question: () => t("da_ask_brought", row.file),
      danger: true,
      run: () => remove("/data", { query: { import_number: row.number } }).then(() => this.section.again()),
    }).node;
  }

  // One file after the other: each is an import of its own, and the first that is refused stops the rest.
  async #send() {
    const values = this.form.read();
    if (!values || !this.files.length) {
      this.options.open ||= !values;
      return;
    }
    const query = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== "" && value !== null && value !== undefined));
    this.go.disabled = true;
    this.says.textContent = "";
    try {
      while (this.files.length) {
        const [file] = this.files;
        this.chosen.textContent = t("da_sending", file.name);
        await put(`/imports/${encodeURIComponent(allowed(file.name))}`, file, { query, type: "application/octet-stream" });
        this.files.shift();
        this.section.again(this.source);
      }
      this.chooser.value = "";
      this.#take([]);
    } catch (error) {
      this.says.textContent = error.message;
      this.options.open = true;
      this.go.disabled = false;
    }
  }
}

// The server takes letters, digits, ".", "_" and "-".
const allowed = (name) => name.replaceAll(/[^A-Za-z0-9._-]/g, "_").replace(/^[^A-Za-z0-9]+/, "") || "file";

function progress(row) {
  if (row.state !== "reading") return el("span", { class: "muted", text: row.state === "done" ? "100 %" : "–" });
  const filled = el("i");
  filled.style.width = `${(row.progress ?? 0) * 100}%`;
  return el("span", { class: "used" }, el("span", { class: "track", "aria-hidden": "true" }, filled), el("span", { text: `${Math.round((row.progress ?? 0) * 100)} %` }));
}

function result(row) {
  if (row.state === "failed") return row.error;
  if (row.earlier) return t("da_earlier", row.earlier);
  const known = Object.entries(row.reasons);
  return known.length ? t("da_refused_most", known[0][0]) : row.instruments.join(", ");
}

// What was refused: how many rows for which reason, and the first of them with their lines.
function reasons(row) {
  const known = Object.entries(row.reasons);
  if (!known.length) return el("p", { class: "muted", text: row.error || t("da_all_stored") });
  const pairs = known.flatMap(([reason, number]) => [el("dt", { text: count(number) }), el("dd", { text: reason })]);
  const first = row.refusals.flatMap(({ line, reason, detail }) => [el("dt", { class: "muted", text: t("da_line", line) }), el("dd", { class: "muted", text: `${reason}: ${detail}` })]);
  return el("dl", { class: "reasons" }, ...pairs, ...first);
}
