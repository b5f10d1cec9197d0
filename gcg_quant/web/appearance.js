// Theme, language, and which colour is up: the server's settings first, the reader's own choice (kept in the browser) over them.

import { byId } from "/shared/dom.js";
import { setLanguage, t, translatePage } from "/shared/texts.js";

const THEMES = ["dark", "light", "system"];
const TOKENS = ["panel", "raised", "line", "text", "muted", "faint", "accent", "up", "down", "mark", "up-text", "down-text", ...[1, 2, 3, 4, 5, 6].map((at) => `study-${at}`)];
const root = document.documentElement;
const systemLight = matchMedia("(prefers-color-scheme: light)");

function kept(name) {
  try {
    return localStorage.getItem(`gcg.${name}`);
  } catch {
    return null; // a browser that forbids storage
  }
}

function keep(name, value) {
  try {
    localStorage.setItem(`gcg.${name}`, value);
  } catch {
    root.dataset.storage = "none";
  }
}

export class Appearance {
  /** `store` is told of "theme" and "language" changes. */
  constructor(store) {
    this.store = store;
    this.theme = kept("theme") ?? root.dataset.theme;
    this.language = kept("language") ?? root.lang;
    this.upIsRed = root.dataset.up === "red";
    systemLight.addEventListener("change", () => this.theme === "system" && this.#apply());
    byId("theme").addEventListener("click", () => this.nextTheme());
    byId("language").addEventListener("click", () => this.nextLanguage());
    this.#apply();
  }

  /** Take the server's settings where the reader has chosen nothing. */
  adopt(settings) {
    if (!kept("theme")) this.theme = settings.theme;
    if (!kept("language")) this.language = settings.language;
    this.upIsRed = settings.up_is_red || this.language === "zh";
    this.#apply();
  }

  /** Take over a page's configuration, and keep it in the browser too, so that the next load begins with it. */
  follow({ theme, language, up_is_red: upIsRed, colours: own = {} }) {
    keep("theme", theme);
    keep("language", language);
    keep("colours", JSON.stringify(own));
    const red = upIsRed ?? language === "zh";
    if (theme === this.theme && language === this.language && red === this.upIsRed && JSON.stringify(own) === this.own) return;
    Object.assign(this, { theme, language, upIsRed: red, own: JSON.stringify(own) });
    paint(own);
    this.#apply();
  }

  /** dark -> light -> as the system -> dark. */
  nextTheme() {
    this.setTheme(THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length]);
  }

  /** Choose a theme and keep it. */
  setTheme(theme) {
    this.theme = theme;
    keep("theme", theme);
    this.#apply();
    this.store.tell("chosen", { theme });
  }

  /** English <-> Chinese. */
  nextLanguage() {
    const own = this.upIsRed !== (this.language === "zh"); // chosen apart from the language
    this.language = this.language === "zh" ? "en" : "zh";
    if (!own) this.upIsRed = this.language === "zh";
    keep("language", this.language);
    this.#apply();
    this.store.tell("chosen", { language: this.language });
  }

  #apply() {
    const system = systemLight.matches ? "light" : "dark";
    root.dataset.theme = this.theme === "system" ? system : this.theme;
    root.lang = this.language === "zh" ? "zh" : "en";
    root.dataset.up = this.upIsRed ? "red" : "green";
    setLanguage(this.language);
    translatePage();
    byId("language").textContent = t("language");
    const theme = byId("theme");
    theme.textContent = { dark: "◐", light: "◑", system: "◎" }[this.theme];
    theme.title = t("theme", t(this.theme));
    theme.setAttribute("aria-label", theme.title);
    this.store.tell("appearance", this);
  }
}

// The reader's own colours take the place of the tokens'.
function paint({ up, down, accent }) {
  for (const [token, colour] of Object.entries({ up, "up-text": up, down, "down-text": down, accent })) {
    if (colour) root.style.setProperty(`--${token}`, colour);
    else root.style.removeProperty(`--${token}`);
  }
}

/** The colours of the present theme by token name, for the canvas. */
export function colours() {
  const style = getComputedStyle(root);
  return Object.fromEntries(TOKENS.map((name) => [name.replace("-", "_"), style.getPropertyValue(`--${name}`).trim()]));
}
