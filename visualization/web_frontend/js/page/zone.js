// The zone in which the page shows times: the reader's own, UTC, or the exchange's. Its name always stands beside them.

import * as format from "/shared/format.js";
import { t } from "/shared/texts.js";

const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
const CHOICES = ["local", "UTC", "exchange"];

export class Zone {
  constructor(store) {
    this.store = store;
    this.known = "";
    document.addEventListener("click", (event) => event.target.closest("#zone") && this.next());
    for (const topic of ["selected", "active", "appearance", "ready", "config", "instruments"]) store.on(topic, () => this.#look());
    this.#look();
  }

  /** The IANA name of the zone to show times in. */
  current() {
    return this.#of(this.store.config.zone);
  }

  /** The next choice whose zone is another one than the present. */
  next() {
    const at = CHOICES.indexOf(this.store.config.zone);
    const others = CHOICES.map((_, step) => CHOICES[(at + 1 + step) % CHOICES.length]);
    this.choose(others.find((choice) => this.#of(choice) !== this.current()) ?? others[0]);
  }

  /** Choose "local", "UTC" or "exchange". */
  choose(zone) {
    this.store.changeConfig({ zone });
  }

  #of(choice) {
    return choice === "UTC" ? "UTC" : choice === "exchange" ? this.store.terms(this.store.name).timezone || "UTC" : HERE;
  }

  #look() {
    const zone = this.current();
    for (const node of document.querySelectorAll("#zone, #tape-zone")) {
      if (node.textContent !== format.zoneName(zone)) node.textContent = format.zoneName(zone);
      node.title = t(node.id === "zone" ? "zone" : "zone_of", zone);
      if (node.id === "zone") node.setAttribute("aria-label", node.title);
    }
    if (zone === this.known) return;
    this.known = zone;
    this.store.tell("zone", zone);
  }
}
