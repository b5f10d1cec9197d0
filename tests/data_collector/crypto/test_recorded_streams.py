"""Recorded messages of Binance, its futures and OKX: every line gives the records that a plain reading of the same line gives."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from desk_notebook import Notebook

from gcg_quant.data_collector.crypto.binance_desk import BinanceDesk, BinanceFuturesDesk
from gcg_quant.data_collector.crypto.desk import Desk
from gcg_quant.data_collector.crypto.line import Line
from gcg_quant.data_collector.crypto.okx_desk import OkxDesk
from gcg_quant.events import Bar, BookDelta, Depth, Record, Tick, TradeTick, VolumeKind

RECV_NS = 1_700_000_000_000_000_000
Book = tuple[dict[float, float], dict[float, float]]


def recorded(path: Path) -> Iterator[bytes]:
    """Yield the messages of a recording."""
    with gzip.open(path, "rb") as file:
        for line in file:
            stamp, _, message = line.rstrip().partition(b" ")
            if message and not stamp.startswith(b"wss:"):
                yield message


def taken(desk: Desk, message: bytes, recv_ns: int = RECV_NS) -> dict[type[Record], np.ndarray[Any, Any]]:
    """Return what a desk makes of one message."""
    desk.take(message, recv_ns)
    kinds = {kind.dtype: kind for kind in (Tick, TradeTick, Depth, BookDelta, Bar)}
    return {kinds[array.dtype]: array for array in desk.rows.arrays()}


def _ms(value: Any) -> int:
    return int(value) * 1_000_000


def _best(book: Book) -> list[list[float]]:
    bids, asks = sorted(book[0], reverse=True)[:10], sorted(book[1])[:10]
    rows = [bids, [book[0][price] for price in bids], asks, [book[1][price] for price in asks]]
    return [row + [float("nan")] * (10 - len(row)) for row in rows]


def _applied(book: Book, bids: Any, asks: Any) -> None:
    for side, levels in zip(book, (bids, asks), strict=True):
        for level in levels:
            side[float(level[0])] = float(level[1])
            if float(level[1]) == 0:
                del side[float(level[0])]


def _whole(line: Line) -> Book:
    bids, asks = line.book.best(1 << 30)
    return dict(bids), dict(asks)


def _same_depth(row: Any, book: Book) -> None:
    found = [row[name].tolist() for name in ("bid_prices", "bid_sizes", "ask_prices", "ask_sizes")]
    assert np.array_equal(found, _best(book), equal_nan=True)


@pytest.mark.parametrize(("name", "kind"), [("BINANCE", BinanceDesk), ("BINANCE_FUTURES", BinanceFuturesDesk)])
def test_binance_lines_give_what_they_say(shared_data: Path, name: str, kind: type[BinanceDesk]) -> None:
    """Trades, quotes and candles of every line, and each book behind REST's snapshot, are those of the line."""
    desk = kind(Notebook(), ("trades", "quotes", "depth", "deltas", "candles"), ["1m"])
    snapshots = dict(_snapshots(shared_data / "raw" / f"{name}.http.0.0.txt.gz"))
    for number, market_id in enumerate(snapshots, 1):
        desk.add(market_id, market_id, number)
    books: dict[str, Book] = {}
    ids: dict[str, int] = {}
    waiting: dict[str, list[Any]] = {market_id: [] for market_id in snapshots}
    counts = dict.fromkeys((TradeTick, Tick, Bar, Depth), 0)
    for message in recorded(shared_data / "raw" / f"{name}.ws.1.0.txt.gz"):
        said = json.loads(message)["data"]
        market_id, event = said["s"], said.get("e", "bookTicker")
        found = taken(desk, message)
        for record in found.keys() & counts.keys():
            counts[record] += len(found[record])
        if event == "aggTrade":
            (row,) = found[TradeTick]
            assert (row["price"], row["size"]) == (float(said["p"]), float(said["q"]))
            assert (row["event_ns"], row["trade_id"], row["aggressor"]) == (_ms(said["T"]), b"%d" % said["a"], 2 if said["m"] else 1)
        elif event == "bookTicker":
            (row,) = found[Tick]
            quote = tuple(float(said[key]) for key in "bBaA")
            assert (row["bid_price"], row["bid_size"], row["ask_price"], row["ask_size"]) == quote
            assert row["venue_seq"] == said["u"]
        elif event == "kline":
            assert (Bar in found) == said["k"]["x"]
            if said["k"]["x"]:
                (row,) = found[Bar]
                bar = said["k"]
                assert [row[key] for key in ("open", "high", "low", "close", "volume", "turnover")] == [float(bar[key]) for key in "ohlcvq"]
                assert (row["start_ns"], row["event_ns"], row["count"]) == (_ms(bar["t"]), _ms(bar["T"] + 1), bar["n"])
        else:
            waiting[market_id].append(said)
            if market_id not in books:  # the first change asks for the book, which REST has sent by now
                text = snapshots[market_id]
                last = json.loads(text)["lastUpdateId"]
                if not any(one["U"] <= last + 1 <= one["u"] for one in waiting[market_id]):
                    continue  # the recorder asked before or after: tried with each change that comes
                desk.snapshot(market_id, text, RECV_NS)
                found = {BookDelta: _joined_deltas(desk)}
                book = books[market_id] = ({}, {})
                _applied(book, json.loads(text)["bids"], json.loads(text)["asks"])
                for one in waiting[market_id]:
                    if one["u"] > last:
                        _applied(book, one["b"], one["a"])
            else:
                _applied(books[market_id], said["b"], said["a"])
                assert len(found.get(BookDelta, ())) == len(said["b"]) + len(said["a"])
            ids[market_id] = said["u"]
            line = desk.lines[market_id]
            assert _whole(line) == books[market_id]
            if Depth in found:
                _same_depth(found[Depth][-1], books[market_id])
    assert counts[Tick] > 50
    assert counts[TradeTick] > 1
    assert books
    assert desk.host.faults == {}  # type: ignore[attr-defined]
    assert desk.host.holes == []  # type: ignore[attr-defined]


