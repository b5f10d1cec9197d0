"""The fake Binance's market data, seen by the real ccxt client and on the bare wire."""

from __future__ import annotations

import contextlib
import gzip
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from fakes.clients import drive
from fakes.process import FakeVenue

ccxt = pytest.importorskip("ccxt")


@pytest.fixture(scope="module")
def venue() -> Iterator[FakeVenue]:
    """Yield a fake Binance that lives fast."""
    with FakeVenue("binance", "--step-ms", "20") as made:
        yield made


@pytest.fixture(autouse=True)
def healed(venue: FakeVenue) -> Iterator[None]:
    """Leave no faults to the next test."""
    yield
    venue.do("heal")


def listen(venue: FakeVenue, streams: str) -> ClientConnection:
    """Return a combined stream."""
    return connect(f"ws://127.0.0.1:{venue.port}/stream?streams={streams}", close_timeout=0.1)


def until(stream: ClientConnection, wanted: Callable[[Any], bool]) -> Any:
    """Return the first message that is wanted."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        message = json.loads(stream.recv(15))
        if wanted(message["data"]):
            return message["data"]
    raise AssertionError("no such message came")


def test_ccxt_loads_markets_books_bars_and_trades(venue: FakeVenue) -> None:
    """Markets carry steps and limits; the book is not crossed; bars follow each other; trades have ids."""

    async def steps(exchange: Any) -> None:
        markets = await exchange.load_markets()
        assert markets["BTC/USDT"]["precision"] == {"amount": 1e-5, "price": 0.01, "base": 1e-8, "quote": 1e-8}
        assert markets["BTC/USDT"]["limits"]["cost"]["min"] == 5
        assert markets["BTC/USDT:USDT"]["linear"]
        for symbol in ("BTC/USDT", "BTC/USDT:USDT"):
            book = await exchange.fetch_order_book(symbol, 20)
            assert len(book["bids"]) == 20
            assert book["bids"][0][0] < book["asks"][0][0]
            bars = await exchange.fetch_ohlcv(symbol, "1m", limit=100)
            assert [one[0] - other[0] for other, one in pairwise(bars)] == [60_000] * 99
            assert all(low <= min(opened, close) <= max(opened, close) <= high for _, opened, high, low, close, _ in bars)
            assert [one[1] for one in bars[1:98]] == [one[4] for one in bars[:97]]
            assert (await exchange.fetch_ticker(symbol))["last"] > 0
        venue.do("step", symbol="BTC/USDT", count=50)
        trades = await exchange.fetch_trades("BTC/USDT", limit=5)
        assert [int(one["id"]) - int(trades[0]["id"]) for one in trades] == list(range(5))
        assert (await exchange.fetch_funding_rate("BTC/USDT:USDT"))["fundingRate"] == 0.0001
        rates = await exchange.fetch_funding_rate_history("BTC/USDT:USDT", limit=3)
        assert [one["timestamp"] - rates[0]["timestamp"] for one in rates] == [0, 8 * 3_600_000, 16 * 3_600_000]
        before = int(time.time() * 1000)
        assert before <= await exchange.fetch_time() <= time.time() * 1000

    drive("binance", venue.port, steps)


def test_bars_of_an_hour_are_made_of_its_minutes(venue: FakeVenue) -> None:
    """What is asked for twice is the same, and the long bars agree with the short ones."""

    async def steps(exchange: Any) -> None:
        start = int(time.time() // 3600 - 3) * 3_600_000
        hour = (await exchange.fetch_ohlcv("ETH/USDT", "1h", since=start, limit=1))[0]
        minutes = await exchange.fetch_ohlcv("ETH/USDT", "1m", since=start, limit=60)
        assert hour[1:5] == [minutes[0][1], max(one[2] for one in minutes), min(one[3] for one in minutes), minutes[-1][4]]
        assert hour[5] == pytest.approx(sum(one[5] for one in minutes))

    drive("binance", venue.port, steps)


@pytest.mark.parametrize("symbol", ["BTC/USDT", "BTC/USDT:USDT"])
def test_ccxt_watches_books_trades_tickers_and_bars(venue: FakeVenue, symbol: str) -> None:
    """The client's own sequence checks pass over many updates of spot and of futures."""

    async def steps(exchange: Any) -> None:
        nonces: set[int] = set()
        while len(nonces) < 10:
            book = await exchange.watch_order_book(symbol)
            nonces.add(book["nonce"])
            assert book["bids"][0][0] < book["asks"][0][0]
        trades = await exchange.watch_trades(symbol)
        assert trades[-1]["symbol"] == symbol
        assert (await exchange.watch_ticker(symbol))["symbol"] == symbol
        assert (await exchange.watch_bids_asks([symbol]))[symbol]["bid"] > 0
        bars = await exchange.watch_ohlcv(symbol, "1m")
        assert bars[-1][0] % 60_000 == 0
        await exchange.un_watch_order_book(symbol)

    drive("binance", venue.port, steps)


