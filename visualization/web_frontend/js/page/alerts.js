// What a person should look at, in the top bar: how many alerts wait, and whether an account is halted. It leads to the admin page.

import { byId, setText } from "/shared/dom.js";
import { t } from "/shared/texts.js";

export class Alerts {
  constructor(store) {
    for (const topic of ["attention", "appearance"]) store.on(topic, () => this.#draw(store.attention));
    this.#draw(store.attention);
  }

  #draw({ alerts, critical, newest, halted }) {
    const node = byId("alerts");
    node.hidden = !alerts && !halted.length;
    node.dataset.level = critical || halted.length ? "critical" : "warning";
    const words = halted.length ? t("accounts_halted", halted.join(", ")) : t("alerts_waiting", alerts);
    setText(node, `⚠ ${halted.length ? t("is_halted") : alerts}`);
    node.setAttribute("aria-label", words);
    node.href = halted.length ? "/admin#accounts" : "/admin#alerts";
    node.title = [words, halted.length ? t("accounts_halted_help") : "", newest].filter(Boolean).join(" · ");
  }
}