def _joined_deltas(desk: Desk) -> np.ndarray[Any, Any]:
    return next(array for array in desk.rows.arrays() if array.dtype == BookDelta.dtype)


def _snapshots(path: Path) -> Iterator[tuple[str, bytes]]:
    with gzip.open(path, "rb") as file:
        for line in file:
            url, _, rest = line.partition(b" -> ")
            if b"depth?symbol=" in url:
                yield url.partition(b"symbol=")[2].partition(b"&")[0].decode(), rest.partition(b": ")[2].rstrip()


def test_binance_spot_day_of_one_symbol(shared_data: Path) -> None:
    """41,249 lines of BTCUSDT: all trades and changed quotes are there; the best ten levels are a plain book's at each change."""
    desk = BinanceDesk(Notebook(), ("trades", "quotes", "depth", "deltas"), [])
    desk.add("BTC/USDT", "BTCUSDT", 1)
    book: Book | None = None
    held: list[Any] = []
    counts = {"trade": 0, "quote": 0, "depth": 0}
    last_id = quote_id = changes = 0
    for message in recorded(shared_data / "crypto" / "BTCUSDT_binance_spot_raw_20240808.txt.gz"):
        said = json.loads(message)
        if "lastUpdateId" in said:
            assert desk.snapshot("BTCUSDT", message, RECV_NS)
            desk.rows.arrays()
            book, last_id = ({}, {}), said["lastUpdateId"]
            _applied(book, said["bids"], said["asks"])
            for one in held:
                if one["u"] > last_id:
                    _applied(book, one["b"], one["a"])
            continue
        said, kind, rows = said["data"], said["stream"].split("@")[1], desk.rows
        before = (len(rows.trades), len(rows.ticks), len(rows))
        desk.take(message, RECV_NS)
        if kind == "trade":
            row = dict(zip(rows.FIELDS[TradeTick], rows.trades[-1], strict=True))
            assert (row["price"], row["size"], row["venue_seq"]) == (float(said["p"]), float(said["q"]), said["t"])
            assert len(rows) == before[2] + 1
            counts["trade"] += 1
        elif kind == "bookTicker":
            assert len(rows.ticks) - before[1] == (said["u"] > quote_id)
            quote_id = max(quote_id, said["u"])
            counts["quote"] += len(rows.ticks) - before[1]
        elif book is None:
            held.append(said)
        elif said["u"] > last_id:
            changes += 1
            whole = changes % 20 == 0  # sorting a plain book of thousands of levels at each change takes ten seconds
            shown = _best(book) if whole else []
            _applied(book, said["b"], said["a"])
            moved = len(rows) - before[2] - len(said["b"]) - len(said["a"])
            counts["depth"] += moved
            assert moved in (0, 1)
            bids, asks = desk.lines["BTCUSDT"].book.top
            assert (max(book[0]), min(book[1])) == (bids[0], asks[0])
            assert not whole or moved == (not np.array_equal(shown, _best(book), equal_nan=True))
            if whole and moved:
                depth = next(array for array in rows.arrays() if array.dtype == Depth.dtype)
                _same_depth(depth[-1], book)
    assert counts["trade"] == 9757
    assert counts["quote"] > 28_000
    assert counts["depth"] > 3_000
    assert desk.host.holes == []  # type: ignore[attr-defined]


