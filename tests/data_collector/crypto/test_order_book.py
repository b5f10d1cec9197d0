"""Books: the native one is a plain one of dictionaries, and OKX's messages say the same to the fast reader and to a JSON parser."""

from __future__ import annotations

import json
import os
import struct
from decimal import Decimal
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcg_quant._native import read_okx_book
from gcg_quant.data_collector.crypto.okx_messages import ImpossibleLevel, parse_okx
from gcg_quant.data_collector.crypto.order_book import OrderBook, packed, unpacked

EXAMPLES = int(os.environ.get("GCG_EXAMPLES", "32"))
NAN = float("nan")
# Few prices, so that they meet again; some that are one bit apart, or far apart.
PRICES = st.sampled_from([0.1, 0.1 + 2**-56, 0.3, 99.5, 100.0, 100.01, 1e-9, 5e-324, 1e15, 1.7e308]) | st.integers(1, 60).map(float)
SIZES = st.sampled_from([0.0, -0.0, 0.001, 1.0, 1e-7, 123456.789])
SIDE = st.lists(st.tuples(PRICES, SIZES, st.integers(0, 9)), max_size=12)
Levels = list[tuple[float, float, int]]


def plain_text(value: float) -> str:
    """Return a number as OKX writes it."""
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


class PlainBook:
    """What the native book must be."""

    def __init__(self) -> None:
        self.sides: tuple[dict[float, float], dict[float, float]] = ({}, {})

    def change(self, *sides: Levels) -> None:
        """Take levels one by one."""
        for side, levels in zip(self.sides, sides, strict=True):
            for price, size, _ in levels:
                side.pop(price, None)
                if size > 0:
                    side[price] = size

    def best(self, count: int) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        """Return the best levels of both sides."""
        return sorted(self.sides[0].items(), reverse=True)[:count], sorted(self.sides[1].items())[:count]

    def shown(self) -> list[float]:
        """Return the best ten levels as a row."""
        return [
            value
            for levels in self.best(10)
            for column in (0, 1)
            for value in [level[column] for level in levels] + [NAN] * (10 - len(levels))
        ]

    def checksum(self) -> int:
        """Return OKX's checksum."""
        bids, asks = ([f"{plain_text(price)}:{plain_text(size)}" for price, size in levels] for levels in self.best(25))
        texts = [text for rank in range(25) for text in (*bids[rank : rank + 1], *asks[rank : rank + 1])]
        unsigned = crc32(":".join(texts).encode())
        return unsigned - (1 << 32) if unsigned >= 1 << 31 else unsigned


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(steps=st.lists(st.tuples(st.booleans(), st.booleans(), SIDE, SIDE), max_size=8))
def test_book_is_a_plain_one(steps: list[tuple[bool, bool, Levels, Levels]]) -> None:
    """After snapshots and changes, bytes or lists, all levels, the best ten, `moved`, `crossed` and the checksum are the plain book's."""
    book, plain, before = OrderBook(), PlainBook(), None
    for whole, as_bytes, bids, asks in steps:
        act = book.replace if whole else book.change
        if as_bytes:
            act(packed(bids), packed(asks))
        else:
            act(bids, asks)
        plain = PlainBook() if whole else plain
        plain.change(bids, asks)
        assert book.best(1000) == plain.best(1000)
        (best_bids, best_asks), row = plain.best(10), plain.shown()
        assert book.top == ([price for price, _ in best_bids], [price for price, _ in best_asks])
        assert book.crossed == bool(best_bids and best_asks and best_bids[0] >= (best_asks[0][0],))
        shown = struct.pack("=40d", *row)
        assert book.moved() == (shown != before)
        assert (book.shown, book.depth) == (shown, max(len(best_bids), len(best_asks)))
        assert book.checksum() == plain.checksum()
        before = shown


