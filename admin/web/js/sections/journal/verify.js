// Whether the journal is whole: every frame is read, which may take a while; so it is asked for by a button.

import { el } from "/shared/dom.js";
import { get } from "/shared/rest.js";
import { t } from "/shared/texts.js";
import { count } from "../../frame/units.js";

export class VerifyPart {
  constructor() {
    this.button = el("button", { type: "button", text: t("jo_verify"), on: { click: () => this.#verify() } });
    this.node = el("p", { class: "verified", role: "status", hidden: "" });
  }

  async #verify() {
    this.button.disabled = true;
    this.#say("muted", t("jo_verifying"));
    try {
      const found = await get("/journal/verify");
      const faults = [...found.damage, ...found.lost].map((one) => (typeof one === "string" ? one : JSON.stringify(one)));
      if (faults.length) this.#say("bad", t("jo_faults", faults.length, faults[0]));
      else this.#say("", t("jo_verified", count(found.events), count(found.pages)));
    } catch (error) {
      this.#say("bad", error.message);
    }
    this.button.disabled = false;
  }

  #say(kind, text) {
    this.node.hidden = false;
    this.node.className = `verified ${kind}`;
    this.node.textContent = text;
  }
}
