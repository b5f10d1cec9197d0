"""Recorded messages of real venues, played again by the fakes."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from fakes.clients import drive
from fakes.market import Market
from fakes.orders import BUY, SELL, Order
from fakes.process import FakeVenue
from fakes.recording import Change, Recording, Replay
from fakes.terms import spot

pytest.importorskip("ccxt")


def test_a_recorded_day_is_heard_again(shared_data: Path) -> None:
    """The fake's trades are the recorded ones, in their order, and its book is theirs."""
    path = shared_data / "crypto/BTCUSDT_binance_spot_raw_20240808.txt.gz"
    with FakeVenue("binance", "--recording", str(path), "--speed", "50", "--step-ms", "20") as venue:
        with connect(f"ws://127.0.0.1:{venue.port}/ws/btcusdt@trade", close_timeout=0.1) as stream:
            heard = [json.loads(stream.recv(20)) for _ in range(50)]
        wanted = [trade for _, _, trades in Recording(path).steps["BTC/USDT"] for trade in trades][:50]
        assert [(float(one["p"]), float(one["q"])) for one in heard] == [(float(price), float(amount)) for _, price, amount in wanted]

        async def steps(exchange: Any) -> None:
            book = await exchange.fetch_order_book("BTC/USDT")
            assert 61_000 < book["bids"][0][0] < book["asks"][0][0] < 62_500

        drive("binance", venue.port, steps)


@pytest.mark.parametrize(("name", "symbol"), [("raw/BINANCE.ws.1.0", "NKN/USDT"), ("raw/OKX.ws.1.0", "UNI/USD:USD")])
def test_what_is_not_listed_gets_the_recorded_steps(shared_data: Path, name: str, symbol: str) -> None:
    """Tick and lot are those that all recorded numbers are multiples of."""
    recording = Recording(shared_data / f"{name}.txt.gz")
    terms = recording.terms(symbol)
    for _, levels, trades in recording.steps[symbol]:
        for _, price, amount in (*levels, *trades):
            assert terms.ticks(price) is not None
            assert terms.lots(amount) is not None


def test_a_clients_order_is_filled_by_recorded_trades_and_levels() -> None:
    """A trade at the order's price or beyond fills it, and so does a level that would cross it."""
    market = Market(spot("BTC", "USDT", "1", "1", "100"), "1", 0)
    now = int(time.time() * 1000)

    def one(side: int, price: int, amount: int) -> Change:
        return side, Decimal(price), Decimal(amount)

    market.crowd = Replay(
        [(0.0, [one(BUY, 90, 5), one(SELL, 110, 5)], []), (1.0, [], [one(SELL, 95, 3)]), (2.0, [one(SELL, 93, 4)], [])], market
    )
    market.step(now)
    order = Order(1, "me", "BTC/USDT", BUY, "limit", 8, 95)
    market.book.add(BUY, 95, 8, order)
    market.step(now + 1500)
    assert [(trade.ticks, trade.lots) for trade, _ in market.done] == [(95, 3)]
    order.filled = 3
    market.step(now + 2500)
    assert [(trade.ticks, trade.lots) for trade, _ in market.done][1:] == [(95, 4)]
    assert market.book.best(SELL) == 110
    assert market.book.lots(BUY, 95) == 1
