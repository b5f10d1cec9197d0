// The strategy classes of the allowed folders as a list to choose from; further files are uploaded with the button below it or dropped on it.

import { AskButton } from "/shared/ask.js";
import { el } from "/shared/dom.js";
import { t } from "/shared/texts.js";
import { stem } from "./run_words.js";
import { sendFile, uploadFault } from "./upload.js";

const ORIGINS = ["own", "uploaded", "shipped"];

export class FileList {
  /** `chosen(file, cls)` is told of a choice; `again()` asks for the files anew and returns when they are shown. */
  constructor({ chosen, again }) {
    Object.assign(this, { chosen, again, options: [] });
    this.list = el("div", { class: "file-list", role: "listbox", tabindex: "0", "aria-label": t("w_strategy_files"), on: { keydown: (event) => this.#key(event) } });
    this.input = el("input", { type: "file", accept: ".py,text/x-python", hidden: "", "aria-label": t("w_upload_file"), on: { change: () => this.#picked() } });
    this.button = el("button", { type: "button", text: t("w_upload_file"), on: { click: () => this.input.click() } });
    this.status = el("p", { class: "upload-status", role: "status" });
    this.node = el("div", { class: "files" }, this.list, el("div", { class: "upload" }, this.button, this.input, el("span", { class: "muted", text: t("w_upload_or_drop") })), this.status);
    this.#dropping();
  }

  /** Show files: rows of GET /strategies/files. */
  show(files) {
    this.options = [];
    const groups = ORIGINS.map((origin) => [origin, files.filter((file) => file.origin === origin)]).filter(([, found]) => found.length);
    const nodes = groups.flatMap(([origin, found]) => [el("p", { class: "file-group", text: t(`w_files_${origin}`) }), ...found.flatMap((file) => this.#rows(file))]);
    this.list.replaceChildren(...nodes);
  }

  /** Choose a class by file and name; without a name the file's first one, without a file the first of all. */
  choose(file, className) {
    const at = this.options.findIndex((one) => (!file || one.file.file === file || one.file.short === file) && (!className || one.cls.class_name === className));
    if (at >= 0) this.#choose(at);
    return at >= 0;
  }

  #rows(file) {
    const title = el("strong", { text: stem(file.short) });
    if (file.error || !file.classes.length) {
      return [el("div", { class: "file-row broken" }, title, el("span", { class: "refused", text: file.error || t("w_no_class") }))];
    }
    return file.classes.map((cls) => {
      const at = this.options.length;
      const words = el("span", {}, title.cloneNode(true), " ", el("span", { class: "muted", text: cls.class_name }));
      const doc = el("span", { class: "file-doc", text: cls.doc?.split("\n")[0] ?? "" });
      const node = el("div", { class: "file-row", role: "option", id: `file-${at}`, "aria-selected": "false", title: file.file, on: { click: () => this.#choose(at) } }, words, doc);
      this.options.push({ file, cls, node });
      return node;
    });
  }

  #choose(at) {
    this.at = at;
    this.options.forEach(({ node }, n) => node.setAttribute("aria-selected", String(n === at)));
    this.list.setAttribute("aria-activedescendant", this.options[at].node.id);
    this.options[at].node.scrollIntoView({ block: "nearest" });
    this.chosen(this.options[at].file, this.options[at].cls);
  }

  #key(event) {
    const last = this.options.length - 1;
    const to = { ArrowDown: Math.min((this.at ?? -1) + 1, last), ArrowUp: Math.max((this.at ?? 1) - 1, 0), Home: 0, End: last }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    this.#choose(to);
  }

  #dropping() {
    const over = (on) => this.node.classList.toggle("dropping", on);
    this.node.addEventListener("dragover", (event) => {
      event.preventDefault();
      over(true);
    });
    this.node.addEventListener("dragleave", (event) => this.node.contains(event.relatedTarget) || over(false));
    this.node.addEventListener("drop", (event) => {
      event.preventDefault();
      over(false);
      this.#upload([...event.dataTransfer.files]);
    });
  }

  #picked() {
    const files = [...this.input.files];
    this.input.value = ""; // the same file can be picked again
    this.#upload(files);
  }

  async #upload(files) {
    const fault = uploadFault(files);
    if (fault) return this.#say(fault, true);
    const [file] = files;
    this.#say(t("w_uploading", file.name));
    try {
      await this.#taken(await sendFile(file));
    } catch (error) {
      if (error.status !== 409) return this.#say(error.message, true);
      this.#replace(file);
    }
    return undefined;
  }

  // One of this name is there: it is replaced only after a question.
  #replace(file) {
    const run = async () => this.#taken(await sendFile(file, true));
    const ask = new AskButton({ text: () => t("w_replace_file"), question: () => t("w_ask_replace", file.name), run, danger: true });
    this.status.replaceChildren(ask.node);
    ask.ask();
  }

  async #taken(row) {
    await this.again();
    this.#say(t("w_uploaded", stem(row.short)));
    this.choose(row.file);
  }

  #say(sentence, wrong = false) {
    this.status.replaceChildren(el("span", wrong ? { class: "refused", role: "alert", text: sentence } : { class: "muted", text: sentence }));
  }
}
