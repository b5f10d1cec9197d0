"""The hot records as Python types."""

from __future__ import annotations

import math
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcg_quant import _native
from gcg_quant.errors import EventError
from gcg_quant.events import HOT_RECORDS, Bar, BarBasis, Depth, Fill, OrderCommand, OrderRequest, Record, Side, Tick, TradeTick

ROOT = Path(__file__).resolve().parents[2]


def test_absent_price_is_nan_and_absent_number_minus_one() -> None:
    """A field that is not given holds its absent value, never 0."""
    tick = Tick(symbol="X", venue="V")
    assert math.isnan(tick.last_price)
    assert math.isnan(tick.bid_size)
    assert tick.venue_seq == -1
    assert tick.trading_day == 0
    assert tick.exchange == ""
    assert (tick.id, tick.time_ns, tick.cause, tick.source, tick.flags) == (0, 0, 0, "", 0)


def test_none_means_absent() -> None:
    """None stands for the default of any field."""
    assert math.isnan(Tick(last_price=None).last_price)


def test_enumerated_field_returns_the_member() -> None:
    """An enumerated field comes back as its IntEnum member."""
    assert TradeTick(aggressor=Side.SELL).aggressor is Side.SELL
    assert Bar(basis=1).basis is BarBasis.BID


def test_unknown_keyword_is_refused() -> None:
    """A misspelt field is a TypeError that names it."""
    with pytest.raises(TypeError, match=r"Tick\(\) has no field 'lastprice'"):
        Tick(lastprice=1.0)  # type: ignore[call-arg]


def test_positional_argument_is_refused() -> None:
    """Records are built from keywords only."""
    with pytest.raises(TypeError, match="keywords only"):
        Tick(1.0)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: OrderRequest(account="a" * 25), "OrderRequest.account holds at most 24 bytes of UTF-8, found 25"),
        (lambda: OrderRequest(side=9), "OrderRequest.side must be a Side, found 9."),
        (lambda: OrderRequest(side="buy"), "OrderRequest.side must be a Side."),
        (lambda: Tick(last_price="x"), "Tick.last_price must be a number."),
        (lambda: Tick(event_ns=1.5), "Tick.event_ns must be a whole number."),
        (lambda: Tick(trading_day=2**40), "Tick.trading_day does not fit 32 bits."),
        (lambda: Depth(bid_prices=[1.0] * 11), "Depth.bid_prices holds at most 10 levels, found 11."),
        (lambda: Tick(symbol=5), "symbol must be a str."),
    ],
)
def test_value_that_does_not_fit_is_one_sentence(build: Any, sentence: str) -> None:
    """A value of the wrong kind or size names the field and what it holds."""
    with pytest.raises(EventError, match=re.escape(sentence)):
        build()


def test_records_are_immutable() -> None:
    """No attribute of a record can be set."""
    tick = Tick(last_price=1.0)
    with pytest.raises(AttributeError):
        tick.last_price = 2.0  # type: ignore[misc]


def test_replace_returns_a_changed_copy() -> None:
    """replace() changes the copy and leaves the record alone."""
    tick = Tick(symbol="X", last_price=1.0, bid_price=0.5)
    changed = tick.replace(last_price=2.0, symbol="Y")
    assert (changed.symbol, changed.last_price, changed.bid_price) == ("Y", 2.0, 0.5)
    assert (tick.symbol, tick.last_price) == ("X", 1.0)


def test_recast_keeps_what_both_kinds_have() -> None:
    """recast() makes a record of another class: symbol, venue and common fields are kept, when it happened and the rest are not."""
    names = {"symbol": "X", "venue": "V", "event_ns": 5, "recv_ns": 6, "ordinal": 7}
    request = OrderRequest(**names, client_id="c", quantity=3.0, side=Side.SELL, order_flags=1, expire_ns=9, tag="t")
    command = request.recast(OrderCommand, event_ns=8, gateway="paper")
    expected = {name: value for name, value in OrderCommand(**names, gateway="paper").to_dict().items() if value == value}
    expected |= {"client_id": "c", "quantity": 3.0, "side": Side.SELL, "order_flags": 1, "expire_ns": 9, "tag": "t"}
    expected |= {"event_ns": 8, "recv_ns": 0, "ordinal": 0}
    assert {name: value for name, value in command.to_dict().items() if value == value} == expected
    assert command.recast(OrderRequest).recast(OrderCommand, event_ns=8, gateway="paper") == command
    assert request.recast(Tick, last_price=1.0) == Tick(symbol="X", venue="V", last_price=1.0)


