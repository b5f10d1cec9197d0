"""`Recording`: messages of a real venue, played again as a market's life instead of the seeded crowd.

Understood are the files of the project's data folder: `TIME JSON` and `TIME: JSON` lines of Binance's combined streams (depth, trade,
aggTrade) and of OKX's channels (books, trades). Levels and trades are the recorded ones; a client's order is filled when a recorded trade
or level passes its price.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from fakes.market import Market
from fakes.orders import BUY, SELL
from fakes.terms import Terms, spot, swap

LINE = re.compile(r"^(\d+\.?\d*):? (\{.*)$")
QUOTES = ("USDT", "USDC", "USD", "BTC", "ETH", "EUR")
Change = tuple[int, Decimal, Decimal]  # side, price, quantity
Step = tuple[float, list[Change], list[Change]]  # time in seconds, levels, trades by their taker's side


class Recording:
    """All that a file says, by symbol."""

    def __init__(self, path: Path, futures: bool = False) -> None:
        self.steps: dict[str, list[Step]] = {}
        self._futures = futures
        last = ""
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
            for line in lines:
                found = LINE.match(line)
                if found is None:
                    continue
                at = float(found[1]) / (1e9 if len(found[1].partition(".")[0]) > 12 else 1)
                symbol, levels, trades = read(json.loads(found[2]), last, futures)
                last = symbol or last
                if symbol and (levels or trades):
                    self.steps.setdefault(symbol, []).append((at, levels, trades))

    def terms(self, symbol: str) -> Terms:
        """Return an instrument's terms with the steps that the recorded numbers have."""
        changes = [one for _, levels, trades in self.steps[symbol] for one in (*levels, *trades)]
        tick, lot = step(one[1] for one in changes), step(one[2] for one in changes)
        base, quote = symbol.partition(":")[0].split("/")
        made = swap if ":" in symbol else spot
        return made(base, quote, tick, lot, str(changes[0][1]))


class Replay:
    """Plays one symbol of a recording into a market, and again from the start when it is over."""

    def __init__(self, steps: list[Step], market: Market, speed: float = 1.0) -> None:
        self._steps, self._market, self._speed = steps, market, speed
        self._next, self._began_ms = 0, 0

    def step(self) -> None:
        """Do all that is due."""
        market = self._market
        if not self._began_ms:
            self._began_ms = market.now_ms
        passed = (market.now_ms - self._began_ms) / 1000 * self._speed
        while self._next < len(self._steps) and self._steps[self._next][0] - self._steps[0][0] <= passed:
            _, levels, trades = self._steps[self._next]
            self._next += 1
            for side, price, quantity in trades:
                market.report(side, self._ticks(price), self._lots(quantity))
            for side, price, quantity in levels:
                market.show(side, self._ticks(price), self._lots(quantity))
        if self._next == len(self._steps):
            self._next = self._began_ms = 0

    def _ticks(self, price: Decimal) -> int:
        return round(price / self._market.terms.tick)

    def _lots(self, quantity: Decimal) -> int:
        return round(quantity / self._market.terms.lot)


def read(message: dict[str, Any], last: str, futures: bool) -> tuple[str, list[Change], list[Change]]:
    """Return a message's symbol, levels and trades; a bare snapshot belongs to the symbol before it."""
    if "arg" in message:
        return read_okx(message)
    if "lastUpdateId" in message:
        return last, [*side_of(BUY, message["bids"]), *side_of(SELL, message["asks"])], []
    data = message.get("data")
    if not isinstance(data, dict) or "s" not in data:
        return "", [], []
    symbol = unified(str(data["s"]), futures)
    if data.get("e") == "depthUpdate":
        return symbol, [*side_of(BUY, data["b"]), *side_of(SELL, data["a"])], []
    if data.get("e") in ("trade", "aggTrade"):
        return symbol, [], [(SELL if data["m"] else BUY, Decimal(data["p"]), Decimal(data["q"]))]
    return symbol, [], []


def read_okx(message: dict[str, Any]) -> tuple[str, list[Change], list[Change]]:
    """Return the same for a message of OKX."""
    channel, parts = message["arg"]["channel"], str(message["arg"].get("instId", "")).split("-")
    symbol = f"{parts[0]}/{parts[1]}:{parts[1]}" if len(parts) == 3 else "/".join(parts)
    levels: list[Change] = []
    trades: list[Change] = []
    for item in message.get("data", []):
        if channel == "books":
            levels += [*side_of(BUY, item["bids"]), *side_of(SELL, item["asks"])]
        elif channel == "trades":
            trades.append((BUY if item["side"] == "buy" else SELL, Decimal(item["px"]), Decimal(item["sz"])))
    return symbol, levels, trades


def side_of(side: int, levels: list[list[str]]) -> Iterator[Change]:
    """Yield a side's levels."""
    for level in levels:
        yield side, Decimal(level[0]), Decimal(level[1])


def unified(name: str, futures: bool) -> str:
    """Return "BTC/USDT" for "BTCUSDT", "BTC/USDT:USDT" among futures."""
    quote = next((one for one in QUOTES if name.endswith(one)), name[-3:])
    return f"{name.removesuffix(quote)}/{quote}" + (f":{quote}" if futures else "")


def step(numbers: Iterator[Decimal]) -> str:
    """Return the power of ten that all numbers are multiples of."""
    places = max((max(0, -int(one.normalize().as_tuple().exponent)) for one in numbers if one), default=0)
    return f"{Decimal(1).scaleb(-places):f}"
