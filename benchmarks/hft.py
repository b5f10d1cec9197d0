"""The tick engine beside vnpy's tick mode, nautilus_trader and hftbacktest: every figure with its target.

    make bench ARGS=benchmarks/hft.py            all of it, about five minutes
    python benchmarks/hft.py --only bare         one part (--list names them)
    python benchmarks/hft.py --quick --no-peers  a smoke test; its figures say little
    python benchmarks/hft.py --markdown          the tables of the README

What it measures: the same ticks through each engine's documented interface, each engine in a process of its own, several runs over the same
data of which the median is told; making and loading the data is not timed. The bare loop calls a strategy that reads two attributes of each
tick; equal work has matching, risk, account and an order each hundredth tick, and tells how many orders were sent and filled: when a
resting order is filled is each engine's own idea. A regression means that research takes longer. It does not show what a strategy's own
Python costs, which no engine can save.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

# `make bench` installs the peers here, so that what they depend on does not replace what the project is tested with.
sys.path.append(str(Path(__file__).resolve().parents[1] / ".venv" / "peers"))

from measures import machine
from measures.hft_parts import PARTS
from measures.hft_runs import child
from measures.rows import Plan, bus_folder

PEERS = ["vnpy", "vnpy_ctastrategy", "nautilus_trader", "hftbacktest", "numba"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few ticks: whether everything works, not how fast")
    parser.add_argument("--no-peers", action="store_true", help="ours alone")
    parser.add_argument("--only", metavar="PART", action="append", choices=list(PARTS), help="only this part; may be given again")
    parser.add_argument("--markdown", action="store_true", help="as tables for the README")
    parser.add_argument("--list", action="store_true", help="name the parts")
    parser.add_argument("--child", nargs=4, metavar=("ENGINE", "SCENE", "TICKS", "RUNS"), help="be the process of one engine")
    options = parser.parse_args()
    if options.child:
        engine, scene, ticks, runs = options.child
        child(engine, scene, int(ticks), int(runs))
        return
    if options.list:
        print("\n".join(f"{name:12} {title}" for name, (title, _) in PARTS.items()))
        return
    plan = Plan(quick=options.quick, peers=not options.no_peers)
    with bus_folder() as folder:
        about = [machine.describe(folder), *([machine.versions(PEERS)] if plan.peers else [])]
    command = " ".join(["python", "benchmarks/hft.py", *sys.argv[1:]])
    print(f"`{command}`: {'; '.join(about)}." if options.markdown else "\n".join([command, *about]))
    for name in options.only or PARTS:
        title, part = PARTS[name]
        print(f"\n| {title} | measured | target |\n|---|---|---|" if options.markdown else title, flush=True)
        for row in part(plan):
            print(row.markdown() if options.markdown else row.plain(), flush=True)


if __name__ == "__main__":
    main()
