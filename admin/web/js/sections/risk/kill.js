// The kill switch: its state, since when and by whom; switching it asks once, naming what it will do.

import { AskButton } from "/shared/ask.js";
import { el, setText } from "/shared/dom.js";
import { put } from "/shared/rest.js";
import { t } from "/shared/texts.js";
import { panel } from "../../frame/parts.js";

export class KillPart {
  constructor(section) {
    this.section = section;
    const { node, tools } = panel("kill_off");
    this.state = el("strong", { class: "kill-state" });
    this.since = el("span", { class: "muted" });
    this.effect = el("span", { class: "muted" });
    this.node = node;
    this.tools = tools;
    node.append(el("p", { class: "kill" }, this.state, this.since, this.effect));
    node.classList.add("kill-part");
    this.on = null;
  }

  show({ kill_switch: kill }) {
    setText(this.state, t(kill.on ? "rk_on" : "rk_off"));
    this.state.className = `kill-state ${kill.on ? "bad" : ""}`;
    setText(this.since, kill.since_ns ? t("rk_since", this.section.desk.zone.time(kill.since_ns), kill.origin || "–") : t("rk_never"));
    const apart = kill.accounts.join(", ");
    setText(this.effect, apart ? t("rk_effect_accounts", apart) : t(kill.on ? "rk_effect_on" : "rk_effect_off"));
    if (this.on === kill.on || this.button?.busy) return;
    this.on = kill.on;
    this.button = new AskButton({
      text: () => t(kill.on ? "rk_switch_off" : "rk_switch_on"),
      question: () => t(kill.on ? "kill_ask_off" : "kill_ask_on"),
      yes: () => t(kill.on ? "kill_yes_off" : "kill_yes_on"),
      danger: !kill.on,
      run: () => put("/risk/kill", { on: !kill.on }).then(() => this.section.again()),
    });
    this.tools.replaceChildren(this.button.node);
  }
}
