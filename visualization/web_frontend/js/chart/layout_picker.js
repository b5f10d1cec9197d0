// The choice of a layout: the shape of the grid, whether its charts are linked, and layouts kept by name.

import { newPane } from "../link/page_config.js";
import { el } from "/shared/dom.js";
import { t } from "/shared/texts.js";
import { Popover, choices, tick } from "./popover.js";
import { SHAPES, drawing, reshaped } from "./shapes.js";

const MOST_NAME = 40;

export class LayoutPicker {
  constructor(store, button) {
    Object.assign(this, { store, button, deleting: "", said: "" });
    this.panel = new Popover("layout-picker", () => t("layout"));
    store.on("config", () => this.panel.open && this.#draw());
  }

  toggle() {
    if (this.close()) return;
    this.deleting = this.said = "";
    this.#draw();
    this.panel.focus();
  }

  /** Close it; return whether it was open. */
  close() {
    return this.panel.close();
  }

  #draw() {
    const { layout, layouts } = this.store.config;
    const shapes = Object.keys(SHAPES).sort((a, b) => SHAPES[a] - SHAPES[b] || a.localeCompare(b));
    const options = shapes.map((value) => ({ value, node: drawing(value), label: t(`grid_${value}`) }));
    const names = Object.keys(layouts ?? {});
    this.panel.show(
      this.button,
      choices(t("grid_shape"), options, layout.grid, (shape) => this.#reshape(shape)),
      tick(t("link_charts"), layout.linked, (linked) => this.store.changeConfig({ layout: { linked } })),
      el("h3", { text: t("named_layouts") }),
      names.length ? el("ul", {}, ...names.map((name) => this.#named(name))) : el("p", { class: "muted", text: t("no_layouts") }),
      this.#save(),
    );
  }

  #reshape(shape) {
    const { config, instruments } = this.store;
    const names = config.watch ?? [...instruments.keys()];
    this.store.changeConfig({ layout: reshaped(config.layout, shape, names, newPane) });
    this.panel.node.querySelector(`[data-value="${shape}"]`)?.focus();
  }

  #named(name) {
    if (this.deleting === name) {
      const yes = el("button", { type: "button", class: "yes", text: t("yes", t("delete_it")), on: { click: () => this.store.changeConfig({ layouts: { [name]: null } }) } });
      requestAnimationFrame(() => yes.focus());
      return el("li", { class: "ask" }, el("span", { text: t("ask_delete_layout", name) }), yes, el("button", { type: "button", text: t("no"), on: { click: () => this.#ask("") } }));
    }
    const open = el("button", { type: "button", class: "open", text: name, title: t("open_layout", name), on: { click: () => this.#open(name) } });
    return el("li", {}, open, el("span", { class: "muted", text: t("chart_count", SHAPES[this.store.config.layouts[name].grid] ?? 1) }), el("button", { type: "button", class: "quiet", text: "×", "aria-label": t("delete_layout", name), title: t("delete_layout", name), on: { click: () => this.#ask(name) } }));
  }

  #ask(name) {
    this.deleting = name;
    this.#draw();
  }

  #open(name) {
    this.store.changeConfig({ layout: structuredClone(this.store.config.layouts[name]) });
    this.close();
  }

  #save() {
    const box = el("input", { type: "text", maxlength: MOST_NAME, placeholder: t("layout_name"), "aria-label": t("layout_name") });
    const save = () => {
      const name = box.value.trim();
      if (!name) {
        box.focus();
        return;
      }
      this.store.changeConfig({ layouts: { [name]: structuredClone(this.store.config.layout) } });
    };
    box.addEventListener("keydown", (event) => event.key === "Enter" && save());
    return el("div", { class: "row" }, box, el("button", { type: "button", class: "save", text: t("save"), on: { click: save } }));
  }
}