def test_a_book_kept_by_the_rules_equals_the_venues(venue: FakeVenue) -> None:
    """Snapshot and updates, put together as "How to manage a local order book correctly" says, give the venue's book."""
    with listen(venue, "ethusdt@depth@100ms") as stream:
        first = until(stream, lambda data: True)
        venue.do("pause")
        snapshot = drive("binance", venue.port, lambda exchange: exchange.publicGetDepth({"symbol": "ETHUSDT", "limit": 1000}))
        venue.do("resume")
        book = {side: {level[0]: level[1] for level in snapshot[name]} for side, name in (("b", "bids"), ("a", "asks"))}
        last = int(snapshot["lastUpdateId"])
        previous, applied = first["u"], 0
        while applied < 20:
            update = until(stream, lambda data: True)
            assert update["U"] == previous + 1
            previous = update["u"]
            if update["u"] <= last:
                continue
            applied += 1
            for side in "ba":
                for price, amount in update[side]:
                    book[side][price] = amount
                    if float(amount) == 0:
                        del book[side][price]
        venue.do("pause")
        final = drive("binance", venue.port, lambda exchange: exchange.publicGetDepth({"symbol": "ETHUSDT", "limit": 1000}))
        while previous < int(final["lastUpdateId"]):
            update = until(stream, lambda data: True)
            previous = update["u"]
            for side in "ba":
                for price, amount in update[side]:
                    book[side].pop(price, None)
                    if float(amount):
                        book[side][price] = amount
        venue.do("resume")
        assert sorted(book["b"].items()) == sorted(tuple(level) for level in final["bids"])
        assert sorted(book["a"].items()) == sorted(tuple(level) for level in final["asks"])


def recorded(folder: Path) -> dict[str, dict[str, Any]]:
    """Return one recorded message of each kind of spot and futures, by "spot:trade"."""
    found: dict[str, dict[str, Any]] = {}
    for wing, name in (
        ("spot", "raw/BINANCE.ws.1.0"),
        ("swap", "raw/BINANCE_FUTURES.ws.1.0"),
        ("spot", "crypto/BTCUSDT_binance_spot_raw_20240808"),
    ):
        with gzip.open(folder / f"{name}.txt.gz", "rt") as lines:
            for line in lines:
                at = line.find("{")
                if at < 0 or "stream" not in line[at : at + 12]:
                    continue
                data = json.loads(line[at:])["data"]
                found[f"{wing}:{data.get('e', 'bookTicker')}"] = data
    return found


def test_messages_have_the_shape_of_recorded_ones(venue: FakeVenue, shared_data: Path) -> None:
    """Each field of a recorded message is there, with a value of the same type; but for what the venue has dropped since."""
    for wing, base in (("spot", "/stream"), ("swap", "/market/stream")):
        names = ["trade", "aggTrade", "depth@100ms", "bookTicker", "kline_1m"]
        with connect(
            f"ws://127.0.0.1:{venue.port}{base}?streams={'/'.join(f'btcusdt@{name}' for name in names)}", close_timeout=0.1
        ) as stream:
            for kind, message in recorded(shared_data).items():
                if kind.startswith(wing):
                    name = kind.split(":")[1]
                    ours = until(stream, partial(is_a, name))
                    assert shape(message) <= shape(ours), kind


def is_a(name: str, message: Any) -> bool:
    """Return whether a message is of a kind."""
    return bool(message.get("e", "bookTicker") == name)


def shape(message: Any, path: str = "") -> set[str]:
    """Return the paths and types of a message."""
    if isinstance(message, dict):
        return {one for name, value in message.items() for one in shape(value, f"{path}.{name}")}
    if isinstance(message, list):
        return {f"{path}[]"}
    return {f"{path}:{type(message).__name__}"}


def test_commands_on_a_socket(venue: FakeVenue) -> None:
    """SUBSCRIBE, LIST_SUBSCRIPTIONS, UNSUBSCRIBE and properties answer by id; nonsense is answered with the venue's words."""
    with connect(f"ws://127.0.0.1:{venue.port}/ws", close_timeout=0.1) as socket:

        def say(**message: Any) -> Any:
            socket.send(json.dumps(message))
            while "e" in (answer := json.loads(socket.recv(10))) or "u" in answer:
                pass
            return answer

        assert say(method="SUBSCRIBE", params=["btcusdt@trade", "btcusdt@depth@100ms"], id=1) == {"result": None, "id": 1}
        assert say(method="LIST_SUBSCRIPTIONS", id=2)["result"] == ["btcusdt@depth@100ms", "btcusdt@trade"]
        assert say(method="GET_PROPERTY", params=["combined"], id=3)["result"] is False
        assert say(method="UNSUBSCRIBE", params=["btcusdt@trade", "btcusdt@depth@100ms"], id=4)["result"] is None
        assert say(method="LIST_SUBSCRIPTIONS", id=5)["result"] == []
        assert say(method="SUBSCRIBE", params=["btcusdt@nonsense"], id=6)["error"]["code"] == 2
        assert say(method="NONSENSE", id=7)["error"]["code"] == 2
        socket.send("{")
        assert json.loads(socket.recv(10))["error"]["code"] == 3


