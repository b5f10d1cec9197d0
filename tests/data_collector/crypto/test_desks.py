"""The desks' own rules: what is missing is told once, a book is asked for again, and what comes late or twice is passed over."""

from __future__ import annotations

import json
from typing import Any
from zlib import crc32

import pytest
from desk_notebook import Notebook

from gcg_quant.data_collector.crypto.binance_desk import BinanceDesk, BinanceFuturesDesk
from gcg_quant.data_collector.crypto.okx_desk import OkxDesk

MS = 1_000_000
NOW_NS = 1_700_000_000_000 * MS


def binance(*, futures: bool = False) -> tuple[BinanceDesk, Notebook]:
    """Return a desk with BTC/USDT, and its notebook."""
    notebook = Notebook()
    desk = (BinanceFuturesDesk if futures else BinanceDesk)(notebook, ("trades", "quotes", "depth", "funding"), [])
    desk.add("BTC/USDT", "BTCUSDT", 1)
    return desk, notebook


def said(stream: str, **data: Any) -> bytes:
    """Return a message of a combined stream."""
    return json.dumps({"stream": f"btcusdt@{stream}", "data": {"s": "BTCUSDT", **data}}).encode()


def trade(number: int, time_ms: int = 1_700_000_000_000) -> bytes:
    """Return an aggregate trade."""
    return said("aggTrade", e="aggTrade", E=time_ms, a=number, p="100", q="1", T=time_ms, m=False)


def change(first: int, last: int, bids: list[list[str]] | None = None, time_ms: int = 1_700_000_000_000) -> bytes:
    """Return changes of a book."""
    return said("depth@100ms", e="depthUpdate", E=time_ms, U=first, u=last, b=bids or [["99", "1"]], a=[])


def snapshot(last: int) -> bytes:
    """Return a book."""
    return json.dumps({"lastUpdateId": last, "bids": [["98", "1"]], "asks": [["101", "2"]]}).encode()


def test_missing_trades_are_counted_and_old_ones_passed_over() -> None:
    """Trades 5 to 7 missing are one hole of three; a number that came before is a duplicate; after a reconnection nobody counts."""
    desk, notebook = binance()
    for number, time_ms in ((4, 1000), (8, 2000), (8, 2000), (7, 1500)):
        desk.take(trade(number, time_ms), NOW_NS)
    assert notebook.holes == [("BTC/USDT", "trade", 1000 * MS, 2000 * MS, "trades 5 to 7", 3)]
    assert notebook.faults == {"duplicate": 2}
    desk.reconnected()
    desk.take(trade(20, 3000), NOW_NS)
    assert len(notebook.holes) == 1
    assert len(desk.rows.trades) == 3


def test_trades_between_two_connections_are_filled_in() -> None:
    """From the last trade of the connection before to the first of this one, unless the numbers say that there is none in between."""
    for first, between in ((5, []), (6, [("BTC/USDT", 1000 * MS, 2000 * MS)]), (1, [])):  # 1: the venue counts anew
        desk, notebook = binance()
        desk.lines["BTCUSDT"].mark = (4, 1000 * MS)
        for number in (first, first + 1):
            desk.take(trade(number, 2000), NOW_NS)
        assert notebook.between == between
        assert notebook.holes == []
        assert len(desk.rows.trades) == 2


def test_book_is_asked_for_with_its_first_change_and_again_if_too_old() -> None:
    """A snapshot that the changes do not join is of no use; one that they join begins the book; a gap asks for the next."""
    desk, notebook = binance()
    desk.take(change(11, 12), NOW_NS)
    assert notebook.asked == ["BTC/USDT"]
    assert not desk.snapshot("BTCUSDT", snapshot(9), NOW_NS)
    desk.take(change(13, 14), NOW_NS)
    assert notebook.asked == ["BTC/USDT"]  # it is on its way
    assert desk.snapshot("BTCUSDT", snapshot(12), NOW_NS)
    assert desk.lines["BTCUSDT"].book.top == ([99.0, 98.0], [101.0])
    desk.take(change(20, 21, time_ms=1_700_000_001_000), NOW_NS)
    ((symbol, what, start_ns, end_ns, *_),) = notebook.holes
    assert (symbol, what, start_ns, end_ns) == ("BTC/USDT", "depth", NOW_NS, NOW_NS + 1000 * MS)
    assert notebook.asked == ["BTC/USDT"] * 2


def test_crossed_book_is_given_up() -> None:
    """Whatever was lost: a book whose best bid is not below the best ask is no book."""
    desk, notebook = binance()
    desk.take(change(11, 12), NOW_NS)
    assert desk.snapshot("BTCUSDT", snapshot(12), NOW_NS)
    desk.take(change(13, 13, [["101", "1"]]), NOW_NS)
    assert [hole[1] for hole in notebook.holes] == ["depth"]
    assert desk.lines["BTCUSDT"].book.top == ([], [])


def test_funding_is_told_when_it_changes() -> None:
    """The same rate every three seconds is one event."""
    desk, notebook = binance(futures=True)
    for rate in ("0.0001", "0.0001", "0.0002"):
        desk.take(said("markPrice", e="markPriceUpdate", E=5, p="100", r=rate, T=9), NOW_NS)
    assert [(event.rate, event.next_ns, event.mark_price) for event in notebook.told] == [(0.0001, 9 * MS, 100.0), (0.0002, 9 * MS, 100.0)]


