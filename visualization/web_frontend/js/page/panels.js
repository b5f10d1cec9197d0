// The sizes of panels: the drawer's grip and fold, and on a narrow screen the tabs that choose what stands below the chart.

import { byId, el } from "/shared/dom.js";
import { t } from "/shared/texts.js";

const FOLDED = 37; // the bar alone
const LEAST = 96;
const NARROW = { watch: "watch_list", book: "depth", drawer: "drawer" };

export class Panels {
  constructor(store) {
    this.height = 208;
    this.folded = false;
    this.#grip(byId("drawer-grip"));
    byId("drawer-fold").addEventListener("click", () => this.#fold(!this.folded));
    byId("narrow-tabs").append(...Object.keys(NARROW).map((panel) => this.#tab(panel)));
    this.#choose("watch");
    store.on("appearance", () => this.#names());
    this.#names();
  }

  #grip(grip) {
    grip.addEventListener("pointerdown", (event) => grip.setPointerCapture(event.pointerId));
    grip.addEventListener("pointermove", (event) => grip.hasPointerCapture(event.pointerId) && this.#resize(innerHeight - event.clientY));
    grip.addEventListener("keydown", (event) => {
      const step = { ArrowUp: 24, ArrowDown: -24 }[event.key];
      if (!step) return;
      event.preventDefault();
      this.#resize(this.height + step);
    });
  }

  #resize(height) {
    this.height = Math.max(LEAST, Math.min(height, innerHeight - 300));
    this.#fold(false);
  }

  #fold(folded) {
    this.folded = folded;
    document.documentElement.style.setProperty("--drawer", `${folded ? FOLDED : this.height}px`);
    this.#names();
  }

  #tab(panel) {
    return el("button", { type: "button", role: "tab", "aria-controls": panel, data: { panel }, on: { click: () => this.#choose(panel) } });
  }

  #choose(panel) {
    document.body.dataset.panel = panel;
    for (const tab of byId("narrow-tabs").children) tab.setAttribute("aria-selected", String(tab.dataset.panel === panel));
  }

  #names() {
    for (const tab of byId("narrow-tabs").children) tab.textContent = t(NARROW[tab.dataset.panel]);
    const fold = byId("drawer-fold");
    fold.textContent = this.folded ? "▴" : "▾";
    fold.setAttribute("aria-expanded", String(!this.folded));
    fold.setAttribute("aria-label", t(this.folded ? "unfold" : "fold"));
    fold.title = t(this.folded ? "unfold" : "fold");
  }
}
