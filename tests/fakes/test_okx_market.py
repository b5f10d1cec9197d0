"""The fake OKX's market data, seen by the real ccxt client and on the bare wire."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from fakes.clients import drive
from fakes.process import FakeVenue

ccxt = pytest.importorskip("ccxt")


@pytest.fixture(scope="module")
def venue() -> Iterator[FakeVenue]:
    """Yield a fake OKX that lives fast."""
    with FakeVenue("okx", "--step-ms", "20") as made:
        yield made


@pytest.fixture(autouse=True)
def healed(venue: FakeVenue) -> Iterator[None]:
    """Leave no faults to the next test."""
    yield
    venue.do("heal")


@contextmanager
def listen(venue: FakeVenue, *channels: str, name: str = "BTC-USDT", place: str = "public") -> Iterator[ClientConnection]:
    """Yield a socket that has subscribed."""
    with connect(f"ws://127.0.0.1:{venue.port}/ws/v5/{place}", close_timeout=0.1) as socket:
        socket.send(json.dumps({"op": "subscribe", "args": [{"channel": channel, "instId": name} for channel in channels]}))
        yield socket


def until(socket: ClientConnection, wanted: Callable[[Any], bool]) -> Any:
    """Return the first message that is wanted."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        message = json.loads(socket.recv(15))
        if wanted(message):
            return message
    raise AssertionError("no such message came")


def of(channel: str) -> Callable[[Any], bool]:
    """Return the test for a channel's data."""
    return lambda message: "data" in message and message["arg"]["channel"] == channel


def test_ccxt_loads_markets_books_bars_and_trades(venue: FakeVenue) -> None:
    """Markets carry steps and contract sizes; books are not crossed; bars follow each other and can be paged."""

    async def steps(exchange: Any) -> None:
        markets = await exchange.load_markets()
        assert markets["BTC/USDT"]["precision"]["price"] == 0.1
        assert markets["BTC/USDT:USDT"]["contractSize"] == 0.01
        for symbol in ("BTC/USDT", "BTC/USDT:USDT"):
            book = await exchange.fetch_order_book(symbol, 20)
            assert len(book["bids"]) == 20
            assert book["bids"][0][0] < book["asks"][0][0]
            bars = await exchange.fetch_ohlcv(symbol, "1m", limit=100)
            assert [one[0] - other[0] for other, one in pairwise(bars)] == [60_000] * 99
            start = bars[0][0] - 86_400_000
            older = await exchange.fetch_ohlcv(symbol, "1m", since=start, limit=100)
            assert older[0][0] == start
            assert (await exchange.fetch_ticker(symbol))["last"] > 0
        venue.do("step", symbol="BTC/USDT", count=50)
        trades = await exchange.fetch_trades("BTC/USDT", limit=5)
        assert [int(one["id"]) - int(trades[0]["id"]) for one in trades] == list(range(5))
        assert (await exchange.fetch_funding_rate("BTC/USDT:USDT"))["fundingRate"] == 0.0001
        rates = await exchange.fetch_funding_rate_history("BTC/USDT:USDT", limit=3)
        assert [one["timestamp"] - rates[0]["timestamp"] for one in rates] == [0, 8 * 3_600_000, 16 * 3_600_000]
        before = int(time.time() * 1000)
        assert before <= await exchange.fetch_time() <= time.time() * 1000

    drive("okx", venue.port, steps)


@pytest.mark.parametrize("symbol", ["BTC/USDT", "BTC/USDT:USDT"])
def test_ccxt_watches_books_trades_tickers_and_bars(venue: FakeVenue, symbol: str) -> None:
    """The client's own sequence check passes over many updates of spot and of swaps."""

    async def steps(exchange: Any) -> None:
        nonces: set[int] = set()
        while len(nonces) < 10:
            book = await exchange.watch_order_book(symbol)
            nonces.add(book["nonce"])
            assert book["bids"][0][0] < book["asks"][0][0]
        assert (await exchange.watch_trades(symbol))[-1]["symbol"] == symbol
        assert (await exchange.watch_ticker(symbol))["symbol"] == symbol
        assert (await exchange.watch_bids_asks([symbol]))[symbol]["bid"] > 0
        assert (await exchange.watch_ohlcv(symbol, "1m"))[-1][0] % 60_000 == 0
        if symbol.endswith(":USDT"):
            assert (await exchange.watch_funding_rate(symbol))["fundingRate"] == 0.0001

    drive("okx", venue.port, steps)


def test_a_book_kept_from_updates_equals_the_venues(venue: FakeVenue) -> None:
    """Snapshot and updates are chained by seqId and prevSeqId, and together give the venue's book."""
    with listen(venue, "books", name="ETH-USDT") as socket:
        first = until(socket, of("books"))
        assert first["action"] == "snapshot"
        data = first["data"][0]
        assert data["prevSeqId"] == -1
        book = {side: {level[0]: level[1] for level in data[side]} for side in ("asks", "bids")}
        last, count, final = data["seqId"], 0, None
        while count < 20 or final is None or last < final["seqId"]:
            update = until(socket, of("books"))["data"][0]
            assert update["prevSeqId"] == last
            last = update["seqId"]
            count += 1
            for side in ("asks", "bids"):
                for price, amount, *_ in update[side]:
                    book[side].pop(price, None)
                    if float(amount):
                        book[side][price] = amount
            if count == 20:
                venue.do("pause")
                answer = drive("okx", venue.port, lambda exchange: exchange.publicGetMarketBooks({"instId": "ETH-USDT", "sz": "400"}))
                final = {**answer["data"][0], "seqId": int(answer["data"][0]["seqId"])}
        venue.do("resume")
        for side in ("asks", "bids"):
            assert sorted(book[side].items()) == sorted((level[0], level[1]) for level in final[side])