def test_tick_holds_what_is_known_and_its_time_does_not_go_back() -> None:
    """A quote has the last trade's price; a quote without a time is not older than the tick before; a clock that was set is followed."""
    desk, _ = binance()
    desk.take(trade(1), NOW_NS)
    quote = {"B": "1", "a": "101", "A": "2"}
    desk.take(said("bookTicker", u=5, b="99", **quote), NOW_NS + 7)
    desk.take(said("bookTicker", u=6, b="98", **quote), NOW_NS + 3)
    desk.take(said("bookTicker", u=6, b="98", **quote), NOW_NS + 4)  # the same state of the book
    desk.take(said("bookTicker", u=7, b="98", **quote), NOW_NS - 120_000 * MS)
    assert [row[0] - NOW_NS for row in desk.rows.ticks] == [7, 7, -120_000 * MS]
    assert all(row[3] == 100.0 for row in desk.rows.ticks)


def okx_book(action: str, *, seq: int, previous: int, checksum: int = 0, bid: str = "99") -> bytes:
    """Return a message of the channel "books"."""
    row = {"bids": [[bid, "1", "0", "3"]], "asks": [["101", "2", "0", "1"]], "ts": "1700000000000"}
    data = [{**row, "seqId": seq, "prevSeqId": previous, "checksum": checksum}]
    return json.dumps({"arg": {"channel": "books", "instId": "BTC-USDT"}, "action": action, "data": data}).encode()


def crc(text: str) -> int:
    """Return a checksum as OKX tells it: signed."""
    found = crc32(text.encode())
    return found - (1 << 32) if found >= 1 << 31 else found


def test_okx_numbers_and_checksums() -> None:
    """A change that does not follow gives the book up until the next snapshot; checksums that are never right are given up."""
    notebook = Notebook()
    desk = OkxDesk(notebook, ("depth",), [])
    line = desk.add("BTC/USDT", "BTC-USDT", 1)
    desk.take(okx_book("snapshot", seq=5, previous=-1), NOW_NS)
    desk.take(okx_book("update", seq=7, previous=5, bid="98"), NOW_NS)
    assert line.book.top == ([99.0, 98.0], [101.0])
    desk.take(okx_book("update", seq=9, previous=8), NOW_NS)
    desk.take(okx_book("update", seq=10, previous=9), NOW_NS)
    assert [hole[4] for hole in notebook.holes] == ["changes 7 to 8 are missing"]
    assert notebook.asked == ["BTC/USDT"]
    for _ in range(5):
        desk.take(okx_book("snapshot", seq=11, previous=-1, checksum=12345), NOW_NS)
    assert notebook.faults == {"checksum": 1}
    assert line.book.top == ([99.0], [101.0])
    assert len(notebook.holes) == 5


def test_okx_checksum_is_of_what_is_written() -> None:
    """A venue that writes numbers otherwise than we do is taken at its word from its next book on, and a wrong book is still noticed."""
    notebook = Notebook()
    desk = OkxDesk(notebook, ("depth",), [])
    line = desk.add("BTC/USDT", "BTC-USDT", 1)
    for bid in ("99", "0.00001"):
        desk.take(okx_book("snapshot", seq=5, previous=-1, checksum=crc(f"{bid}:1:101:2"), bid=bid), NOW_NS)
    assert notebook.holes == []
    odd = crc("99.00:1:101:2")
    desk.take(okx_book("snapshot", seq=5, previous=-1, checksum=odd, bid="99.00"), NOW_NS)
    assert [hole[4] for hole in notebook.holes] == ["the book's checksum is another one"]
    desk.take(okx_book("snapshot", seq=5, previous=-1, checksum=odd, bid="99.00"), NOW_NS)
    assert line.book.top == ([99.0], [101.0])
    later = NOW_NS + 2_000 * MS
    desk.take(okx_book("update", seq=6, previous=5, checksum=crc("99.00:1:101:2:98.50:1"), bid="98.50"), later)
    assert line.book.top == ([99.0, 98.5], [101.0])
    assert len(notebook.holes) == 1
    desk.take(okx_book("update", seq=7, previous=6, checksum=odd, bid="97"), later + 2_000 * MS)
    assert len(notebook.holes) == 2
    assert notebook.faults == {}


@pytest.mark.parametrize("bid", ["-1", "0", "nan", "Infinity"])
def test_okx_level_that_cannot_be_is_left_out(bid: str) -> None:
    """Nothing of its message is taken; the number of the next one shows the hole."""
    notebook = Notebook()
    desk = OkxDesk(notebook, ("depth",), [])
    line = desk.add("BTC/USDT", "BTC-USDT", 1)
    desk.take(okx_book("snapshot", seq=5, previous=-1), NOW_NS)
    desk.take(okx_book("update", seq=6, previous=5, bid=bid), NOW_NS)
    assert notebook.faults == {"negative": 1}
    assert line.book.top == ([99.0], [101.0])
    desk.take(okx_book("update", seq=7, previous=6), NOW_NS)
    assert [hole[4] for hole in notebook.holes] == ["changes 5 to 6 are missing"]
    with pytest.raises(ValueError, match="cannot be read"):
        desk.take(okx_book("update", seq=8, previous=7, bid="much"), NOW_NS)
