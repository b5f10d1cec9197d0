"""What goes through Redis: the cache beside a plain redis-py pipeline, each on a redis-server of its own.

    make bench ARGS=benchmarks/with_redis.py                      all of it, about a minute
    python benchmarks/with_redis.py --only cache                  one part (--list names them)
    python benchmarks/with_redis.py --quick                       a smoke test; its figures say little
    python benchmarks/with_redis.py --markdown                    the table of the docs

Each part says in its module (benchmarks/measures) what a regression would mean. Nothing here shows a network: the server listens on a
Unix socket of this machine. The file is not called redis.py, as Python would take it for the library.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

# `make bench` installs hiredis here; redis-py takes its C parser where it finds it.
sys.path.append(str(Path(__file__).resolve().parents[1] / ".venv" / "peers"))

from measures import bridge, cache, machine
from measures.rows import Plan, Row, bus_folder

Part = Callable[[Plan], Iterator[Row]]

PARTS: dict[str, tuple[str, Part]] = {
    "cache": ("RedisManager: the cache", cache.cache),
    "bridge": ("RedisBridge: from one host's bus to another's", bridge.bridge),
}
PEERS = ["redis", "hiredis"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few events: whether everything works, not how fast")
    parser.add_argument("--only", metavar="PART", action="append", choices=list(PARTS), help="only this part; may be given again")
    parser.add_argument("--markdown", action="store_true", help="as a table for the docs")
    parser.add_argument("--list", action="store_true", help="name the parts")
    options = parser.parse_args()
    if options.list:
        print("\n".join(f"{name:12} {title}" for name, (title, _) in PARTS.items()))
        return
    plan = Plan(quick=options.quick)
    with bus_folder() as folder:
        about = [machine.describe(folder), machine.versions(PEERS)]
    command = " ".join(["python", "benchmarks/with_redis.py", *sys.argv[1:]])
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
