"""Live collectors of crypto exchanges: messages a second from a websocket onto the bus, beside ccxt.pro and cryptofeed.

    make bench ARGS=benchmarks/collectors.py                      all of it, about a minute
    python benchmarks/collectors.py --only binance                one part (--list names them)
    python benchmarks/collectors.py --quick                       a smoke test; its figures say little
    python benchmarks/collectors.py --markdown                    the table of the README

Recorded messages (of ../shared/data, else made up in the same shapes) go through a websocket on loopback as fast as they are taken. Figures
are messages a second of processor time of the reading process, sockets included. A regression means that something is done for each message
that was done for many. It does not show a network, or encryption.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

# `make bench` installs cryptofeed here.
sys.path.append(str(Path(__file__).resolve().parents[1] / ".venv" / "peers"))

from measures import crypto_streams, machine
from measures.rows import Plan, bus_folder

PARTS = {
    "parsing": ("Messages -> arrays of records, without a socket", crypto_streams.parsing),
    "binance": ("Binance: trades, quotes and books of BTC/USDT, websocket -> bus", crypto_streams.binance),
    "okx": ("OKX: trades, tickers and books of three instruments, websocket -> bus", crypto_streams.okx),
}
PEERS = ["ccxt", "cryptofeed", "aiohttp", "websockets", "msgspec"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few messages: whether everything works, not how fast")
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
    command = " ".join(["python", "benchmarks/collectors.py", *sys.argv[1:]])
    data = Path(__file__).resolve().parents[2] / "shared" / "data"
    about.append("recorded messages" if crypto_streams.recorded(data) else "made-up messages")
    print(f"`{command}`: {'; '.join(about)}.\n" if options.markdown else "\n".join([command, *about]))
    if options.markdown:
        print("| | measured | target |\n|---|---|---|")
    for name in options.only or PARTS:
        title, part = PARTS[name]
        print(f"| **{title}** | | |" if options.markdown else title, flush=True)
        for row in part(plan, data):
            print(row.markdown() if options.markdown else row.plain(), flush=True)


if __name__ == "__main__":
    main()