@settings(max_examples=EXAMPLES // 4, deadline=None)
@given(levels=SIDE)
def test_packed_levels_come_back(levels: Levels) -> None:
    """Every bit of them."""
    assert str(unpacked(packed(levels))) == str(levels)


@pytest.mark.parametrize("level", [(0.0, 1.0), (-1.0, 1.0), (NAN, 1.0), (1.0, -1.0), (1.0, NAN), (float("inf"), 1.0), (1.0, float("inf"))])
def test_impossible_level_changes_nothing(level: tuple[float, float]) -> None:
    """It is refused together with the sound levels beside it, as bytes and as a list."""
    book = OrderBook()
    book.replace([(1.0, 2.0)], [(3.0, 4.0)])
    for act in (book.replace, book.change):
        with pytest.raises(ValueError, match="price must be above 0"):
            act([(1.0, 0.0)], [(5.0, 1.0), level])
        with pytest.raises(ValueError, match="price must be above 0"):
            act(packed([(1.0, 0.0, 1)]), packed([(*level, 1)]))
    assert book.best(9) == ([(1.0, 2.0)], [(3.0, 4.0)])


def test_what_is_no_levels_is_refused() -> None:
    """Bytes of another length, levels without a size, and values that are no numbers."""
    book = OrderBook()
    bad: list[tuple[Any, type[Exception]]] = [(b"123", ValueError), ([(1.0,)], ValueError), ([("1", "2")], TypeError), (5, TypeError)]
    for levels, error in bad:
        with pytest.raises(error):
            book.change(levels, [])
    with pytest.raises(ValueError, match="0 or more"):
        book.best(-1)


def test_texts_of_levels_that_are_gone_are_forgotten() -> None:
    """A book whose prices wander does not keep what was written of each."""
    book = OrderBook()
    for price in range(1, 5000):
        book.replace([(float(price), 1.0)], [])
        book.write([(f"{price}.00", "1", "0", 1)], [])
        assert book.checksum() != 0
    assert len(book._texts[0]) < 1100
    assert crc32(b"4999.00:1") == book.checksum() % (1 << 32)


NUMBERS = (
    st.from_regex(r"(0|[1-9][0-9]{0,19})(\.[0-9]{1,18})?", fullmatch=True)
    | st.sampled_from(["-1", "0", "-0", "nan", "Infinity", "1e5", "1E-3", "05", ".5", "5.", "", " 1", "9" * 400, "1_0", "+1"])
    | st.floats().map(repr)
)
SPOILT = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "1", "-1", "x", "\\", "é", 2**63, -(2**63), [], {}])
WHOLE = st.integers(-3, 2**63) | st.integers(0, 2**31)


@st.composite
def books(draw: st.DrawFn) -> bytes:
    """Messages of books, most of them good: fields in any order, some missing or of another type, with and without white space."""
    level = st.lists(NUMBERS, min_size=2, max_size=2).flatmap(
        lambda numbers: st.sampled_from(["0", "1", ""]).flatmap(
            lambda unused: st.sampled_from(["1", "0", "2147483647", "2147483648", "01", "x"]).map(lambda orders: [*numbers, unused, orders])
        )
    )
    good = st.tuples(st.integers(1, 10**17), st.integers(0, 9)).map(lambda pair: [str(Decimal(pair[0]).scaleb(-pair[1])), "0.5", "0", "3"])
    side = st.lists(good, max_size=4) if draw(st.booleans()) else st.lists(level | good, max_size=2)
    row: dict[str, Any] = {"asks": draw(side), "bids": draw(side), "ts": str(draw(st.integers(0, 2 * 10**12)))}
    for name in ("checksum", "seqId", "prevSeqId"):
        if draw(st.booleans()):
            row[name] = draw(WHOLE if draw(st.booleans()) else st.integers(0, 10**9))
    if draw(st.integers(0, 3)) == 0:
        row[draw(st.sampled_from([*row, "other"]))] = draw(SPOILT)
    if draw(st.integers(0, 9)) == 0:
        del row[draw(st.sampled_from(sorted(row)))]
    order = draw(st.permutations(sorted(row)))
    outer: dict[str, Any] = {"arg": {"channel": draw(st.sampled_from(["books", "books5", "books-l2-tbt"])), "instId": "BTC-USDT"}}
    action = draw(st.sampled_from(["update", "snapshot", None]))
    outer |= {} if action is None else {"action": action}
    outer["data"] = [{name: row[name] for name in order}] * draw(st.sampled_from([1, 1, 1, 1, 0, 2]))
    return json.dumps(outer, separators=(",", ":"), ensure_ascii=draw(st.booleans())).encode()


def said(text: bytes) -> Any:
    """Return what a message says, or the kind of its error."""
    try:
        return parse_okx(text, 7)
    except ValueError as error:
        return type(error)


@settings(max_examples=EXAMPLES, deadline=None)
@given(text=books())
def test_fast_reader_says_what_a_json_parser_says(text: bytes) -> None:
    """The same books, to the last bit, or the same error: white space in front sends a message past the fast reader."""
    assert said(text) == said(b" " + text)


def test_fast_reader_takes_what_okx_writes() -> None:
    """A message as OKX's guide shows it is not left to the JSON parser; one with an impossible level is, and says so."""
    text = (
        b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":[["8476.98","415","0","13"]],'
        b'"bids":[["8476.97","256","0","12"]],"ts":"1597026383085","checksum":-855196043,"prevSeqId":-1,"seqId":123456}]}'
    )
    found = read_okx_book(text, 7)
    assert found is not None
    assert found[:7] == ("BTC-USDT", 7, 1597026383085_000_000, True, 123456, -1, -855196043)
    assert [unpacked(side) for side in found[7:]] == [[(8476.97, 256.0, 12)], [(8476.98, 415.0, 13)]]
    assert read_okx_book(text.replace(b'"8476.97"', b'"-1"'), 7) is None
    with pytest.raises(ImpossibleLevel):
        parse_okx(text.replace(b'"8476.97"', b'"-1"'), 7)
    with pytest.raises(TypeError):
        read_okx_book("text", 7)  # type: ignore[arg-type]
