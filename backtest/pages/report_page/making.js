// The market makers' measures: of one symbol groups beside each other, of several a table with a column for the whole run and one each symbol.

import { byId, el, group } from "./page.js";

/** Show the section if resting orders were filled. */
export function drawMaking({ making }) {
  if (!making) return;
  const place = byId("making");
  const groups = Object.entries(making.groups);
  if (making.columns.length === 1) place.append(el("div", { id: "making-groups" }, ...groups.map(([name, rows]) => group(name, rows))));
  else place.append(el("div", { class: "wide" }, table(making.columns, groups)));
  const terms = [
    "Spreads are half-spreads from the maker's side, of fills of resting orders: realised is what a fill has kept a while later, adverse what the market took of it;",
    "together they are the half-spread at the fill (Huang & Stoll 1996), up to fills of which the later mid is not known.",
    "The profit from the spread is that of all fills against the mid; the inventory's is the rest before fees.",
  ];
  place.append(el("p", { class: "muted terms", text: terms.join(" ") }));
  place.hidden = false;
}

function table(columns, groups) {
  const head = el("tr", {}, el("th", { scope: "col", class: "left", text: "" }), ...columns.map((name) => el("th", { scope: "col", text: name })));
  const bodies = groups.map(([name, rows]) => {
    const title = el("tr", { class: "group" }, el("th", { scope: "rowgroup", colspan: columns.length + 1, text: name }));
    return el("tbody", {}, title, ...rows.map(([label, ...cells]) => el("tr", {}, el("th", { scope: "row", text: label }), ...cells.map((text) => el("td", { text })))));
  });
  return el("table", {}, el("thead", {}, head), ...bodies);
}
