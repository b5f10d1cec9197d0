"""Recordings of Binance's streams: the real one of ../shared/data, and lines that are none."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gcg_quant.data_collector.importing.binance_file import BinanceFile
from gcg_quant.errors import ImportFileError
from gcg_quant.events import BookAction, BookDelta, Side, Tick, TradeTick

NAME = "crypto/BTCUSDT_binance_spot_raw_20240808.txt.gz"
T = 1_723_161_255_000


def stream(name: str, **data: Any) -> bytes:
    """Return a message of a combined stream."""
    return json.dumps({"stream": f"btcusdt@{name}", "data": {"s": "BTCUSDT", **data}}).encode()


def lines(*messages: tuple[int, bytes]) -> bytes:
    """Return messages behind their times of receipt, in ms."""
    return b"".join(b"%d %s\n" % (at * 1_000_000, text) for at, text in messages)


TRADE = stream("trade", e="trade", E=T + 11, T=T + 10, t=7, p="100.5", q="0.25", m=True)
UPDATE = stream("depth", e="depthUpdate", E=T + 20, U=5, u=6, b=[["100.0", "1.5"], ["99.0", "0.0"]], a=[])
SNAPSHOT = b'{"lastUpdateId": 4, "bids": [["99.0", "2"]], "asks": [["101.0", "3"]]}'
QUOTE = stream("bookTicker", u=6, b="100.0", B="1.5", a="0.00", A="0.00")


def test_every_message_becomes_its_records(importing: Any, write: Any) -> None:
    """Sides, ids and times are the message's; the recorder's clock, 3 ms behind, is set forward."""
    path = write(lines((T + 7, TRADE), (T + 18, SNAPSHOT), (T + 19, UPDATE), (T + 25, QUOTE)), "x_binance.txt")
    report = importing.run(path)
    assert (report.rows, report.stored_rows, report.refused_rows) == (4, 4, 0)
    assert report.records == {"TradeTick": 1, "BookDelta": 4, "Tick": 1}
    assert report.instruments == ["BTCUSDT@BINANCE"]
    assert "the recorder's clock was 0.003 s behind, and is set forward" in report.notes
    [trade] = importing.records(TradeTick)
    assert (trade["event_ns"], trade["recv_ns"], trade["price"], trade["size"]) == ((T + 10) * 10**6, (T + 10) * 10**6, 100.5, 0.25)
    assert (trade["aggressor"], trade["trade_id"], trade["venue_seq"]) == (Side.SELL, b"7", 7)
    deltas = importing.records(BookDelta)
    assert deltas["action"].tolist() == [BookAction.SNAPSHOT, BookAction.SNAPSHOT, BookAction.SET, BookAction.DELETE]
    assert deltas["side"].tolist() == [Side.BUY, Side.SELL, Side.BUY, Side.BUY]
    assert deltas["price"].tolist() == [99.0, 101.0, 100.0, 99.0]
    assert deltas["is_last"].tolist() == [0, 1, 0, 1]
    assert deltas["event_ns"].tolist() == [(T + 20) * 10**6] * 4
    [tick] = importing.records(Tick)
    assert (tick["event_ns"], tick["bid_price"], tick["bid_size"]) == ((T + 28) * 10**6, 100.0, 1.5)  # spot quotes tell no time
    assert np.isnan(tick["ask_price"])


def test_options_name_the_instrument(importing: Any, write: Any) -> None:
    """Symbol and venue may be chosen."""
    report = importing.run(write(lines((T, TRADE)), "a.txt"), symbol="BTC/USDT", venue="spot")
    assert report.instruments == ["BTC/USDT@spot"]


def test_lines_that_are_none_are_refused_with_their_number(importing: Any, write: Any) -> None:
    """Each line is stored or refused: bad JSON, a message of another stream, an update that the snapshot includes."""
    old = stream("depth", e="depthUpdate", E=T + 5, U=1, u=3, b=[["98.0", "1"]], a=[])
    path = write(
        lines((T, old), (T + 1, SNAPSHOT), (T + 2, stream("kline", e="kline")), (T + 19, UPDATE)) + b"17 {}\n1723161255000000000 {", "b.txt"
    )
    report = importing.run(path)
    assert (report.rows, report.stored_rows, report.refused_rows) == (6, 2, 4)
    assert [refusal.line for refusal in report.refusals] == [1, 3, 5, 6]
    with pytest.raises(ImportFileError, match=r"line 3: .* nothing was imported"):
        importing.run(path, strict=True)


def test_updates_after_a_gap_are_kept_and_counted(importing: Any, write: Any) -> None:
    """Without another snapshot they come at the end."""
    later = UPDATE.replace(b'"U": 5, "u": 6', b'"U": 9, "u": 9')
    report = importing.run(write(lines((T, SNAPSHOT), (T + 21, UPDATE), (T + 30, later), (T + 40, TRADE)), "d.txt"))
    assert (report.stored_rows, report.records) == (4, {"BookDelta": 6, "TradeTick": 1})
    assert report.notes["updates of the book are missing; it is built anew from the next snapshot"] == 1


def test_snapshots_of_several_symbols_are_refused(write: Any) -> None:
    """A snapshot does not say whose it is."""
    other = TRADE.replace(b'"BTCUSDT"', b'"ETHUSDT"')
    with pytest.raises(ImportFileError, match="name no symbol, and messages of 2 symbols"):
        BinanceFile(write(lines((T, TRADE), (T, other), (T, SNAPSHOT)), "c.txt"))


def test_real_recording_is_imported_whole(importing: Any, shared_data: Path) -> None:
    """Every message of the real file, against a plain reading of it; nothing is received before it happened."""
    path = shared_data / NAME
    report = importing.run(path)
    assert (report.rows, report.refused_rows, report.instruments) == (41_249, 2, ["BTCUSDT@BINANCE"])
    with gzip.open(path, "rt") as file:
        data = [message.get("data", message) for message in (json.loads(line.split(" ", 1)[1]) for line in file)]
    trades, deltas, ticks = (importing.records(kind) for kind in (TradeTick, BookDelta, Tick))
    expected = [(one["T"] * 10**6, float(one["p"]), float(one["q"]), one["m"]) for one in data if one.get("e") == "trade"]
    assert [
        (int(t), float(p), float(q), a == Side.SELL)
        for t, p, q, a in zip(*(trades[n] for n in ("event_ns", "price", "size", "aggressor")), strict=True)
    ] == expected
    assert ticks["bid_price"].tolist() == [float(one["b"]) for one in data if "B" in one]
    last = next(one for one in data if "lastUpdateId" in one)["lastUpdateId"]
    updates = [one for one in data if one.get("e") == "depthUpdate" and one["u"] > last]
    changes = [(one["E"] * 10**6, float(price), float(size)) for one in updates for price, size in one["b"] + one["a"]]
    begun = deltas[deltas["action"] != BookAction.SNAPSHOT]
    assert [(int(t), float(p), float(q)) for t, p, q in zip(*(begun[n] for n in ("event_ns", "price", "size")), strict=True)] == changes
    assert begun["is_last"].sum() == len(updates)
    for records in (trades, deltas, ticks):
        assert (records["recv_ns"] >= records["event_ns"]).all()
        assert (np.diff(records["event_ns"]) >= 0).all()
