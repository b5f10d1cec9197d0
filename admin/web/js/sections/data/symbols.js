// What is stored: every series with its rows and times. A chosen one shows its gaps; each can be deleted.

import { AskButton } from "/shared/ask.js";
import { page, remove } from "/shared/rest.js";
import { t, wordOf } from "/shared/texts.js";
import { field, tablePanel } from "../../frame/parts.js";
import { count } from "../../frame/units.js";
import { Gaps } from "./gaps.js";

const EVERY = 5; // rounds

export class SymbolsPart {
  constructor(section) {
    this.section = section;
    this.rows = [];
    const { zone } = section.desk;
    const columns = [
      { key: "symbol", head: "symbol", text: (row) => row.symbol },
      { key: "venue", head: "da_venue", text: (row) => row.venue },
      { key: "kind", head: "da_kind", text: (row) => wordOf("kind", row.kind) },
      { key: "period", head: "period", text: (row) => row.period || "–" },
      { key: "rows", head: "da_rows", number: true, text: (row) => `${row.exact ? "" : "~"}${count(row.rows)}` },
      { key: "first_ns", head: "da_first", text: (row) => zone.moment(row.first_ns) },
      { key: "last_ns", head: "da_last", text: (row) => zone.moment(row.last_ns) },
      { key: "act", head: "", act: true, wide: true, node: (row) => this.#delete(row), mark: () => "" },
    ];
    const empty = () => t(this.find.input.value ? "da_none_of_these" : "da_nothing");
    const part = tablePanel("da_stored", { columns, key: keyOf, empty, choose: (row) => this.#choose(row) });
    Object.assign(this, { node: part.node, table: part.table });
    this.find = field(t("da_find"), "search", { placeholder: "BTC", "data-find": "" });
    this.find.input.addEventListener("input", () => this.#draw());
    part.tools.append(this.find.node);
    this.gaps = new Gaps(zone, () => this.#choose(null));
    this.node.append(this.gaps.node);
    this.source = section.source(
      (signal) => page("/data/symbols", { signal, query: { limit: 1000 } }),
      ({ rows }) => {
        this.rows = rows;
        this.#draw();
      },
      (...why) => this.table.fail(...why),
      EVERY,
    );
  }

  #draw() {
    const word = this.find.input.value.trim().toLowerCase();
    this.table.show(word ? this.rows.filter((row) => `${row.symbol}@${row.venue} ${row.kind}`.toLowerCase().includes(word)) : this.rows);
  }

  #choose(row) {
    const same = row && this.table.chosen === keyOf(row);
    this.table.mark(row && !same ? keyOf(row) : null);
    this.gaps.of(same ? null : row);
  }

  #delete(row) {
    const { symbol, venue, kind, period } = row;
    const what = `${symbol}@${venue} ${[kind, period].filter(Boolean).join(" ")}`;
    return new AskButton({
      text: () => t("da_delete"),
      label: () => `${t("da_delete")} ${what}`,
      question: () => t("da_ask_delete", count(row.rows), what),
      danger: true,
      run: () => remove("/data", { query: { symbol, venue, kind, period } }).then(() => this.section.again(this.source)),
    }).node;
  }
}

const keyOf = (row) => [row.symbol, row.venue, row.kind, row.period, row.basis].join("|");
