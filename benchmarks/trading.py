"""What trading costs: the risk check alone, from a request to the gateway's call, and from a tick to it across processes.

    make bench ARGS=benchmarks/trading.py             all of it, about two minutes
    python benchmarks/trading.py --only request       one part: check, request or across
    python benchmarks/trading.py --quick              a smoke test; its figures say little
    python benchmarks/trading.py --markdown           the table of the README

What it measures: the check in C++ with every rule on (native/bench/risk.cpp); the engine's way from a request to `gateway.submit`, with
every rule on and each step published to a journal; and, in the running demo, from a tick on the bus to the command that it led to, through
the collector's, the strategies' and the trading process. A command is published just before the gateway is called.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable, Iterator

from measures import machine, native, orders
from measures.rows import Plan, Row, bus_folder

PARTS: dict[str, Callable[[Plan], Iterator[Row]]] = {
    "check": functools.partial(native.part, name="check"),
    "request": orders.request,
    "across": orders.across,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few orders: whether everything works, not how fast")
    parser.add_argument("--only", metavar="PART", action="append", choices=list(PARTS), help="only this part; may be given again")
    parser.add_argument("--markdown", action="store_true", help="as a table for the README")
    options = parser.parse_args()
    with bus_folder() as folder:
        about = machine.describe(folder)
    command = " ".join(["python", "benchmarks/trading.py", *sys.argv[1:]])
    print(f"`{command}`: {about}.\n\n| | measured | target |\n|---|---|---|" if options.markdown else f"{command}\n{about}")
    for name in options.only or PARTS:
        for row in PARTS[name](Plan(quick=options.quick)):
            print(row.markdown() if options.markdown else row.plain(), flush=True)


if __name__ == "__main__":
    main()
