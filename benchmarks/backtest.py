"""Backtests beside stock Backtrader, vnpy_ctastrategy, backtesting.py and nautilus_trader: every figure with its target.

    make bench ARGS=benchmarks/backtest.py            all of it, about a quarter of an hour
    python benchmarks/backtest.py --only crossover    one part (--list names them)
    python benchmarks/backtest.py --quick --no-peers  a smoke test, about a minute; its figures say little
    python benchmarks/backtest.py --markdown          the table of the README

What it measures: the same strategy class on the same bars under `bt.Cerebro` and under `EventDrivenCerebro`, each run in a process of its
own, whose largest memory is told; the orders, the value and the cash of both must be the same to the last bit. Peers run the same crossover
through their own interface, and only their orders are counted. Figures are medians of several processes, of fewer where they take long.
Nothing here shows a strategy that computes much itself: what the user's own Python takes, no engine can save.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

# `make bench` installs the peers here, so that what they depend on does not replace what the project is tested with.
sys.path.append(str(Path(__file__).resolve().parents[1] / ".venv" / "peers"))

from measures import machine
from measures.backtest_parts import PARTS
from measures.backtests import child
from measures.rows import Plan, bus_folder

PEERS = ["backtrader", "vnpy", "vnpy_ctastrategy", "backtesting", "nautilus_trader"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few bars: whether everything works, not how fast")
    parser.add_argument("--no-peers", action="store_true", help="stock Backtrader and ours alone")
    parser.add_argument("--only", metavar="PART", action="append", choices=list(PARTS), help="only this part; may be given again")
    parser.add_argument("--markdown", action="store_true", help="as a table for the README")
    parser.add_argument("--list", action="store_true", help="name the parts")
    parser.add_argument("--child", nargs=3, metavar=("ENGINE", "SCENE", "BARS"), help="be the process of one run")
    options = parser.parse_args()
    if options.child:
        child(options.child[0], options.child[1], int(options.child[2]))
        return
    if options.list:
        print("\n".join(f"{name:12} {title}" for name, (title, _) in PARTS.items()))
        return
    plan = Plan(quick=options.quick, peers=not options.no_peers)
    with bus_folder() as folder:
        about = [machine.describe(folder), machine.versions(PEERS if plan.peers else PEERS[:1])]
    command = " ".join(["python", "benchmarks/backtest.py", *sys.argv[1:]])
    print(f"`{command}`: {'; '.join(about)}.\n" if options.markdown else "\n".join([command, *about]))
    if options.markdown:
        print("| | measured | target |\n|---|---|---|")
    for name in options.only or PARTS:
        title, part = PARTS[name]
        print(f"| **{title}** | | |" if options.markdown else title, flush=True)
        for row in part(plan):
            print(row.markdown() if options.markdown else row.plain(), flush=True)


if __name__ == "__main__":
    main()
