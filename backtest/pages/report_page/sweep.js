// The report of a sweep is written already: here are its theme, and a table that sorts by the column that is clicked.

import { Theme } from "./page.js";

new Theme(() => {});

// Runs without a value stay last.
for (const table of document.querySelectorAll(".runs")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.firstChild.addEventListener("click", () => {
    const down = head.ariaSort !== "descending";
    for (const one of heads) one.ariaSort = null;
    head.ariaSort = down ? "descending" : "ascending";
    const value = (row) => row.cells[column].dataset.v ?? row.cells[column].textContent;
    const order = (a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === "" || y === "") return (x === "") - (y === "");
      const difference = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
      return down ? -difference : difference;
    };
    table.tBodies[0].append(...[...table.tBodies[0].rows].sort(order));
  }));
}
