"""A fake Binance: `python tests/fakes/binance.py [--port 0] [--state FILE] ...` prints {"port": N} and serves until it is killed.

See `fakes.venue` for all options, `fakes.control` for faults, `fakes.addresses` for what to set in ccxt.
"""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:  # run as a script
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from fakes.binance_front import BinanceFront
from fakes.terms import spot, swap
from fakes.venue import run

LISTED = [
    spot("BTC", "USDT", "0.01", "0.00001", "60000"),
    spot("ETH", "USDT", "0.01", "0.0001", "3000"),
    spot("SOL", "USDT", "0.01", "0.001", "150"),
    spot("ETH", "BTC", "0.00001", "0.0001", "0.05"),
    swap("BTC", "USDT", "0.10", "0.001", "60000"),
    swap("ETH", "USDT", "0.01", "0.001", "3000"),
]


def main(arguments: list[str] | None = None) -> None:
    """Run it."""
    run("binance", LISTED, BinanceFront, arguments)


if __name__ == "__main__":
    main()
