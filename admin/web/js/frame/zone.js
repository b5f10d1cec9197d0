// The zone in which the page shows times: the reader's own or UTC. Its name stands in the top bar.

import { byId } from "/shared/dom.js";
import * as format from "/shared/format.js";
import { t } from "/shared/texts.js";
import { ms } from "./units.js";

const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
const DAY_MS = 86_400_000;

export class Zone {
  constructor(desk) {
    this.desk = desk;
    this.zones = [...new Set([HERE, "UTC"])];
    this.choice = 0;
    byId("zone").addEventListener("click", () => {
      this.choice = (this.choice + 1) % this.zones.length;
      this.#name();
      desk.tell("zone", this.current());
      desk.tell("chosen", { zone: this.current() === "UTC" ? "UTC" : "local" });
    });
    desk.on("appearance", () => this.#name());
  }

  /** Take over the choice that the server keeps. */
  follow({ zone }) {
    const choice = zone === "UTC" ? this.zones.length - 1 : 0;
    if (choice === this.choice) return;
    this.choice = choice;
    this.#name();
    this.desk.tell("zone", this.current());
  }

  /** The IANA name of the zone to show times in. */
  current() {
    return this.zones[this.choice];
  }

  /** Nanoseconds since 1970 as a time of day with milliseconds; with its date if that is not today. */
  time(ns) {
    if (!ns) return "–";
    const text = format.exactTime(ms(ns), this.current());
    return Math.abs(Date.now() - ms(ns)) < DAY_MS / 2 ? text : `${this.date(ns)} ${text}`;
  }

  /** As `time`, without milliseconds. */
  moment(ns) {
    return ns ? `${this.date(ns)} ${format.hourMinute(ms(ns), this.current())}` : "–";
  }

  /** The date of nanoseconds since 1970: 27 Nov 2026. */
  date(ns) {
    return ns ? format.date(ms(ns), this.current()) : "–";
  }

  #name() {
    byId("zone").textContent = format.zoneName(this.current());
    byId("zone").title = t("zone", this.current());
    byId("zone").setAttribute("aria-label", t("zone", this.current()));
  }
}
