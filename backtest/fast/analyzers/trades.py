"""`TradeAnalyzer.notify_trade` without its dotted names: each of them looks for an attribute first, and then for a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import backtrader as bt
from backtrader.utils.py3 import MAXINT

__all__ = ["trade_analysis"]

CLOSED = bt.Trade.Closed
RESULTS = ("won", "lost")


def trade_analysis(one: Any) -> Callable[[Any], None]:
    """Return what does as `one.notify_trade`, for a TradeAnalyzer `one`."""
    stock = one.notify_trade

    def heard(trade: Any) -> None:
        found = one.rets
        total = found["total"]
        if not trade.justopened:
            if trade.status == CLOSED:
                # The first trade, and the first that is closed, make the keys, which no two kinds of results share: Backtrader's way.
                _count(found, trade) if "closed" in total else stock(trade)
        elif "open" in total:
            total["total"] += 1
            total["open"] += 1
        else:
            stock(trade)

    return heard


def _count(found: Any, trade: Any) -> None:
    profit, bars = trade.pnlcomm, trade.barlen
    won = int(profit >= 0.0)
    hits = (won, int(not won))
    sides = (("long", trade.long), ("short", not trade.long))
    total = found["total"]
    total["open"] -= 1
    total["closed"] = closed = total["closed"] + 1
    _streaks(found["streak"], hits)
    for name, amount in (("gross", trade.pnl), ("net", profit)):
        part = found["pnl"][name]
        part["total"] = whole = part["total"] + amount
        part["average"] = whole / closed
    for name, hit in zip(RESULTS, hits):
        part = found[name]
        part["total"] = count = part["total"] + hit
        _profit(part["pnl"], profit * hit, count, name)
    for side, taken in sides:
        part = found[side]
        part["total"] = count = part["total"] + taken
        pnl = part["pnl"]
        pnl["total"] = whole = pnl["total"] + profit * taken
        pnl["average"] = whole / (count or 1.0)
        for name, hit in zip(RESULTS, hits):
            part[name] = count = part[name] + hit * taken
            _profit(pnl[name], profit * hit * taken, count, name)
    _lengths(found, bars, closed, hits, sides)


def _streaks(streak: Any, hits: tuple[int, int]) -> None:
    for name, hit in zip(RESULTS, hits):
        part = streak[name]
        part["current"] = current = part["current"] * hit + hit
        part["longest"] = max(part["longest"] or 0, current)


def _profit(part: Any, amount: Any, count: Any, name: str) -> None:
    part["total"] = whole = part["total"] + amount
    part["average"] = whole / (count or 1.0)
    most = part["max"] or 0.0
    part["max"] = max(most, amount) if name == "won" else min(most, amount)


def _lengths(found: Any, bars: int, closed: int, hits: tuple[int, int], sides: tuple[tuple[str, Any], ...]) -> None:
    lengths = found["len"]
    lengths["total"] = whole = lengths["total"] + bars
    lengths["average"] = whole / closed
    lengths["max"] = max(lengths["max"] or 0, bars)
    lengths["min"] = min(lengths["min"] or MAXINT, bars)
    for name, hit in zip(RESULTS, hits):
        part, count = lengths[name], bars * hit
        part["total"] = whole = part["total"] + count
        part["average"] = whole / (found[name]["total"] or 1.0)
        part["max"] = max(part["max"] or 0, count)
        if count:
            part["min"] = min(part.get("min") or MAXINT, count)
    for side, taken in sides:
        part, count = lengths[side], bars * taken
        _length(part, count, found[side]["total"])
        for name, hit in zip(RESULTS, hits):
            _length(part[name], bars * taken * hit, found[side][name])


def _length(part: Any, bars: int, count: Any) -> None:
    part["total"] = whole = part["total"] + bars
    part["average"] = whole / (count or 1.0)
    part["max"] = max(part["max"] or 0, bars)
    least = part["min"] or MAXINT
    part["min"] = min(least, bars or least)
