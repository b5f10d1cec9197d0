// The zone in which the page shows times: the reader's own, UTC, or the exchange's. Its name always stands beside them.

import { byId } from "/shared/dom.js";
import * as format from "/shared/format.js";
import { t } from "/shared/texts.js";

const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

export class Zone {
  constructor(store) {
    this.store = store;
    this.choice = 0;
    byId("zone").addEventListener("click", () => this.#next());
    for (const topic of ["selected", "appearance", "ready"]) store.on(topic, () => this.#name());
    this.#name();
  }

  /** The IANA name of the zone to show times in. */
  current() {
    return this.#choices()[this.choice % this.#choices().length];
  }

  #choices() {
    return [...new Set([HERE, "UTC", this.store.terms(this.store.name).timezone])];
  }

  #next() {
    this.choice = (this.choice + 1) % this.#choices().length;
    this.#name();
    this.store.tell("zone", this.current());
  }

  #name() {
    const zone = this.current();
    byId("zone").textContent = format.zoneName(zone);
    byId("zone").title = t("zone", zone);
    byId("zone").setAttribute("aria-label", t("zone", zone));
    byId("tape-zone").textContent = format.zoneName(zone);
  }
}
