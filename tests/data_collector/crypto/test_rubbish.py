"""Parsers and desks given anything: the declared error or records, nothing else."""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any

import pytest
from desk_notebook import Notebook
from hypothesis import given, settings
from hypothesis import strategies as st

from gcg_quant.data_collector.binance_messages import parse_message
from gcg_quant.data_collector.crypto import ccxt_messages
from gcg_quant.data_collector.crypto.binance_desk import BinanceDesk, BinanceFuturesDesk
from gcg_quant.data_collector.crypto.desk import STREAMS, Desk
from gcg_quant.data_collector.crypto.okx_desk import OkxDesk
from gcg_quant.data_collector.crypto.okx_messages import parse_okx

BINANCE = {
    "aggTrade": {"e": "aggTrade", "E": 2, "s": "BTCUSDT", "a": 7, "p": "1.5", "q": "2", "T": 2, "m": True},
    "trade": {"e": "trade", "E": 2, "s": "BTCUSDT", "t": 7, "p": "1.5", "q": "2", "T": 2, "m": True},
    "bookTicker": {"u": 9, "s": "BTCUSDT", "b": "1", "B": "2", "a": "3", "A": "4"},
    "depth": {"e": "depthUpdate", "E": 2, "s": "BTCUSDT", "U": 1, "u": 2, "b": [["1", "2"]], "a": [["3", "4"]]},
    "ticker": {"e": "24hrTicker", "E": 2, "s": "BTCUSDT", **dict.fromkeys("cQohlvqbBaA", "1.5")},
    "kline_1m": {
        "e": "kline",
        "E": 2,
        "s": "BTCUSDT",
        "k": {"t": 0, "T": 59999, "i": "1m", "n": 3, "x": True, **dict.fromkeys("ohlcvq", "1")},
    },
    "markPrice": {"e": "markPriceUpdate", "E": 2, "s": "BTCUSDT", "p": "1.5", "r": "0.0001", "T": 9},
}
LEVEL = ["1", "2", "0", "1"]
OKX = {
    "trades": {"instId": "BTC-USDT", "tradeId": "5", "px": "1", "sz": "2", "side": "buy", "ts": "3"},
    "tickers": {"instId": "BTC-USDT", "last": "1", "bidPx": "1", "bidSz": "", "askPx": "2", "askSz": "1", "vol24h": "9", "ts": "3"},
    "books": {"asks": [["3", "2", "0", "1"]], "bids": [LEVEL], "ts": "3", "checksum": 5, "seqId": 8, "prevSeqId": -1},
    "candle1m": ["0", "1", "2", "1", "2", "5", "5", "5", "1"],
    "funding-rate": {"instId": "BTC-USDT", "fundingRate": "0.0001", "fundingTime": "9", "ts": "3"},
}
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["-1", "0", "nan", "inf", "-inf", "1e400", "", "9" * 30, 2**63, -(2**63), "1.5"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list("epqbBaAsTUu")), inner, max_size=3),
    max_leaves=5,
)


def spoilt(draw: Any, message: Any) -> Any:
    """Return a message of which one value is another one, or is missing."""
    if isinstance(message, dict) and message:
        key = draw(st.sampled_from(sorted(message)))
        if draw(st.booleans()) and isinstance(message[key], dict | list):
            return {**message, key: spoilt(draw, message[key])}
        if draw(st.integers(0, 4)) == 0:
            return {name: value for name, value in message.items() if name != key}
        return {**message, key: draw(ANYTHING)}
    if isinstance(message, list) and message:
        at = draw(st.integers(0, len(message) - 1))
        return [*message[:at], spoilt(draw, message[at]), *message[at + 1 :]]
    return draw(ANYTHING)


@st.composite
def binance_messages(draw: st.DrawFn) -> bytes:
    """Messages of Binance's with something wrong."""
    name = draw(st.sampled_from(sorted(BINANCE)))
    data = spoilt(draw, BINANCE[name])
    outer = {"stream": f"btcusdt@{name}", "data": data} if draw(st.booleans()) else data
    return json.dumps(outer).encode()


