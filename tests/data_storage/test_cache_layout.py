"""The cache's texts give back every event whole, and its series keep bars in order."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from gcg_quant.clock import now_ns
from gcg_quant.data_storage.cache.changes import Changes
from gcg_quant.data_storage.cache.layout import SHAPES, Layout, entry_id, name_of, series_of
from gcg_quant.data_storage.cache.picture import Picture, Series, StateBook
from gcg_quant.events import (
    AccountEvent,
    Bar,
    BarBasis,
    Depth,
    OrderEvent,
    OrderStatus,
    PositionEvent,
    PositionSide,
    Record,
    StrategyStatusEvent,
    Tick,
    TradeTick,
)
from gcg_quant.packing import pack_state, unpack_state
from gcg_quant.redis_sections import RedisSettings

SECOND = 1_000_000_000
KINDS = {
    Tick: "tick",
    Depth: "depth",
    TradeTick: "trade",
    Bar: "bar",
    OrderEvent: "order",
    PositionEvent: "position",
    AccountEvent: "account",
}


def texts(kind: str, event: object) -> dict[str, str]:
    """Return the fields of an event's hash."""
    flat = SHAPES[kind].fields_of(event)  # type: ignore[arg-type]
    packed = SHAPES[kind].packed(event)  # type: ignore[arg-type]
    words = [text.encode() for text in flat]
    assert packed[:2] == (len(flat), b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words))
    names = [field for at, field in enumerate(SHAPES[kind].fields) if not packed.absent >> at & 1]
    assert names == flat[::2]
    return dict(zip(flat[::2], flat[1::2], strict=True))


def bar(start_s: int, close: float = 1.0, revision: int = 0, **others: object) -> Bar:
    """Return a one-minute bar."""
    start = start_s * SECOND
    return Bar(symbol="A", venue="V", period="1m", start_ns=start, event_ns=start + 60 * SECOND, close=close, revision=revision, **others)


def test_every_record_comes_back_whole(market_records: list[Record], order_records: list[Record]) -> None:
    """A hash holds each market's records to the last digit; what is absent has no field."""
    for record in [*market_records, order_records[0]]:
        kind = KINDS.get(type(record))
        if kind is None:
            continue  # the cache keeps no deltas and no fills
        fields = texts(kind, record)
        assert SHAPES[kind].event(fields) == record
        assert not any(text in ("nan", "") for text in fields.values())


@examples(max_examples=60)
@given(values=st.lists(st.floats(allow_infinity=False), min_size=5, max_size=5), number=st.integers(-(2**63) + 1, 2**63 - 1))
def test_numbers_keep_all_their_digits(values: list[float], number: int) -> None:
    """Any price comes back as the same 64 bits; any time, too."""
    tick = Tick(symbol="中", venue="V", event_ns=number, last_price=values[0], bid_price=values[1], volume=values[2], ask_size=values[3])
    found = SHAPES["tick"].event(texts("tick", tick))
    for name in ("last_price", "bid_price", "volume", "ask_size"):
        one, other = getattr(tick, name), getattr(found, name)
        assert one.hex() == other.hex() if not math.isnan(one) else math.isnan(other)
    assert found.event_ns == number


def test_a_strategy_comes_back_with_its_parameters() -> None:
    """Lists and tables are JSON; what only an adapter reads is left out."""
    event = StrategyStatusEvent(strategy="网格", state="running", symbols=["A", "B"], parameters={"n": 1, "名": "x"}, run={"secret": 1})
    fields = texts("strategy", event)
    assert fields["parameters"] == '{"n": 1, "名": "x"}'
    assert "run" not in fields
    assert SHAPES["strategy"].event(fields) == StrategyStatusEvent(
        strategy="网格", state="running", symbols=["A", "B"], parameters={"n": 1, "名": "x"}
    )


def test_names_tell_worlds_series_and_sides_apart() -> None:
    """Two things of which both are kept never share a key."""
    layout = Layout("gcg:a*b", "paper")
    assert layout.hash("tick", "X@V") == "gcg:a*b:paper:tick:X@V"
    assert layout.pattern == r"gcg:a\*b:paper:*"
    assert Layout("gcg:a", "replay").root != Layout("gcg:a", "paper").root
    assert series_of("1m", BarBasis.LAST) == "1m"
    assert name_of("bar", Bar(symbol="X", venue="V", period="1m", basis=BarBasis.MID)) == "1m-mid:X@V"
    sides = {
        name_of("position", PositionEvent(account="a", strategy="s", symbol="X", venue="V", position_side=side))
        for side in (PositionSide.LONG, PositionSide.SHORT)
    }
    assert sides == {"a:s:X@V:long", "a:s:X@V:short"}
    assert entry_id(bar(60, revision=2)) == "60000-2"


# ---- series


