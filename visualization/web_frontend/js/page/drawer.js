// The drawer below the charts: tabs, each with a view of its own. Whoever has a view adds it with addTab.

import { byId, el, oncePerFrame, setText } from "/shared/dom.js";
import * as format from "/shared/format.js";
import { t } from "/shared/texts.js";

const ORDER = ["strategies", "orders", "positions", "fills", "accounts", "backtests", "log"]; // further ones stand before the last

export class Drawer {
  /** `zone` names the zone of times. */
  constructor(store, zone) {
    Object.assign(this, { store, zone });
    this.views = new Map(); // name -> { name, textKey, mount, count, node, button, view }
    this.tab = store.config.drawer.tab;
    this.draw = oncePerFrame(() => this.#draw());
    this.bar = byId("drawer-tabs");
    this.bar.addEventListener("keydown", (event) => this.#key(event));
    for (const topic of ["strategies", "orders", "positions", "fills", "accounts", "log", "instruments", "appearance", "zone", "selected"]) store.on(topic, this.draw);
    store.on("ready", () => this.#begin());
  }

  /**
   * Add a tab with a view of its own, or replace the one of that name. `mount(node, store)` is called when it is opened first and returns
   * { show(), hide() }; `count(store)` is the small text beside the tab's name.
   */
  addTab({ name, textKey = name, mount, count = () => "" }) {
    const before = this.views.get(name);
    before?.view?.hide?.();
    before?.node.remove();
    const node = el("div", { class: "drawer-view", id: `view-${name}`, role: "tabpanel", "aria-labelledby": `tab-${name}`, hidden: true });
    const options = { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": node.id, data: { tab: name }, on: { click: () => this.show(name) } };
    const button = el("button", options, el("span"), el("span", { class: "count" }));
    byId("drawer-panel").append(node);
    this.views.set(name, { name, textKey, mount, count, node, button, view: null });
    if (this.open === before) this.open = null;
    this.bar.replaceChildren(...this.names().map((one) => this.views.get(one).button));
    this.#draw();
  }

  /** The names of the tabs in their order. */
  names() {
    const place = (name) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length - 1.5);
    return [...this.views.keys()].sort((a, b) => place(a) - place(b));
  }

  /** Open a tab, and the drawer if it is folded. */
  show(name) {
    this.tab = name;
    if (this.store.config.drawer.tab !== name) this.store.changeConfig({ drawer: { tab: name } });
    this.store.tell("unfold", name);
    this.#draw();
    this.views.get(name)?.button.scrollIntoView({ block: "nearest", inline: "nearest" }); // on a narrow screen the tabs scroll
  }

  // What the server keeps counts once: another page's choice of a tab is not ours.
  #begin() {
    if (!this.begun) this.tab = this.store.config.drawer.tab;
    this.begun = true;
    this.#draw();
  }

  #draw() {
    const wanted = this.views.get(this.tab) ?? (this.store.ready ? this.views.get(this.names()[0]) : null);
    if (!wanted) return;
    for (const one of this.views.values()) {
      setText(one.button.firstChild, t(one.textKey));
      setText(one.button.lastChild, this.store.ready ? one.count(this.store) : "");
      one.button.setAttribute("aria-selected", String(one === wanted));
      one.button.tabIndex = one === wanted ? 0 : -1;
      one.node.hidden = one !== wanted;
    }
    const zone = this.zone.current();
    setText(byId("drawer-zone"), format.zoneName(zone));
    byId("drawer-zone").title = t("zone_of", zone);
    if (this.open === wanted) return;
    this.open?.view?.hide?.();
    this.open = wanted;
    wanted.view ??= wanted.mount(wanted.node, this.store) ?? {};
    wanted.view.show?.();
  }

  #key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const names = this.names();
    this.show(names[(names.indexOf(this.open.name) + step + names.length) % names.length]);
    this.open.button.focus();
  }
}