def test_faults_of_messages(venue: FakeVenue) -> None:
    """A gap, a double, a wrong order, a price below zero, a crossed book and rubbish come when asked for, and once."""
    with listen(venue, "solusdt@depth@100ms/solusdt@trade/solusdt@bookTicker") as stream:

        def update() -> tuple[int, int]:
            data = until(stream, lambda data: data.get("e") == "depthUpdate")
            return data["U"], data["u"]

        def steady(pairs: list[tuple[int, int]]) -> bool:
            return all(before[1] + 1 == after[0] for before, after in pairwise(pairs))

        def wrong(fault: str, pairs: list[tuple[int, int]]) -> bool:
            if fault == "duplicate":
                return len(set(pairs)) < len(pairs)
            return not steady(pairs) and (fault == "gap" or steady(sorted(pairs)))

        for fault in ("gap", "duplicate", "swap"):
            pairs = [update(), update(), update()]
            assert steady(pairs)
            venue.do(fault, symbol="SOL/USDT", channel="book")
            while not wrong(fault, pairs):
                assert len(pairs) < 100
                pairs.append(update())
        venue.do("negative", symbol="SOL/USDT", channel="trades")
        assert float(until(stream, lambda data: data.get("e") == "trade" and data["p"].startswith("-"))["p"]) < 0
        venue.do("crossed", symbol="SOL/USDT", channel="best")
        until(stream, lambda data: "A" in data and float(data["b"]) > float(data["a"]))
        before = venue.state["markets"]["SOL/USDT"]["trade_id"]
        venue.do("burst", symbol="SOL/USDT", count=500)
        until(stream, lambda data: data.get("e") == "trade" and data["t"] == before + 500)
        venue.do("rubbish", text="<<<>>>", now=True)
        with pytest.raises(json.JSONDecodeError):
            until(stream, lambda data: False)
        assert steady([update(), update()])


def test_faults_of_calls(venue: FakeVenue) -> None:
    """Refusals, limits, a broken gateway and a clock that jumps are what ccxt makes its errors of."""

    async def steps(exchange: Any) -> None:
        venue.do("limit", seconds=7)
        with pytest.raises(ccxt.DDoSProtection, match="-1003"):
            await exchange.fetch_time()
        assert exchange.last_response_headers["Retry-After"] == "7"
        venue.do("down")
        with pytest.raises(ccxt.ExchangeNotAvailable):
            await exchange.fetch_time()
        before = int(time.time() * 1000)
        venue.do("clock", ms=5000)
        assert await exchange.fetch_time() >= before + 5000
        venue.do("clock", ms=-5000)
        venue.do("lost", count=1)
        patience, exchange.timeout = exchange.timeout, 300
        with pytest.raises(ccxt.RequestTimeout):
            await exchange.fetch_time()
        exchange.timeout = patience
        with pytest.raises(ccxt.BadSymbol, match="-1121"):
            await exchange.publicGetDepth({"symbol": "NOSUCH"})

    drive("binance", venue.port, steps)


def test_it_comes_back_on_its_port_and_lists_a_thousand(venue: FakeVenue) -> None:
    """A killed venue starts again where it was; a thousand more symbols can be listed and heard."""
    port = venue.port
    venue.start()
    assert venue.port == port
    assert venue.do("symbols", count=1000)["symbols"] >= 1000
    names = [f"c{number:04}usdt@trade" for number in range(1, 1001)]
    with connect(f"ws://127.0.0.1:{port}/stream", close_timeout=0.1) as stream:
        stream.send(json.dumps({"method": "SUBSCRIBE", "params": names, "id": 1}))
        seen: set[str] = set()
        while len(seen) < 200:
            seen.add(json.loads(stream.recv(15)).get("stream", ""))
        assert len(venue.state["streams"]) == 1000


def test_a_strict_venue_hangs_up_on_who_says_too_much() -> None:
    """Five messages a second may be sent to spot's streams; and any venue may turn a websocket away."""
    with FakeVenue("binance", "--strict") as strict:
        with connect(f"ws://127.0.0.1:{strict.port}/ws") as socket:
            with contextlib.suppress(ConnectionClosed):
                for number in range(60):  # more than six, in case we are so slow that these take more than a second
                    socket.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number}))
            with pytest.raises(ConnectionClosed):
                list(socket)
        strict.do("turn_away")
        with pytest.raises(InvalidStatus), connect(f"ws://127.0.0.1:{strict.port}/ws"):
            pass
        with connect(f"ws://127.0.0.1:{strict.port}/ws"):
            pass