def test_a_series_sends_each_bar_once() -> None:
    """Bars that come in order are appended; one that comes again is not sent again."""
    series = Series()
    assert all(series.take(bar(60 * at), 3) for at in range(5))
    assert [one.start_ns // SECOND for one in series.unsent()] == [120, 180, 240]
    series.mark_sent()
    assert not series.take(bar(240), 3)
    assert series.unsent() == []
    assert series.take(bar(300), 3)
    assert [one.start_ns // SECOND for one in series.unsent()] == [300]
    assert not series.whole


def test_a_revision_goes_behind_the_bar_and_a_late_bar_makes_the_stream_new() -> None:
    """The newest bar's revision has a larger id, and is appended; what belongs before the end cannot be, and the stream is written anew."""
    series = Series()
    for at in (0, 60, 180):
        series.take(bar(at), 10)
    series.mark_sent()
    assert series.take(bar(180, 2.0, revision=1), 10)
    assert (series.whole, [entry_id(one) for one in series.unsent()]) == (False, ["180000-1"])
    assert not series.take(bar(180, 1.0), 10), "an older revision is old news"
    series.mark_sent()
    assert not series.take(bar(120), 10)
    assert (series.whole, [one.start_ns // SECOND for one in series.unsent()]) == (True, [0, 60, 120, 180])
    assert not series.take(bar(60, 5.0), 10)
    assert [one.close for one in series.bars] == [1.0, 5.0, 1.0, 2.0]


def test_a_full_series_takes_no_bar_older_than_its_first() -> None:
    """History that is filled in late pushes nothing newer out."""
    series = Series()
    for at in (600, 660, 720):
        series.take(bar(at), 3)
    assert not series.take(bar(0), 3)
    assert len(series.bars) == 3


# ---- the picture


def test_the_book_drops_what_is_over_and_survives_a_snapshot() -> None:
    """Orders that are done and strategies that were unloaded go; the rest is the same after dump and load."""
    book = StateBook()
    book.apply(OrderEvent(symbol="X", venue="V", request=7, status=OrderStatus.ACCEPTED))
    book.apply(OrderEvent(symbol="X", venue="V", request=8, status=OrderStatus.ACCEPTED))
    book.apply(OrderEvent(symbol="X", venue="V", request=0, status=OrderStatus.REJECTED))
    book.apply(StrategyStatusEvent(strategy="s", state="running"))
    book.apply(StrategyStatusEvent(strategy="t", state="running"))
    book.apply(AccountEvent(account="a", currency="USDT", cash=5.0))
    picture = Picture(10)
    book.tell(picture)
    assert len(picture.entries) == 5
    book.apply(OrderEvent(symbol="X", venue="V", request=7, status=OrderStatus.FILLED))
    book.apply(StrategyStatusEvent(strategy="t", state="unloaded"))
    book.tell(picture)
    assert set(picture.entries) == {("order", "8"), ("strategy", "s"), ("account", "a:USDT")}
    assert {("order", "7"), ("strategy", "t")} <= picture.dirty.keys()
    again = StateBook()
    again.load(unpack_state(pack_state(book.dump())))
    assert again.events == book.events


@pytest.mark.parametrize("most", [0, 1, 4])
def test_a_picture_is_bounded(most: int) -> None:
    """However many bars come, a series holds so many, and one if streams are off."""
    picture = Picture(most)
    for at in range(20):
        picture.take_bar(bar(60 * at))
    assert len(picture.series["1m:A@V"].bars) == max(most, 1)
    assert picture.entries["bar", "1m:A@V"].start_ns == 19 * 60 * SECOND


def test_what_is_too_old_is_not_shown_as_new() -> None:
    """A fill gives each key the rest of its life, and writes nothing whose time is over."""
    day_ns = 86_400 * SECOND
    picture, layout = Picture(10), Layout("gcg:t", "paper")
    for name, age_ns in (("NEW", 0), ("OLD", day_ns // 4), ("GONE", day_ns)):
        found = {"symbol": name, "venue": "V", "time_ns": str(now_ns() - age_ns)}
        picture.take("tick", SHAPES["tick"].event(found))
    picture.take_bar(SHAPES["bar"].event({"symbol": "A", "venue": "V", "period": "1m", "start_ns": "60000000000", "time_ns": "1"}))
    commands = Changes(picture, layout, RedisSettings(ttl_s={"tick": 86_400.0, "bar": 10.0})).commands
    lives = {words[1]: words[2] for words in commands if words[0] == "PEXPIRE"}
    assert lives.keys() == {"gcg:t:paper:tick:NEW@V", "gcg:t:paper:tick:OLD@V"}
    assert 86_399_000 <= lives["gcg:t:paper:tick:NEW@V"] <= 86_400_000
    assert 64_799_000 <= lives["gcg:t:paper:tick:OLD@V"] <= 64_800_000
    assert not any(words[0] in ("HSET", "XADD") and ("GONE" in words[1] or ":bar" in words[1]) for words in commands)
    assert ("SREM", "gcg:t:paper:index:tick", "GONE@V") in commands
