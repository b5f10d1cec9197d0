"""The chart page's server: from the bus to the pages, a million bars, indicators, and the page's own work per frame.

    make bench ARGS=benchmarks/page.py             all of it, about two minutes
    python benchmarks/page.py --only latency       one part (--list names them)
    python benchmarks/page.py --quick --no-peers   a smoke test; its figures say little
    python benchmarks/page.py --markdown           the tables of the README

What it measures: 20 symbols tick 200 times a second each, with depth ten times a second; websocket clients in a process of their own
(each with four charts of two indicators, and a book) note how old each quote is when it has come, and how old when the next one
replaces it: what a reader sees is between the two. Beside it a plain websocket server that reads the same bus and sends every tick as
JSON to the same clients, without candles, indicators, throttling or panes. Opening a chart: a SQLite file with a million minutes, asked
by a client over the socket. Indicators: the nine of ours after a tick of the newest of 1,500 bars; beside them pandas computing the
same over the same columns. Figures are medians and 95th percentiles. A regression of the first means that prices are seen later; of the
second that a chart stays empty longer. It does not show a network, nor what the browser draws (that is `frame`).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

# `make bench` installs the peers here, so that what they depend on does not replace what the project is tested with.
sys.path.append(str(Path(__file__).resolve().parents[1] / ".venv" / "peers"))

from measures import machine
from measures.page_clients import child
from measures.page_market import tick_until_told
from measures.page_parts import PARTS
from measures.rows import Plan, bus_folder

PEERS = ["websockets", "pandas", "ta-lib", "uvicorn"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short: whether everything works, not how fast")
    parser.add_argument("--no-peers", action="store_true", help="ours alone")
    parser.add_argument("--only", metavar="PART", action="append", choices=list(PARTS), help="only this part; may be given again")
    parser.add_argument("--markdown", action="store_true", help="as tables for the README")
    parser.add_argument("--list", action="store_true", help="name the parts")
    parser.add_argument("--child", nargs=3, metavar=("URL", "CLIENTS", "SECONDS"), help="be the process of the clients")
    parser.add_argument("--ticks", metavar="FOLDER", help="be the process that publishes")
    options = parser.parse_args()
    if options.ticks:
        tick_until_told(Path(options.ticks))
        return
    if options.child:
        url, clients, seconds = options.child
        child(url, int(clients), float(seconds))
        return
    if options.list:
        print("\n".join(f"{name:12} {title}" for name, (title, _) in PARTS.items()))
        return
    plan = Plan(quick=options.quick, peers=not options.no_peers)
    with bus_folder() as folder:
        about = [machine.describe(folder), machine.versions(PEERS)]
    command = " ".join(["python", "benchmarks/page.py", *sys.argv[1:]])
    print(f"`{command}`: {'; '.join(about)}." if options.markdown else "\n".join([command, *about]))
    for name in options.only or PARTS:
        title, part = PARTS[name]
        print(f"\n| {title} | measured | target |\n|---|---|---|" if options.markdown else title, flush=True)
        for row in part(plan):
            print(row.markdown() if options.markdown else row.plain(), flush=True)


if __name__ == "__main__":
    main()
