// The chain of an event: what led to it and what came of it, with the time from step to step.

import { el, setText } from "/shared/dom.js";
import * as format from "/shared/format.js";
import { get } from "/shared/rest.js";
import { t } from "/shared/texts.js";
import { tablePanel } from "../../frame/parts.js";
import { place } from "./events.js";

const MARKET = "market"; // an event of this lane is named by its number alone

export class ChainPart {
  constructor(section) {
    const { zone } = section.desk;
    const columns = [
      { key: "time_ns", head: "time", text: (row) => zone.time(row.time_ns) },
      { key: "since_ms", head: "jo_after", number: true, text: (row) => (row.since_ms === null ? "–" : `+${format.price(row.since_ms, row.since_ms < 10 ? 3 : 1)} ms`) },
      { key: "kind", head: "jo_step", text: (row) => row.kind },
      { key: "event", head: "event", node: (row) => place(...placeOf(row.event)), mark: (row) => row.event },
      { key: "text", head: "text", wide: true, text: (row) => row.text },
    ];
    const detail = (row, node) => node ?? el("pre", { text: JSON.stringify(row.facts, null, 1) });
    const part = tablePanel("jo_chain_of_event", { columns, key: (row) => row.event, empty: () => t("jo_no_chain"), detail });
    Object.assign(this, { node: part.node, table: part.table, title: part.heading.firstChild });
    part.tools.append(el("a", { href: "#journal", text: t("close") }));
    this.node.hidden = true;
  }

  /** Show the chain of the event at "market/17", or nothing for "". */
  async of(path) {
    this.path = path;
    this.node.hidden = !path;
    if (!path) return;
    const [lane, seq] = path.split("/");
    setText(this.title, t("jo_chain", `${lane} #${seq}`));
    this.table.loading();
    try {
      const steps = await get(`/chain/${lane === MARKET ? "" : `${lane}-`}${seq}`);
      if (this.path === path) this.table.show(steps);
    } catch (error) {
      if (this.path === path) this.table.fail(error.message, () => this.of(path));
    }
  }
}

// "17" or "control-17" as lane and number.
function placeOf(event) {
  const [seq, lane = MARKET] = event.split("-").reverse();
  return [lane, seq];
}