@st.composite
def okx_messages(draw: st.DrawFn) -> bytes:
    """Messages of OKX's with something wrong."""
    name = draw(st.sampled_from(sorted(OKX)))
    outer = {"arg": {"channel": name, "instId": "BTC-USDT"}, "action": draw(st.sampled_from(["snapshot", "update"])), "data": [OKX[name]]}
    return json.dumps(spoilt(draw, outer)).encode()


def taken(desk: Desk, payload: bytes) -> None:
    """Give a desk a message; its rows must make arrays."""
    with_error = False
    try:
        desk.take(payload, 1_700_000_000_000_000_000)
    except ValueError:
        with_error = True
    assert not (with_error and len(desk.rows))
    for array in desk.rows.arrays():
        assert len(array)


@settings(max_examples=int(os.environ.get("GCG_EXAMPLES", "100")), deadline=None)
@given(payload=st.binary(max_size=60) | binance_messages())
def test_binance_raises_nothing_else(payload: bytes) -> None:
    """Anything makes records, or ValueError; nothing half-read is left."""
    for kind in (BinanceDesk, BinanceFuturesDesk):
        desk = kind(Notebook(), STREAMS, ["1m"])
        desk.add("BTC/USDT", "BTCUSDT", 1)
        taken(desk, payload)
        with pytest.raises(ValueError) if not _is_snapshot(payload) else _nothing():
            desk.snapshot("BTCUSDT", payload, 1)


def _is_snapshot(payload: bytes) -> bool:
    try:
        return type(parse_message(payload, 1)).__name__ == "Snapshot"
    except ValueError:
        return False


class _nothing:  # noqa: N801
    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None: ...


@settings(max_examples=int(os.environ.get("GCG_EXAMPLES", "100")), deadline=None)
@given(payload=st.binary(max_size=60) | okx_messages())
def test_okx_raises_nothing_else(payload: bytes) -> None:
    """Anything makes records, or ValueError; nothing half-read is left."""
    desk = OkxDesk(Notebook(), STREAMS, ["1m"])
    desk.add("BTC/USDT", "BTC-USDT", 1)
    taken(desk, payload)


def test_whole_messages_are_read() -> None:
    """The messages that the tests above spoil are good ones."""
    for name, data in BINANCE.items():
        assert parse_message(json.dumps({"stream": f"btcusdt@{name}", "data": data}).encode(), 1) is not None
        assert parse_message(json.dumps(data).encode(), 1) is not None
    for name, row in OKX.items():
        (message,) = parse_okx(json.dumps({"arg": {"channel": name, "instId": "BTC-USDT"}, "data": [row]}).encode(), 1)
        assert message.symbol == "BTC-USDT"  # type: ignore[union-attr]
    assert parse_okx(b"pong", 1) == []


@settings(max_examples=int(os.environ.get("GCG_EXAMPLES", "100")), deadline=None)
@given(data=st.data())
def test_ccxts_structures_raise_nothing_else(data: st.DataObject) -> None:
    """Whatever an exchange makes ccxt return: a record, or ValueError."""
    trade = {"id": "1", "timestamp": 5, "price": 1.0, "amount": 2.0, "side": "buy"}
    ticker = {"timestamp": 5, "last": 1.0, "bid": 1.0, "ask": 2.0, "baseVolume": 3.0, "open": 1.0, "high": 1.0, "low": 1.0}
    book = {"timestamp": 5, "nonce": 3, "bids": [[1.0, 2.0]], "asks": [[3.0, 4.0]]}
    funding = {"timestamp": 5, "fundingRate": 0.1, "fundingTimestamp": 9}
    place = ("A/B", "v", 7)
    for parse, good in (
        (ccxt_messages.parse_trade, trade),
        (ccxt_messages.parse_ticker, ticker),
        (ccxt_messages.parse_book, book),
        (ccxt_messages.parse_funding, funding),
    ):
        assert parse(good, *place).event_ns == 5_000_000
        with contextlib.suppress(ValueError):
            parse(spoilt(data.draw, good), *place)
