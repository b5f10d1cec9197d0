// The studies' names in the colours of their lines, with the values under the pointer; a click on one edits it, its x removes it.

import { el, setText } from "/shared/dom.js";
import { t } from "/shared/texts.js";
import { indicatorWord } from "../texts/indicators.js";

export class StudyLegend {
  /** `placeOf(id)` is the node over which a study is drawn; `edit(indicator)` and `remove(indicator)` do what is asked. */
  constructor(placeOf, { edit, remove }) {
    Object.assign(this, { placeOf, edit, remove, displays: [], values: new Map() });
    this.lists = new Map(); // the node of a chart -> the list over it
  }

  /** Name these studies. */
  show(displays) {
    this.displays = displays;
    this.values.clear();
    const wanted = new Map();
    for (const display of displays) {
      const place = this.placeOf(display.drawn && display.place === "below" ? display.id : "");
      if (!wanted.has(place)) wanted.set(place, []);
      wanted.get(place).push(this.#entry(display));
    }
    for (const [place, list] of this.lists) {
      if (wanted.has(place)) continue;
      list.remove();
      this.lists.delete(place);
    }
    for (const [place, entries] of wanted) {
      if (!this.lists.has(place)) {
        this.lists.set(place, el("ul", { class: "studies", "aria-label": t("indicators") }));
        place.append(this.lists.get(place));
      }
      this.lists.get(place).replaceChildren(...entries);
    }
  }

  /** Write the values at the index of a bar. */
  at(index) {
    for (const display of this.displays) {
      for (const line of display.lines) {
        const node = this.values.get(line.id);
        if (node) setText(node, line.write(line.values[index]));
      }
    }
  }

  #entry(display) {
    const item = el("li", { class: display.hidden ? "hidden-study" : "" });
    const [first] = display.lines;
    const name = el(display.indicator ? "button" : "span", { class: "name", text: display.title, data: { study: display.id } });
    name.style.color = first?.colours ? "" : (first?.colour ?? "");
    if (display.indicator) {
      name.type = "button";
      name.title = t("edit_indicator", display.title);
      name.addEventListener("click", () => this.edit(display.indicator));
    }
    item.append(name);
    const label = t("remove_indicator", display.title);
    // Before the values, whose width changes with the pointer: it stays where one aims at it.
    if (display.indicator) item.append(el("button", { type: "button", class: "away", text: "×", "aria-label": label, title: label, on: { click: () => this.remove(display.indicator) } }));
    if (display.error || display.crowded) item.append(el("span", { class: "fault", text: display.error || t("too_many_below") }));
    else if (!display.hidden) item.append(...display.shapes.map((one) => this.#part(one)), ...display.lines.map((line) => this.#value(line, display.lines.length > 1)));
    return item;
  }

  #part({ name, colour }) {
    const node = el("span", { text: indicatorWord(name) });
    node.style.color = colour;
    return node;
  }

  #value(line, named) {
    const node = el("b", { title: named ? line.name : null });
    node.style.color = line.colours ? "" : line.colour;
    this.values.set(line.id, node);
    return node;
  }
}
