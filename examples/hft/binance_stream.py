"""A recorded stream of Binance as arrays for the tick engine: a line is the time of arrival and the exchange's message."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from gcg_quant.backtest import hft

__all__ = ["book_changes", "messages", "trades"]

NS_PER_MS = 1_000_000
COLUMNS = ("event_ns", "side", "action", "price", "size", "is_last")


def messages(path: Path) -> list[dict[str, Any]]:
    """Return the messages of a file; those of a stream lie within "data"."""
    with gzip.open(path, "rt") as lines:
        parsed = (json.loads(line[line.index("{") :]) for line in lines)
        return [message.get("data", message) for message in parsed]


def book_changes(found: list[dict[str, Any]]) -> np.ndarray:
    """Return the changes of the book, behind the snapshot that they begin with.

    Changes are numbered (U to u): those up to the snapshot's number are in it already. Each message is one moment: its last row says that
    the book is whole again.
    """
    snapshot = next(message for message in found if "lastUpdateId" in message)
    changes = [one for one in found if one.get("e") == "depthUpdate" and one["u"] > snapshot["lastUpdateId"]]
    if changes[0]["U"] > snapshot["lastUpdateId"] + 1 or any(one["U"] != before["u"] + 1 for before, one in pairwise(changes)):
        raise ValueError("Changes of the book are missing: it would not be the exchange's.")
    rows = _rows(changes[0]["E"], snapshot["bids"], snapshot["asks"], hft.BookAction.SNAPSHOT)
    for one in changes:
        rows += _rows(one["E"], one["b"], one["a"], hft.BookAction.SET)
    return hft.rows(hft.BookDelta, **dict(zip(COLUMNS, zip(*rows, strict=True), strict=True)))


def trades(found: list[dict[str, Any]]) -> np.ndarray:
    """Return the trades; "m" tells that the buyer's order was resting, so that the seller took."""
    rows = [(one["T"] * NS_PER_MS, float(one["p"]), float(one["q"]), one["m"]) for one in found if one.get("e") == "trade"]
    times, prices, sizes, sold = zip(*rows, strict=True)
    return hft.rows(hft.Trade, event_ns=times, price=prices, size=sizes, aggressor=np.where(sold, hft.Side.SELL, hft.Side.BUY))


def _rows(time_ms: int, bids: list[list[str]], asks: list[list[str]], action: hft.BookAction) -> list[tuple[Any, ...]]:
    levels = [(hft.Side.BUY, *level) for level in bids] + [(hft.Side.SELL, *level) for level in asks]
    last = len(levels) - 1
    return [(time_ms * NS_PER_MS, side, action, float(price), float(size), at == last) for at, (side, price, size) in enumerate(levels)]
