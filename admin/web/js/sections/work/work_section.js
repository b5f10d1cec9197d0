// A section whose view is one of the chart page's: it asks for what it shows by itself while it is in view.

import "/shared/table.js"; // for its texts
import { el } from "/shared/dom.js";
import { t } from "/shared/texts.js";
import { Section } from "../../frame/section.js";

export class WorkSection extends Section {
  /** `load()` resolves to the view's class, which gets `options` beside zone and tools. */
  constructor(desk, name, load, options = {}) {
    super(desk, name);
    Object.assign(this, { load, options });
    this.node.classList.add("fill");
    this.place = el("div", { class: "work-place" }, el("div", { class: "message", data: { state: "loading" }, text: t("table_loading") }));
    this.node.append(this.place);
    this.shown = false;
  }

  async show(words) {
    super.show(words);
    this.shown = true;
    await (this.loading ??= this.#make());
    if (this.shown) this.view?.show?.();
  }

  hide() {
    this.shown = false;
    this.view?.hide?.();
  }

  async #make() {
    try {
      const View = await this.load();
      this.place.replaceChildren();
      this.tools.replaceChildren();
      this.view = new View(this.place, { zone: () => this.desk.zone.current(), tools: this.tools, ...this.options });
    } catch (error) {
      this.loading = null;
      console.warn(error);
      const retry = el("button", { type: "button", text: t("retry"), on: { click: () => this.show(this.words) } });
      this.place.replaceChildren(el("div", { class: "message" }, el("span", { text: t("frame_not_loaded", error.message) }), retry));
    }
  }
}
