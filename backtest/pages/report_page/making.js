// The market makers' measures: a row a measure, a column the whole run and one each symbol.

import { byId, el } from "./page.js";

/** Show the section if resting orders were filled. */
export function drawMaking({ making }) {
  if (!making) return;
  const head = el("tr", {}, el("th", { scope: "col", class: "left", text: "" }), ...making.columns.map((name) => el("th", { scope: "col", text: name })));
  const bodies = Object.entries(making.groups).map(([group, rows]) => {
    const title = el("tr", { class: "group" }, el("th", { scope: "rowgroup", colspan: making.columns.length + 1, text: group }));
    return el("tbody", {}, title, ...rows.map(([name, ...cells]) => el("tr", {}, el("th", { scope: "row", text: name }), ...cells.map((text) => el("td", { text })))));
  });
  const terms = [
    "Spreads are half-spreads from the maker's side, of fills of resting orders: realised is what a fill has kept a while later, adverse what the market took of it;",
    "together they are the half-spread at the fill (Huang & Stoll 1996), up to fills of which the later mid is not known.",
    "The profit from the spread is that of all fills against the mid; the inventory's is the rest before fees.",
  ];
  byId("making").querySelector("table").replaceChildren(el("thead", {}, head), ...bodies);
  byId("making").append(el("p", { class: "muted", text: terms.join(" ") }));
  byId("making").hidden = false;
}
