// The lanes at a glance.

import { get } from "/shared/rest.js";
import { t } from "/shared/texts.js";
import { pill, tablePanel } from "../../frame/parts.js";
import { bytes, count, rate } from "../../frame/units.js";

export class LanesPart {
  constructor(section) {
    const { zone } = section.desk;
    const columns = [
      { key: "lane", head: "jo_lane", text: (row) => row.lane },
      { key: "events", head: "jo_events", number: true, value: events, text: (row) => count(events(row)) },
      { key: "first_seq", head: "jo_first", number: true, text: (row) => count(row.first_seq) },
      { key: "end_seq", head: "jo_last", number: true, text: (row) => count(row.end_seq - 1) },
      { key: "recent", head: "jo_rate", number: true, value: perSecond, text: (row) => rate(perSecond(row)) },
      { key: "used_bytes", head: "jo_used", number: true, text: (row) => bytes(row.used_bytes) },
      { key: "file_bytes", head: "jo_files", number: true, text: (row) => bytes(row.file_bytes) },
      { key: "pages", head: "jo_pages", number: true, text: (row) => count(row.pages) },
      { key: "epochs", head: "jo_epochs", number: true, value: (row) => row.epochs.length, text: (row) => count(row.epochs.at(-1)?.number ?? 0), hint: (row) => row.epochs.map((one) => zone.moment(one.first_ns)).join(", ") },
      { key: "first_ns", head: "jo_since", text: (row) => zone.time(row.first_ns) },
      { key: "last_ns", head: "jo_newest", text: (row) => zone.time(row.last_ns) },
      { key: "damage", head: "state", state: true, node: (row) => pill(row.damage.length ? "damaged" : "ok", row.damage.join(" "), t(row.damage.length ? "jo_damaged" : "jo_whole")), mark: (row) => row.damage.join() },
    ];
    const part = tablePanel("jo_lanes", { columns, key: (row) => row.lane, empty: () => t("jo_no_lanes") });
    this.node = part.node;
    section.source(
      (signal) => get("/journal/inspect", { signal }),
      (rows) => part.table.show(rows),
      (...why) => part.table.fail(...why),
      2,
    );
  }
}

const events = (row) => row.end_seq - row.first_seq;
const perSecond = (row) => (row.recent_s ? row.recent / row.recent_s : 0);
