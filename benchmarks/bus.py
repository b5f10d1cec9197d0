"""The bus at the limit of the machine, beside its peers: every figure with its target.

    make bench ARGS=benchmarks/bus.py                             all of it, about five minutes
    python benchmarks/bus.py --only handling                      one part (--list names them)
    python benchmarks/bus.py --quick --no-peers                   a smoke test, about 20 s; its figures say little
    python benchmarks/bus.py --markdown                           the table of the README

What it measures: the C++ journal alone (native/bench), the bus within one Python process beside other event engines, and from process
to process beside other transports. Each part says in its module (benchmarks/measures) what a regression would mean. Figures are medians
of several runs. Between processes of a virtual machine p99 shows mostly who else ran on it: compare p50 and the ratios, which come from
the same run. Nothing here shows a network, or handlers that do work.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

# `make bench` installs the peers here, so that what they depend on does not replace what the project is tested with.
sys.path.append(str(Path(__file__).resolve().parents[1] / ".venv" / "peers"))

from measures import handlers, machine, native, processes, records, transports
from measures.rows import Plan, Row, bus_folder

Part = Callable[[Plan], Iterator[Row]]

PARTS: dict[str, tuple[str, Part]] = {
    "append": ("C++: an append", functools.partial(native.part, name="append")),
    "producers": ("C++: two producers", functools.partial(native.part, name="producers")),
    "reader": ("C++: a reader process", functools.partial(native.part, name="reader")),
    "latency": ("C++: one way", functools.partial(native.part, name="latency")),
    "sync": ("C++: what syncing costs", functools.partial(native.part, name="sync")),
    "long": ("C++: a long journal", functools.partial(native.part, name="long")),
    "publishing": ("Python: publishing", records.publishing),
    "handling": ("Python: to a handler in the same process", handlers.handling),
    "filtering": ("Python: filtering", records.filtering),
    "columns": ("Python: columns", records.columns),
    "transports": ("Python process to Python process: messages/s, one way p50 / p99 / p99.9", transports.transports),
    "readers": ("Eight readers", processes.readers),
    "idle": ("Idle", processes.idle),
    "control": ("Priority", processes.control),
}
PEERS = ["pyzmq", "iceoryx2", "redis", "hiredis", "nautilus_trader", "vnpy"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few events: whether everything works, not how fast")
    parser.add_argument("--no-peers", action="store_true", help="the bus alone")
    parser.add_argument("--only", metavar="PART", action="append", choices=list(PARTS), help="only this part; may be given again")
    parser.add_argument("--markdown", action="store_true", help="as a table for the README")
    parser.add_argument("--list", action="store_true", help="name the parts")
    options = parser.parse_args()
    if options.list:
        print("\n".join(f"{name:12} {title}" for name, (title, _) in PARTS.items()))
        return
    plan = Plan(quick=options.quick, peers=not options.no_peers)
    with bus_folder() as folder:
        about = [machine.describe(folder)]
    if plan.peers:
        about.append(machine.versions(PEERS))
    command = " ".join(["python", "benchmarks/bus.py", *sys.argv[1:]])
    print(f"`{command}`: {'; '.join(about)}.\n" if options.markdown else "\n".join([command, *about]))
    if options.markdown:
        print("| | measured | target |\n|---|---|---|")
    for name in options.only or PARTS:
        title, part = PARTS[name]
        print(f"| **{title}** | | |" if options.markdown else f"{title}", flush=True)
        for row in part(plan):
            print(row.markdown() if options.markdown else row.plain(), flush=True)


if __name__ == "__main__":
    main()
