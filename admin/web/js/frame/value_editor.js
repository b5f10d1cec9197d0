// A value that is changed in its place: a button, then a field with Save and Cancel; what is refused is said beside it.

import { el } from "/shared/dom.js";
import { t } from "/shared/texts.js";

export class ValueEditor {
  /**
   * `label()` names the field; `now()` is the value as it is; `read(text)` makes the value or throws a sentence; `save(value)` keeps it;
   * `choices`: the only values there are; `extra`: further buttons { text(), value }; `check(value)`, if given, resolves to a sentence about what saving would do.
   */
  constructor({ label, now, read, save, choices, extra = [], check, button = () => t("frame_change") }) {
    Object.assign(this, { label, now, read, save, choices, extra, check, button });
    this.node = el("span", { class: "ask editor", on: { keydown: (event) => this.#key(event) } });
    this.#rest();
  }

  #rest(refusal = "") {
    this.open = false;
    this.node.dataset.state = refusal ? "refused" : "";
    const button = el("button", { type: "button", text: this.button(), "aria-label": this.label(), title: this.label(), on: { click: () => this.#edit() } });
    const why = refusal ? [el("span", { class: "refused", role: "alert", text: t("refused", refusal) })] : [];
    this.node.replaceChildren(...why, button);
  }

  #edit() {
    this.open = true;
    this.node.dataset.state = "asking";
    this.input = this.#field();
    this.says = el("span", { class: "muted says", role: "status" });
    const make = (text, kind, click) => el("button", { type: "button", class: kind, text, on: { click } });
    const more = this.extra.map((one) => make(one.text(), "", () => this.#save(one.value)));
    this.yes = make(t("frame_save"), "primary", () => this.#read((value) => this.#save(value)));
    this.node.replaceChildren(this.says, this.input, this.yes, ...more, make(t("cancel"), "", () => this.#cancel()));
    if (this.check) this.input.addEventListener("input", () => this.#checkSoon());
    this.input.focus();
    this.input.select?.();
  }

  #field() {
    const shared = { class: "box", "aria-label": this.label() };
    if (!this.choices) return el("input", { ...shared, type: "text", value: this.now(), autocomplete: "off", spellcheck: "false" });
    const select = el("select", shared, ...this.choices.map((value) => el("option", { value, text: value })));
    select.value = this.now();
    return select;
  }

  #cancel() {
    clearTimeout(this.timer);
    this.#rest();
    this.node.querySelector("button").focus();
  }

  // What would come of it is told while one writes, a moment after the last key.
  #checkSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#read((value) => this.check(value).then((sentence) => this.#say(sentence, false), (error) => this.#say(error.message, true))), 250);
  }

  #read(then) {
    try {
      then(this.read(this.input.value));
    } catch (error) {
      this.#say(error.message, true);
    }
  }

  #say(sentence, wrong) {
    this.says.textContent = sentence;
    this.says.className = wrong ? "refused says" : "muted says";
    if (wrong) this.input.setAttribute("aria-invalid", "true");
    else this.input.removeAttribute("aria-invalid");
  }

  async #save(value) {
    clearTimeout(this.timer);
    this.#say(t("sent"), false);
    try {
      await this.save(value);
      this.#cancel();
    } catch (error) {
      if (this.open) this.#say(error.message, true);
    }
  }

  #key(event) {
    if (!this.open) return;
    if (event.key === "Escape") this.#cancel();
    else if (event.key === "Enter" && event.target === this.input) this.yes.click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