def recorded(folder: Path) -> dict[str, Any]:
    """Return one recorded message of each channel."""
    found: dict[str, Any] = {}
    with gzip.open(folder / "raw/OKX.ws.1.0.txt.gz", "rt") as lines:
        for line in lines:
            at = line.find('{"arg"')
            if at >= 0 and line[0].isdigit():
                message = json.loads(line[at:])
                found[message["arg"]["channel"] + message.get("action", "")] = message
    return found


def test_messages_have_the_shape_of_recorded_ones(venue: FakeVenue, shared_data: Path) -> None:
    """Each field of a recorded message is there, with a value of the same type."""
    with listen(venue, "tickers", "trades", "books") as socket:
        wanted, ours = recorded(shared_data), dict[str, Any]()
        while set(wanted) - set(ours):
            message = until(socket, lambda got: "data" in got)
            ours[message["arg"]["channel"] + message.get("action", "")] = message
        for kind, message in wanted.items():
            assert set(message) <= set(ours[kind])
            theirs = {name: type(value) for name, value in message["data"][0].items()}
            assert theirs.items() <= {name: type(value) for name, value in ours[kind]["data"][0].items()}.items()


def test_the_checksum_of_old_is_right(shared_data: Path) -> None:
    """`--checksums` brings back what the field was until June 2026: the recorded ones come out of the recorded books."""
    from fakes.market import Market
    from fakes.okx_shapes import checksum
    from fakes.terms import spot

    market = Market(spot("BTC", "USDT", "0.1", "0.00000001", "30000"), "1", 0)
    checked = 0
    with gzip.open(shared_data / "raw/OKX.ws.1.0.txt.gz", "rt") as lines:
        for line in lines:
            at = line.find('{"arg":{"channel":"books","instId":"BTC-USDT"}')
            if at < 0:
                continue
            data = json.loads(line[at:])["data"][0]
            for side, name in ((1, "bids"), (-1, "asks")):
                for price, amount, *_ in data[name]:
                    market.book.offer(side, round(float(price) * 10), round(float(amount) * 1e8))
            assert checksum(market) == data["checksum"]
            checked += 1
    assert checked > 10


def test_the_checksum_of_today_is_nought(venue: FakeVenue) -> None:
    """Since June 2026 the field is there and 0; with `--checksums` it is as it was."""
    with FakeVenue("okx", "--checksums", "--step-ms", "0") as old:
        for one, zero in ((venue, True), (old, False)):
            with listen(one, "books") as socket:
                assert (until(socket, of("books"))["data"][0]["checksum"] == 0) is zero


def test_commands_on_a_socket(venue: FakeVenue) -> None:
    """Ping is text; nonsense and what does not exist, or not at this address, is answered with OKX's codes."""
    with listen(venue, "trades") as socket:
        assert json.loads(socket.recv(10))["event"] == "subscribe"
        socket.send("ping")
        while (answer := socket.recv(10)) != "pong":
            assert "trades" in str(answer)
        socket.send("nonsense")
        assert until(socket, lambda message: message.get("event") == "error")["code"] == "60012"
        for channel in ("nonsense", "candle1m", "orders"):
            socket.send(json.dumps({"op": "subscribe", "args": [{"channel": channel, "instId": "BTC-USDT"}]}))
            assert until(socket, lambda message: message.get("event") == "error")["code"] == "60018"
        socket.send(json.dumps({"op": "unsubscribe", "args": [{"channel": "trades", "instId": "BTC-USDT"}]}))
        until(socket, lambda message: message.get("event") == "unsubscribe")
    with listen(venue, "candle1m", place="business") as socket:
        row = until(socket, of("candle1m"))["data"][0]
        assert (len(row), row[8]) == (9, "0")


def test_faults_of_messages(venue: FakeVenue) -> None:
    """A gap breaks the chain of sequence numbers; a price below zero and a crossed book come when asked for."""
    with listen(venue, "books", "trades", "bbo-tbt", name="SOL-USDT") as socket:
        last = until(socket, of("books"))["data"][0]["seqId"]
        venue.do("gap", symbol="SOL/USDT", channel="book")
        while (data := until(socket, of("books"))["data"][0])["prevSeqId"] == last:
            last = data["seqId"]
        venue.do("negative", symbol="SOL/USDT", channel="trades")
        until(socket, lambda message: of("trades")(message) and message["data"][0]["px"].startswith("-"))
        venue.do("crossed", symbol="SOL/USDT", channel="best")

        def crossed(message: Any) -> bool:
            return of("bbo-tbt")(message) and float(message["data"][0]["bids"][0][0]) > float(message["data"][0]["asks"][0][0])

        until(socket, crossed)


def test_faults_of_calls(venue: FakeVenue) -> None:
    """Limits, a broken gateway and unknown instruments are what ccxt makes its errors of."""

    async def steps(exchange: Any) -> None:
        venue.do("limit")
        with pytest.raises(ccxt.RateLimitExceeded, match="50011"):
            await exchange.fetch_time()
        venue.do("down")
        with pytest.raises(ccxt.ExchangeNotAvailable):
            await exchange.fetch_time()
        with pytest.raises(ccxt.BadSymbol, match="51001"):
            await exchange.publicGetMarketBooks({"instId": "NO-SUCH"})

    drive("okx", venue.port, steps)