def test_okx_lines_give_what_they_say(shared_data: Path) -> None:
    """Trades and tickers of every line; each book is the plain one, and its checksum is OKX's, at every change."""
    desk = OkxDesk(Notebook(), ("trades", "tickers", "depth", "deltas"), [])
    names = ("BTC-USDT", "BTC-USD-220527", "UNI-USD-SWAP")
    for number, name in enumerate(names, 1):
        desk.add(name, name, number)
    books: dict[str, Book] = {}
    texts: dict[str, tuple[dict[float, str], dict[float, str]]] = {}
    counts = dict.fromkeys((TradeTick, Tick, Depth, BookDelta), 0)
    for number, message in enumerate(recorded(shared_data / "raw" / "OKX.ws.1.0.txt.gz")):
        said, found = json.loads(message), taken(desk, message, RECV_NS + number * 10**10)  # each checksum is looked at
        for record in found:
            counts[record] += len(found[record])
        if "event" in said:
            assert not found
        elif said["arg"]["channel"] == "trades":
            for row, one in zip(found[TradeTick], said["data"], strict=True):
                assert (row["price"], row["size"], row["trade_id"]) == (float(one["px"]), float(one["sz"]), one["tradeId"].encode())
                assert (row["event_ns"], row["aggressor"]) == (_ms(one["ts"]), {"buy": 1, "sell": 2}[one["side"]])
        elif said["arg"]["channel"] == "tickers":
            for row, one in zip(found.get(Tick, ()), said["data"], strict=True):
                fields = {"last_price": "last", "last_size": "lastSz", "bid_price": "bidPx", "bid_size": "bidSz", "ask_price": "askPx"}
                fields |= {"ask_size": "askSz", "open": "open24h", "high": "high24h", "low": "low24h", "volume": "vol24h"}
                assert {name: row[name] for name in fields} == {name: float(one[key]) for name, key in fields.items()}
                assert (row["event_ns"], row["volume_kind"]) == (_ms(one["ts"]), VolumeKind.ROLLING_24H)
        else:
            name, (one,) = said["arg"]["instId"], said["data"]
            if said["action"] == "snapshot":
                books[name], texts[name] = ({}, {}), ({}, {})
            _applied(books[name], one["bids"], one["asks"])
            for side, levels in zip(texts[name], (one["bids"], one["asks"]), strict=True):
                side.update({float(level[0]): f"{level[0]}:{level[1]}" for level in levels})
            assert _plain_checksum(books[name], texts[name]) == one["checksum"]
            line = desk.lines[name]
            assert _whole(line) == books[name]
            assert len(found[BookDelta]) == len(one["bids"]) + len(one["asks"])
            assert found[BookDelta]["orders"].tolist() == [int(level[3]) for level in one["bids"] + one["asks"]]
            if Depth in found:
                _same_depth(found[Depth][0], books[name])
    assert counts[TradeTick] == 74
    assert counts[Tick] == 28
    assert counts[Depth] > 200
    assert desk.host.holes == []  # type: ignore[attr-defined]
    assert desk.host.faults == {}  # type: ignore[attr-defined]


def _plain_checksum(book: Book, texts: tuple[dict[float, str], dict[float, str]]) -> int:
    bids = [texts[0][price] for price in sorted(book[0], reverse=True)[:25]]
    asks = [texts[1][price] for price in sorted(book[1])[:25]]
    both = [text for rank in range(25) for text in (*bids[rank : rank + 1], *asks[rank : rank + 1])]
    return int(np.uint32(crc32(":".join(both).encode())).astype(np.int32))
