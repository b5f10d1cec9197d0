"""Style and script of a sweep's report: the page's tokens, by the reader's own choice of dark or light, light on paper."""

from __future__ import annotations

__all__ = ["SCRIPT", "STYLE"]

LIGHT = "--bg:#f6f7f9;--panel:#fff;--line:#dfe4ea;--text:#1b232d;--muted:#5a6776;--accent:#1f6feb;--up:#0b8f75;--down:#cf3742"
DARK = "--bg:#0e1217;--panel:#131920;--line:#232c37;--text:#d5dce5;--muted:#8593a3;--accent:#5b9dff;--up:#2fb59b;--down:#f0616d"

# A cell is mixed up to 45 %: its number keeps a contrast of more than 4.5 in both themes.
STYLE = f"""
:root{{color-scheme:light dark;{LIGHT}}}
@media screen and (prefers-color-scheme:dark){{:root{{{DARK}}}}}
*{{box-sizing:border-box}}
body{{margin:0 auto;padding:24px;max-width:1200px;background:var(--bg);color:var(--text);
font:13px/1.5 system-ui,"Noto Sans SC","PingFang SC","Microsoft YaHei",sans-serif;font-variant-numeric:tabular-nums}}
h1{{font-size:15px;margin:0}} h2{{font-size:13px;margin:28px 0 8px}} header p,figcaption,dt,.figures span{{color:var(--muted);margin:0}}
.figures{{display:flex;flex-wrap:wrap;gap:32px;padding:16px 0;margin:12px 0;border:solid var(--line);border-width:1px 0}}
.figures div{{display:flex;flex-direction:column}} .figures b{{font-size:17px}}
figure{{margin:24px 0}} figcaption{{margin-bottom:8px}} .scroll{{overflow-x:auto}}
table{{border-collapse:collapse;background:var(--panel)}} th,td{{padding:4px 8px;text-align:right;white-space:nowrap}}
th{{font-weight:500;color:var(--muted)}} .map td{{border:1px solid var(--bg);min-width:20px;height:26px}}
.map .up{{background:color-mix(in srgb,var(--up) calc(var(--v)*45%),var(--panel))}}
.map .down{{background:color-mix(in srgb,var(--down) calc(var(--v)*45%),var(--panel))}}
.map .accent{{background:color-mix(in srgb,var(--accent) calc(var(--v)*45%),var(--panel))}}
.map .best{{outline:2px solid var(--text);outline-offset:-2px;font-weight:600}} .map .none{{color:var(--muted);text-align:center}}
.runs{{width:100%}} .runs tr+tr td,.runs tbody tr:first-child td{{border-top:1px solid var(--line)}}
button{{all:unset;cursor:pointer}} button:focus-visible{{outline:2px solid var(--accent)}}
dl{{display:grid;grid-template-columns:max-content 1fr;gap:4px 16px}} dd{{margin:0;overflow-wrap:anywhere}}
code{{font:12px ui-monospace,monospace}} li{{overflow-wrap:anywhere}}
@media print{{body{{padding:0;-webkit-print-color-adjust:exact;print-color-adjust:exact}}.scroll{{overflow:visible}}}}
"""

# A click on a column's head sorts by it; runs without a value stay last.
SCRIPT = """
for (const table of document.querySelectorAll(".runs")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.firstChild.addEventListener("click", () => {
    const down = head.ariaSort !== "descending";
    for (const one of heads) one.ariaSort = null;
    head.ariaSort = down ? "descending" : "ascending";
    const value = row => row.cells[column].dataset.v ?? row.cells[column].textContent;
    const order = (a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === "" || y === "") return (x === "") - (y === "");
      const difference = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
      return down ? -difference : difference;
    };
    table.tBodies[0].append(...[...table.tBodies[0].rows].sort(order));
  }));
}
"""
