// The chain of an event: what led to it and what came of it.

import { el, setText } from "/shared/dom.js";
import { get } from "/shared/rest.js";
import { t } from "/shared/texts.js";
import { tablePanel } from "../../frame/parts.js";
import { place } from "./events.js";
import { eventFields, eventPath, summary } from "./event_text.js";

export class ChainPart {
  constructor(section) {
    this.section = section;
    const { zone } = section.desk;
    const columns = [
      { key: "time_ns", head: "time", text: (row) => zone.time(row.time_ns) },
      { key: "seq", head: "event", node: (row) => place(row.lane, row.seq), mark: (row) => eventPath(row.lane, row.seq) },
      { key: "event", head: "jo_type", text: (row) => row.event },
      { key: "source", head: "jo_source", text: (row) => row.source },
      { key: "summary", head: "text", line: true, value: summary, text: summary },
    ];
    const part = tablePanel("jo_chain_of_event", { columns, key: (row) => eventPath(row.lane, row.seq), empty: () => t("jo_no_chain"), detail: (row, node) => node ?? el("pre", { text: JSON.stringify(eventFields(row), null, 1) }) });
    Object.assign(this, { node: part.node, table: part.table, title: part.heading.firstChild });
    part.tools.append(el("a", { href: "#journal", class: "quiet", text: t("close") }));
    this.node.hidden = true;
  }

  /** Show the chain of the event at "market/17", or nothing for "". */
  async of(path) {
    this.path = path;
    this.node.hidden = !path;
    if (!path) return;
    setText(this.title, t("jo_chain", path.replace("/", " #")));
    this.table.loading();
    try {
      const rows = await get(`/chain/${path}`);
      if (this.path === path) this.table.show(rows);
    } catch (error) {
      if (this.path === path) this.table.fail(error.message, () => this.of(path));
    }
  }
}
