// A place that waits for an answer: a word while it does, and one sentence with another try if it does not come.

import { el } from "/shared/dom.js";
import { t } from "/shared/texts.js";

/** Run `ask`, which fills the place; return whether it did. */
export async function waiting(place, ask) {
  place.replaceChildren(el("p", { class: "message", role: "status", text: t("w_loading_data") }));
  place.setAttribute("aria-busy", "true");
  try {
    await ask();
    return true;
  } catch (error) {
    const again = el("button", { type: "button", text: t("retry"), on: { click: () => waiting(place, ask) } });
    place.replaceChildren(el("div", { class: "message", role: "alert" }, el("span", { text: error.message }), again));
    return false;
  } finally {
    place.removeAttribute("aria-busy");
  }
}
