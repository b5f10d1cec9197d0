// The sizes of panels: the drawer's grip and fold, and on a narrow screen the tabs that choose what stands below the chart.

import { byId, el } from "/shared/dom.js";
import { t } from "/shared/texts.js";

const FOLDED = 37; // the bar alone
const LEAST = 96;
const NARROW = { watch: "watch_list", book: "depth", drawer: "drawer" };
const PANELS = Object.keys(NARROW);
const narrow = matchMedia("(max-width: 899px)"); // as in narrow.css

export class Panels {
  constructor(store) {
    this.store = store;
    this.height = 208;
    this.folded = false;
    this.#grip(byId("drawer-grip"));
    byId("drawer-fold").addEventListener("click", () => this.#fold(!this.folded));
    byId("narrow-tabs").append(...PANELS.map((panel) => this.#tab(panel)));
    byId("narrow-tabs").addEventListener("keydown", (event) => this.#key(event));
    narrow.addEventListener("change", () => this.#roles());
    this.#roles();
    this.choose("watch");
    this.#show(false);
    store.on("appearance", () => this.#names());
    store.on("unfold", () => this.folded && this.#fold(false));
    store.on("ready", () => this.#begin());
    this.#names();
  }

  // What the server keeps counts once: another page's sizes are not ours.
  #begin() {
    if (this.begun) return;
    this.begun = true;
    const { height, folded } = this.store.config.drawer;
    this.height = height;
    this.#show(folded);
  }

  #grip(grip) {
    grip.addEventListener("pointerdown", (event) => grip.setPointerCapture(event.pointerId));
    grip.addEventListener("lostpointercapture", () => this.#keep());
    grip.addEventListener("pointermove", (event) => grip.hasPointerCapture(event.pointerId) && this.#resize(innerHeight - event.clientY));
    grip.addEventListener("keydown", (event) => {
      const step = { ArrowUp: 24, ArrowDown: -24 }[event.key];
      if (!step) return;
      event.preventDefault();
      this.#resize(this.height + step);
      this.#keep();
    });
  }

  #resize(height) {
    this.height = Math.round(Math.max(LEAST, Math.min(height, innerHeight - 300)));
    this.#show(false);
  }

  #fold(folded) {
    this.#show(folded);
    this.#keep();
  }

  #keep() {
    this.store.changeConfig({ drawer: { height: this.height, folded: this.folded } });
  }

  #show(folded) {
    this.folded = folded;
    const height = Math.min(this.height, Math.max(LEAST, innerHeight - 300));
    document.documentElement.style.setProperty("--drawer", `${folded ? FOLDED : height}px`);
    document.body.dataset.folded = folded;
    const [grip, most] = [byId("drawer-grip"), Math.max(LEAST, innerHeight - 300)];
    for (const [name, value] of Object.entries({ now: folded ? FOLDED : height, min: FOLDED, max: most })) grip.setAttribute(`aria-value${name}`, value);
    this.#names();
  }

  #tab(panel) {
    const options = { type: "button", role: "tab", id: `narrow-tab-${panel}`, "aria-controls": `${panel}-panel`, data: { panel } };
    return el("button", { ...options, on: { click: () => this.choose(panel) } });
  }

  // On a wide screen all panels stand side by side: none is behind a tab.
  #roles() {
    for (const panel of PANELS) {
      const set = (name, value) => (narrow.matches ? byId(`${panel}-panel`).setAttribute(name, value) : byId(`${panel}-panel`).removeAttribute(name));
      set("role", "tabpanel");
      set("aria-labelledby", `narrow-tab-${panel}`);
      if (panel === "book") set("tabindex", "0"); // nothing in it takes the focus, and it scrolls
    }
  }

  #key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = PANELS[(PANELS.indexOf(document.body.dataset.panel) + step + PANELS.length) % PANELS.length];
    this.choose(next);
    byId(`narrow-tab-${next}`).focus();
  }

  /** On a narrow screen, show this panel below the chart: "watch", "book" or "drawer". */
  choose(panel) {
    document.body.dataset.panel = panel;
    for (const tab of byId("narrow-tabs").children) {
      tab.setAttribute("aria-selected", String(tab.dataset.panel === panel));
      tab.tabIndex = tab.dataset.panel === panel ? 0 : -1;
    }
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
