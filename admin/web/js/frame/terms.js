// How prices and quantities of an instrument are written; asked for once a minute by the sections that show them.

import { get } from "/shared/rest.js";
import * as format from "/shared/format.js";
import { plain } from "./units.js";

const ROUNDS = 60;

export class Terms {
  constructor() {
    this.byName = new Map();
  }

  /** Let a section ask for the instruments; those that are not known are written with the decimals that they need. */
  askIn(section) {
    section.source(
      (signal) => get("/symbols", { signal }),
      (rows) => {
        const first = !this.byName.size;
        this.byName = new Map(rows.map((row) => [row.name, row]));
        if (first) section.again(); // what is written already may have other decimals
      },
      () => {},
      ROUNDS,
    );
  }

  /** A price of a row with symbol and venue. */
  price(row, value) {
    const terms = this.byName.get(`${row.symbol}@${row.venue}`);
    return terms ? format.price(value, terms.decimals) : plain(value);
  }

  /** An average of prices: a few decimals more would only be noise. */
  average(row, value) {
    const terms = this.byName.get(`${row.symbol}@${row.venue}`);
    return format.price(value, terms?.decimals ?? 2);
  }
}
