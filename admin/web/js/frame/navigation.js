// The sections at the left (on a phone a bar on top); the address' hash says which one is open: #risk, #journal/market/17.

import { byId, el, setText } from "/shared/dom.js";
import { t } from "/shared/texts.js";

export const SECTIONS = ["overview", "strategies", "backtests", "orders", "risk", "data", "settings", "log", "alerts", "journal"];
const NEW_GROUP = "data"; // a line stands before it

export class Navigation {
  constructor(desk) {
    this.desk = desk;
    this.section = null; // the open one
    this.opened = new Map(); // name -> section, once it was opened
    this.links = SECTIONS.map((name) => el("a", { href: `#${name}`, class: name === NEW_GROUP ? "later" : "", data: { section: name } }, el("span"), el("span", { class: "count" })));
    byId("sections").append(...this.links);
    addEventListener("hashchange", () => this.#open(true));
    for (const topic of ["status", "alerts"]) desk.on(topic, () => this.#counts());
    desk.on("appearance", () => this.#language());
    desk.on("zone", () => this.#anew());
    this.#language();
  }

  /** Open a section by its place in the list. */
  go(index) {
    if (SECTIONS[index]) location.hash = SECTIONS[index];
  }

  // Another language: every section is made anew in it; another theme changes nothing here.
  #language() {
    const { lang } = document.documentElement;
    if (this.language === lang) return;
    this.language = lang;
    for (const link of this.links) setText(link.firstChild, t(`nav_${link.dataset.section}`));
    this.#counts();
    this.#anew();
  }

  #anew() {
    this.section?.hide();
    this.section = null;
    this.opened.clear();
    this.#open(false);
  }

  async #open(moved) {
    const [name, ...words] = decodeURIComponent(location.hash.slice(1)).split("/");
    const wanted = SECTIONS.includes(name) ? name : SECTIONS[0];
    for (const link of this.links) {
      if (link.dataset.section === wanted) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    this.#reveal(wanted);
    document.title = `${t(`nav_${wanted}`)} · gcg_quant`;
    this.wanted = wanted;
    const language = this.language;
    if (!this.opened.has(wanted)) {
      const made = await make(wanted, this.desk, () => this.#open(false));
      if (this.wanted !== wanted || this.language !== language || this.opened.has(wanted)) return;
      if (made.section) this.opened.set(wanted, made.section);
      else return this.#put(made.node, null);
    }
    const section = this.opened.get(wanted);
    if (this.section !== section) this.section?.hide();
    this.#put(section.node, section);
    section.show(words);
    if (moved) byId("main").focus({ preventScroll: true });
    this.desk.soon();
  }

  #put(node, section) {
    this.section = section;
    if (byId("main").firstChild !== node) byId("main").replaceChildren(node);
    byId("main").dataset.section = this.wanted;
    byId("main").scrollTop = 0;
  }

  #counts() {
    const { status, alerts } = this.desk;
    const unread = alerts?.filter((alert) => !alert.acknowledged).length ?? 0;
    this.#count("alerts", unread, "bad");
    this.#count("orders", status?.open_orders ?? 0);
    this.#count("strategies", Object.values(status?.strategies ?? {}).filter((state) => state === "running").length);
  }

  #count(name, number, kind = "") {
    const node = this.links.find((link) => link.dataset.section === name).lastChild;
    const before = node.offsetWidth;
    setText(node, number ? String(number) : "");
    node.className = `count ${kind}`;
    if (node.offsetWidth !== before) this.#reveal(this.wanted); // on a phone the bar is scrolled, and has become wider
  }

  #reveal(name) {
    this.links.find((link) => link.dataset.section === name)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

// A section's module is loaded when it is first opened; one that cannot be loaded says so, and can be tried again.
async function make(name, desk, retry) {
  try {
    const module = await import(`../sections/${name}.js`);
    return { section: new module.default(desk) };
  } catch (error) {
    console.warn(error);
    const again = el("button", { type: "button", text: t("retry"), on: { click: retry } });
    return { node: el("div", { class: "message" }, el("span", { text: t("frame_not_loaded", error.message) }), again) };
  }
}
