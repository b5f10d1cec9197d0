"""market_maker: over a minute of BTCUSDT's book its fills are those of a plain loop; empty books, silence, inventory, refusals."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.events import AccountEvent, ConfigChangeEvent, Depth, Event, GapEvent, Side, TradeTick
from gcg_quant.instruments import Instrument

COIN = Instrument(symbol="BTC/USDT", venue="SIM", tick_size=0.01, lot_size=0.00001)
ROUND = Instrument(symbol="BTC/USDT", venue="SIM", tick_size=1.0, lot_size=0.01)
PLACE = {"symbol": "BTC/USDT", "venue": "SIM"}
SIZE, EDGE, SKEW, MOST, REQUOTE = 0.01, 0.004, 0.5, 3, 20


def recorded(path: Path, seconds: float) -> Iterator[tuple[str, int, Any]]:
    """Yield ("depth", time, (bids, asks)) of five levels and ("trade", time, (price, size)) of a recording's beginning."""
    bids: dict[float, float] = {}
    asks: dict[float, float] = {}
    first = last = 0
    with gzip.open(path, "rt") as file:
        for line in file:
            at, message = int(line[:19]), json.loads(line[20:])
            first = first or at
            if at > first + seconds * 1e9:
                return
            data = message.get("data", message)
            if "lastUpdateId" in data:
                last = data["lastUpdateId"]
                bids, asks = ({float(p): float(q) for p, q in data[side]} for side in ("bids", "asks"))
            elif data.get("e") == "depthUpdate" and last and data["u"] > last:
                for side, rows in ((bids, data["b"]), (asks, data["a"])):
                    for price, size in rows:
                        side[float(price)] = float(size)
                        if not float(size):
                            del side[float(price)]
                yield "depth", at, (sorted(bids.items(), reverse=True)[:5], sorted(asks.items())[:5])
            elif data.get("e") == "trade" and last:
                yield "trade", at, (float(data["p"]), float(data["q"]))


def event(kind: str, at: int, data: Any) -> Event:
    """Return a row as an event."""
    if kind == "trade":
        return TradeTick(**PLACE, event_ns=at, price=data[0], size=data[1])
    columns = {
        f"{name}_{what}": [row[n] for row in rows] for name, rows in zip(("bid", "ask"), data) for n, what in enumerate(("prices", "sizes"))
    }
    return Depth(**PLACE, event_ns=at, levels=5, **columns)


class PlainMaker:
    """The rule, and a venue where a quote is behind everybody else, as plainly as can be."""

    def __init__(self) -> None:
        self.quotes: dict[int, list[float]] = {}  # side: [price, what is left]
        self.held = 0.0
        self.fills: list[tuple[int, float, float]] = []

    def trade(self, price: float, size: float) -> None:
        """Fill the quote that a trade goes through."""
        for side, (at, _) in list(self.quotes.items()):
            if (at - price) * side > 0:
                self.fill(side, size)

    def fill(self, side: int, size: float) -> None:
        """Take up to a size from a quote."""
        taken = min(size, self.quotes[side][1])
        if taken > 0:
            self.fills.append((side, round(taken, 9), self.quotes[side][0]))
            self.held += side * taken
            self.quotes[side][1] = round(self.quotes[side][1] - taken, 9)
            if not self.quotes[side][1]:
                del self.quotes[side]

    def book(self, bids: Any, asks: Any) -> None:
        """Fill what the other side has come to, then quote: as the strategy saw it before these fills."""
        held, standing = self.held, {side: quote[0] for side, quote in self.quotes.items()}
        for side, others in ((1, asks), (-1, bids)):
            for price, size in others:
                if side in self.quotes and (self.quotes[side][0] - price) * side >= 0:
                    self.fill(side, size)
        (bid, bid_size), (ask, ask_size) = bids[0], asks[0]
        fair = (bid * ask_size + ask * bid_size) / (bid_size + ask_size)
        edge = fair * EDGE / 100
        middle = fair - edge * SKEW * held / (MOST * SIZE)
        prices = {
            1: min(math.floor(round((middle - edge) * 100, 6)), round(ask * 100) - 1) / 100,
            -1: max(math.ceil(round((middle + edge) * 100, 6)), round(bid * 100) + 1) / 100,
        }
        for side, price in prices.items():
            allowed = held * side + SIZE <= MOST * SIZE + 1e-9
            if side not in standing:
                if allowed:
                    self.quotes[side] = [price, SIZE]
            elif not allowed or abs(standing[side] - price) > (REQUOTE - 0.5) * 0.01:
                self.quotes.pop(side, None)


def test_fills_over_a_real_book_are_those_of_a_plain_loop(shared_data: Path, floor: Any) -> None:
    """Every fill and the position in the end are equal."""
    maker = PlainMaker()
    desk = floor("market_maker", COIN, quantity=SIZE, edge_percent=EDGE, skew=SKEW, max_inventory=MOST, requote_ticks=REQUOTE)
    for kind, at, data in recorded(shared_data / "crypto" / "BTCUSDT_binance_spot_raw_20240808.txt.gz", 60):
        desk.say(event(kind, at, data))
        (maker.trade if kind == "trade" else maker.book)(*data)
    assert [(1 if side == Side.BUY else -1, size, price) for side, size, price in desk.fills()] == [
        pytest.approx(one) for one in maker.fills
    ]
    assert desk.held() == pytest.approx(maker.held)
    assert desk.refusals() == []
    assert (len(maker.fills), maker.fills[0], maker.fills[-1]) == (113, (1, 0.00021, 61835.16), (1, 0.00973, 61840.91))
    assert maker.held == pytest.approx(0)
    assert -sum(side * size * price for side, size, price in maker.fills) == pytest.approx(-0.7789)
    assert desk.told(AccountEvent)[-1].equity == pytest.approx(10_000_000 - 0.7789)


