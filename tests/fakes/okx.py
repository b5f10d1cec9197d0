"""A fake OKX: `python tests/fakes/okx.py [--port 0] [--state FILE] ...` prints {"port": N} and serves until it is killed.

See `fakes.venue` for all options, `fakes.control` for faults, `fakes.addresses` for what to set in ccxt.
"""

from __future__ import annotations

import dataclasses
import sys
from decimal import Decimal
from pathlib import Path

if not __package__:  # run as a script
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from fakes.okx_front import OkxFront
from fakes.terms import Terms, inverse, spot, swap
from fakes.venue import run


def pair(*words: str) -> Terms:
    """Return the terms of a pair with OKX's fees and least order."""
    return dataclasses.replace(spot(*words), maker=Decimal("0.0008"), min_notional=Decimal(0))


def perpetual(*words: str) -> Terms:
    """Return the terms of a perpetual: quantities are contracts."""
    return dataclasses.replace(swap(*words), min_notional=Decimal(0))


LISTED = [
    pair("BTC", "USDT", "0.1", "0.00001", "60000"),
    pair("ETH", "USDT", "0.01", "0.0001", "3000"),
    pair("SOL", "USDT", "0.01", "0.001", "150"),
    perpetual("BTC", "USDT", "0.1", "0.01", "60000", "0.01"),
    perpetual("ETH", "USDT", "0.01", "0.01", "3000", "0.1"),
]


INVERSE = dataclasses.replace(inverse("BTC", "USD", "0.1", "1", "60000", "100"), min_notional=Decimal(0))  # with --inverse


def main(arguments: list[str] | None = None) -> None:
    """Run it."""
    words = sys.argv[1:] if arguments is None else arguments
    listed = [*LISTED, INVERSE] if "--inverse" in words else LISTED
    run("okx", listed, OkxFront, [one for one in words if one != "--inverse"])


if __name__ == "__main__":
    main()
