// Columns that several tables of trading share.

import * as format from "/shared/format.js";
import { t } from "/shared/texts.js";
import { plain } from "../../frame/units.js";

/** Buy or sell, with an arrow. */
export const sideColumn = { key: "side", head: "side", text: (row) => `${row.side === "sell" ? "▼" : "▲"} ${t(row.side)}`, sign: (row) => (row.side === "sell" ? "down" : "up") };

/** An amount with its sign and colour. */
export const gain = (key, head) => ({ key, head, number: true, text: (row) => format.money(row[key]), sign: (row) => format.sign(row[key], 2) });

/** An amount without either. */
export const amount = (key, head) => ({ key, head, number: true, text: (row) => format.price(row[key], 2) });

/** A quantity with as many decimals as it needs. */
export const size = (key, head) => ({ key, head, number: true, text: (row) => plain(row[key]) });