BOOK = ([(99.0, 5.0), (98.0, 5.0)], [(101.0, 5.0), (102.0, 5.0)])


def quotes(desk: Any) -> dict[str, tuple[float, float]]:
    """Return (price, quantity) of the quotes that stand, by tag."""
    return {one.tag: (one.price, one.quantity) for one in desk.working()}


def test_one_quote_a_side_stands_and_stays(floor: Any) -> None:
    """Both sides are quoted about the fair price; while it hardly moves nothing is sent."""
    desk = floor("market_maker", ROUND, edge_percent=1)
    desk.depth(*BOOK)
    assert quotes(desk) == {"bid": (99.0, 0.01), "ask": (101.0, 0.01)}
    desk.depth([(99.0, 6.0)], [(101.0, 5.0)])
    assert len(desk.requests()) == 2
    for _ in range(2):
        desk.depth([(100.0, 5.0)], [(110.0, 5.0)])
    assert quotes(desk) == {"bid": (103.0, 0.01), "ask": (107.0, 0.01)}
    assert (len(desk.requests()), desk.cancels()) == (4, 2)


@pytest.mark.parametrize("book", [([], []), ([], BOOK[1]), (BOOK[0], []), ([(102.0, 1.0)], [(101.0, 1.0)]), ([(99.0, 0.0)], BOOK[1])])
def test_book_that_is_not_whole_has_no_quotes(book: Any, floor: Any) -> None:
    """Nobody on a side, or both sides crossed: the quotes are taken away, and come back with the book."""
    desk = floor("market_maker", ROUND, edge_percent=1)
    desk.depth(*BOOK)
    desk.depth(*book)
    assert quotes(desk) == {}
    assert desk.state() == ("running", "")
    desk.depth(*BOOK)
    assert set(quotes(desk)) == {"bid", "ask"}


def test_gap_and_silence_take_the_quotes_away(floor: Any) -> None:
    """After a gap, and after some seconds without a book, nothing is quoted."""
    desk = floor("market_maker", ROUND, edge_percent=1, stale_seconds=3)
    desk.depth(*BOOK)
    desk.say(GapEvent(**PLACE, kind="disconnect", start_ns=desk.now_ns, end_ns=desk.now_ns))
    assert quotes(desk) == {}
    desk.depth(*BOOK)
    assert len(quotes(desk)) == 2
    desk.now_ns += 5_000_000_000
    desk.quote(99, 101)
    assert quotes(desk) == {}


def test_inventory_moves_and_ends_the_quotes(floor: Any) -> None:
    """What is held moves both quotes down, and at the bound nothing more is bought."""
    desk = floor("market_maker", ROUND, edge_percent=2, skew=1, max_inventory=1, requote_ticks=1)
    desk.depth(*BOOK)
    assert quotes(desk) == {"bid": (98.0, 0.01), "ask": (102.0, 0.01)}
    desk.say(TradeTick(**PLACE, event_ns=desk.now_ns, price=97.0, size=1.0))
    assert desk.held() == 0.01
    for _ in range(2):
        desk.depth(*BOOK)
    assert quotes(desk) == {"ask": (100.0, 0.01)}


def test_what_is_not_held_is_not_offered_on_a_spot_venue(floor: Any) -> None:
    """Without short the ask is there only once something was bought."""
    desk = floor("market_maker", ROUND, edge_percent=1, short=False)
    desk.depth(*BOOK)
    assert set(quotes(desk)) == {"bid"}
    desk.say(TradeTick(**PLACE, event_ns=desk.now_ns, price=97.0, size=1.0))
    desk.depth(*BOOK)
    assert quotes(desk)["ask"] == (101.0, 0.01)


def test_refused_quote_is_not_sent_again_at_once(floor: Any) -> None:
    """After a refusal it waits, then quotes again."""
    desk = floor("market_maker", ROUND, edge_percent=1, retry_seconds=2.5)
    desk.say(ConfigChangeEvent(revision=1, changes={"risk.max_order_quantity": 0.001}))
    desk.depth(*BOOK)
    desk.depth(*BOOK)
    assert len(desk.refusals()) == 2
    desk.say(ConfigChangeEvent(revision=2, changes={"risk.max_order_quantity": "off"}))
    for _ in range(2):
        desk.depth(*BOOK)
    assert set(quotes(desk)) == {"bid", "ask"}


def test_quotes_of_an_earlier_life_are_taken_up(floor: Any) -> None:
    """After a restart the same two quotes stand, and none is doubled."""
    desk = floor("market_maker", ROUND, edge_percent=1)
    desk.depth(*BOOK)
    desk.restart()
    desk.depth(*BOOK)
    assert len(desk.working()) == 2
    assert len(desk.requests()) == 2