@pytest.mark.parametrize("arguments", [(), (OrderRequest, 5), ("Tick",), (int,)])
def test_recast_to_no_record_is_a_mistake(arguments: tuple[Any, ...]) -> None:
    """One record class is due."""
    with pytest.raises(TypeError, match=r"recast\(\) takes a record class"):
        Tick().recast(*arguments)


def test_recast_with_an_unknown_field_is_a_mistake() -> None:
    """As it is when a record is made."""
    with pytest.raises(TypeError, match="Tick\\(\\) has no field 'quantity'"):
        OrderRequest(quantity=1.0).recast(Tick, quantity=2.0)


def test_bar_end_is_its_event_time() -> None:
    """A bar's end_ns and event_ns are one field."""
    assert Bar(end_ns=60).event_ns == 60
    assert Bar(event_ns=60).end_ns == 60


def test_depth_levels_are_padded_with_absent_values() -> None:
    """Levels that are not given are NaN prices and -1 order counts."""
    depth = Depth(bid_prices=[1.0, 2.0], bid_orders=[3])
    assert depth.bid_prices[:2] == (1.0, 2.0)
    assert math.isnan(depth.bid_prices[2])
    assert depth.bid_orders[:2] == (3, -1)


@pytest.mark.parametrize("cls", HOT_RECORDS)
def test_pickle_and_equality(cls: type[Record]) -> None:
    """A record survives pickling and equals its copy, NaN included."""
    record: Any = cls(symbol="BTC/USDT", venue="Börse", event_ns=5, ordinal=2)
    again = pickle.loads(pickle.dumps(record))
    assert again == record
    assert hash(again) == hash(record)
    assert (again.symbol, again.venue) == ("BTC/USDT", "Börse")
    assert record.replace(event_ns=6) != record


@pytest.mark.parametrize("cls", HOT_RECORDS)
def test_dtype_describes_the_payload(cls: type[Record]) -> None:
    """The NumPy dtype reads the record's own bytes."""
    record: Any = cls(symbol="X", event_ns=7, recv_ns=8, ordinal=9)
    row = np.frombuffer(record, cls.dtype)[0]
    assert (row["event_ns"], row["recv_ns"], row["ordinal"]) == (7, 8, 9)
    for name, value in record.to_dict().items():
        if name in (cls.dtype.names or ()):
            np.testing.assert_equal(np.asarray(row[name]).astype("S" if isinstance(value, str) else None), _plain(value))


def _plain(value: Any) -> Any:
    return np.asarray(value.encode() if isinstance(value, str) else value)


@given(price=st.floats(allow_nan=False), text=st.text(max_size=4), number=st.integers(-(2**63), 2**63 - 1))
def test_any_value_comes_back(price: float, text: str, number: int) -> None:
    """Every float, short text and 64-bit number comes back as it went in."""
    encodable = text.encode("utf-8", "ignore").decode().replace("\x00", "")
    trade = TradeTick(price=price, condition=encodable, venue_seq=number)
    assert (trade.price, trade.condition, trade.venue_seq) == (price, encodable, number)


def test_repr_shows_what_is_set() -> None:
    """The repr names the fields that differ from their defaults."""
    assert repr(Fill(symbol="X", price=2.5)) == "Fill(symbol='X', venue='', price=2.5)"


def test_stub_names_every_field() -> None:
    """The hand-kept .pyi has every record, and every field of it."""
    stub = (ROOT / "gcg_quant/_native.pyi").read_text()
    for cls in HOT_RECORDS:
        body = stub.split(f"class {cls.__name__}(Record):", 1)[1].split("\nclass ", 1)[0]
        for name in cls.dtype.names or ():
            assert f"def {name}(self)" in body, f"{cls.__name__}.{name}"


def test_type_numbers_are_unique() -> None:
    """No two events share a type number."""
    numbers = [record["type"] for record in _native.record_schema()]
    assert len(numbers) == len(set(numbers)) == len(HOT_RECORDS)
