"""From source rows to records."""

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gcg_quant.bus import EventBus
from gcg_quant.clock import from_iso
from gcg_quant.data_collector import FileImporter, ImportOptions, Progress, content_sha256
from gcg_quant.errors import ImportFileError
from gcg_quant.events import Bar, BarBasis, Quality, Side, Tick, TradeTick, VolumeKind, World

_UTC: dict[str, Any] = {"symbol": "X", "venue": "V", "timezone": "UTC"}
_BAR = {**_UTC, "stamp": "start", "period": "1m"}
_HEAD = "time,open,high,low,close,volume\n"
_QUOTE_HEAD = "time,bid_open,bid_high,bid_low,bid_close,bid_size,ask_open,ask_high,ask_low,ask_close,ask_size\n"


# ---- which row becomes which records


def test_trade_bar_row_becomes_one_bar(importing: Any, write: Callable[..., Path]) -> None:
    """Open, high, low, close and volume; the time is the start, the end one period later."""
    importing.run(write(_HEAD + "2013-10-07T04:00:00,167.41,167.5,167.25,167.27,3197\n"), **_BAR)
    (bar,) = importing.events()
    assert bar == Bar(
        symbol="X",
        venue="V",
        start_ns=from_iso("2013-10-07T04:00:00"),
        end_ns=from_iso("2013-10-07T04:01:00"),
        period="1m",
        open=167.41,
        high=167.5,
        low=167.25,
        close=167.27,
        volume=3197.0,
    )


def test_quote_bar_row_becomes_a_bid_and_an_ask_bar(importing: Any, write: Callable[..., Path]) -> None:
    """Two bars of one row, the bid first; a size of 0 beside a price means that none was published."""
    report = importing.run(write(_QUOTE_HEAD + "2013-10-07T04:00:00,1,3,1,2,300,2,4,2,3,0\n"), **_BAR)
    bid, ask = importing.events()
    assert (bid.basis, bid.open, bid.high, bid.low, bid.close, bid.quote_size) == (BarBasis.BID, 1, 3, 1, 2, 300)
    assert (ask.basis, ask.open, ask.high, ask.low, ask.close) == (BarBasis.ASK, 2, 4, 2, 3)
    assert math.isnan(ask.quote_size)
    assert math.isnan(bid.volume)
    assert report.stored_rows == 1
    assert report.records == {"Bar": 2}
    assert report.notes == {"ask_size is 0 beside a price, which means: not published": 1}


def test_quote_bar_side_without_prices_has_no_bar(importing: Any, write: Callable[..., Path]) -> None:
    """Only the other side's bar is stored, and counted so."""
    report = importing.run(write(_QUOTE_HEAD + "2013-10-07T04:00:00,,,,,0,2,4,2,3,9\n2013-10-07T04:01:00,1,3,1,2,3,,,,,0\n"), **_BAR)
    assert [bar.basis for bar in importing.events()] == [BarBasis.ASK, BarBasis.BID]
    assert report.notes == {"one side has no price, only the other side's bar is stored": 2}


def test_quote_row_becomes_a_tick_without_a_last_price(importing: Any, write: Callable[..., Path]) -> None:
    """Bid and ask, and nothing that the file does not say."""
    importing.run(write("time,bid,ask\n2014-05-01T00:00:00.292,1.38676,1.38686\n"), **_UTC)
    (tick,) = importing.events()
    assert tick == Tick(symbol="X", venue="V", event_ns=from_iso("2014-05-01T00:00:00.292"), bid_price=1.38676, ask_price=1.38686)


def test_zero_price_means_that_the_row_does_not_speak_of_this_side(importing: Any, write: Callable[..., Path]) -> None:
    """One-sided quotes: the other side's price and size are absent, never 0."""
    text = "time,bid,bid_size,ask,ask_size,exchange,condition,suspicious\n2013-10-08T04:00:00.640,180.01,200,0,0,P,1,1\n"
    report = importing.run(write(text), **_UTC)
    (tick,) = importing.events()
    assert (tick.bid_price, tick.bid_size, tick.exchange, tick.condition, tick.quality) == (180.01, 200, "P", "1", Quality.SUSPICIOUS)
    assert math.isnan(tick.ask_price)
    assert math.isnan(tick.ask_size)
    assert report.notes == {"one side has no price": 1}


def test_trade_row_becomes_a_trade(importing: Any, write: Callable[..., Path]) -> None:
    """With its exchange, condition, aggressor and id; a size of 0 is stored as it is."""
    text = "time,price,size,exchange,condition,suspicious,side,trade_id,seq\n2013-10-08T08:47:49.457,182.1,0,P,2000,0,Buy,t-1,77\n"
    importing.run(write(text), **_UTC)
    (trade,) = importing.events()
    assert trade == TradeTick(
        symbol="X",
        venue="V",
        event_ns=from_iso("2013-10-08T08:47:49.457"),
        price=182.1,
        size=0.0,
        exchange="P",
        condition="2000",
        aggressor=Side.BUY,
        trade_id="t-1",
        venue_seq=77,
    )


def test_open_interest_row_becomes_a_tick_with_nothing_else(importing: Any, write: Callable[..., Path]) -> None:
    """Open interest alone."""
    importing.run(write("time,open_interest\n2013-10-07T06:06:00,2691941\n"), **_UTC)
    assert importing.events() == [Tick(symbol="X", venue="V", event_ns=from_iso("2013-10-07T06:06:00"), open_interest=2691941.0)]


_SNAPSHOT = (
    "exchange,instrument,trading_day,action_day,time,last,open,high,low,upper_limit,lower_limit,total_volume,volume,total_turnover,turnover,"
    "open_interest,oi_change,pre_close,pre_settle,pre_oi,bid1,bid1_size,ask1,ask1_size\n"
    "CFFEX,IF2101,20210104,20210104,09:29:00.400,5230,5230,5230,5230,5737.8,4694.6,240,240,376560000,376560000,90767,-59,5227,5216.2,90826,5230,1,5230.8,2\n"
)


def test_snapshot_row_becomes_a_tick_with_all_its_fields(importing: Any, write: Callable[..., Path]) -> None:
    """A CTP-like snapshot keeps day volume, turnover, limits and what was before."""
    report = importing.run(write(_SNAPSHOT, "CFFEX_IF_tick.csv"))
    (tick,) = importing.events()
    assert tick == Tick(
        symbol="IF2101",
        venue="CFFEX",
        event_ns=from_iso("2021-01-04T01:29:00.400"),
        last_price=5230.0,
        open=5230.0,
        high=5230.0,
        low=5230.0,
        upper_limit=5737.8,
        lower_limit=4694.6,
        volume=240.0,
        turnover=376560000.0,
        volume_kind=VolumeKind.DAY,
        open_interest=90767.0,
        prev_close=5227.0,
        prev_settlement=5216.2,
        prev_open_interest=90826.0,
        bid_price=5230.0,
        bid_size=1.0,
        ask_price=5230.8,
        ask_size=2.0,
        trading_day=20210104,
        exchange="CFFEX",
    )
    assert importing.bus.instruments.get("IF2101").multiplier == 300
    assert report.inferred["timezone"].startswith("Chinese exchanges stamp")


def test_single_amounts_that_contradict_the_totals_are_counted(importing: Any, write: Callable[..., Path]) -> None:
    """They are not stored, so a difference is reported."""
    text = "time,last,total_volume,volume\n2021-01-04T01:29:00Z,1,10,10\n2021-01-04T01:29:01Z,1,15,5\n2021-01-04T01:29:02Z,1,20,6\n"
    report = importing.run(write(text), **_UTC)
    assert report.notes["single_volume differs from the change of volume, and only volume is stored"] == 1


def test_absent_prices_of_a_snapshot_are_nan(importing: Any, write: Callable[..., Path]) -> None:
    """0 and CTP's largest double stand for no price."""
    text = "time,last,bid1,ask1,upper_limit\n2021-01-04T01:29:00Z,0,1.7976931348623157e308,5,0\n"
    importing.run(write(text), **_UTC)
    (tick,) = importing.events()
    assert [math.isnan(value) for value in (tick.last_price, tick.bid_price, tick.ask_price, tick.upper_limit)] == [True, True, False, True]


def test_daily_bars_last_from_midnight_to_midnight_across_clock_changes(importing: Any, write: Callable[..., Path]) -> None:
    """The day on which New York's clocks go forward has 23 hours, and the day number is the local one."""
    text = _HEAD + "2013-03-09,1,2,1,2,5\n2013-03-10,1,2,1,2,5\n2013-03-11,1,2,1,2,5\n"
    importing.run(write(text), symbol="X", timezone="America/New_York", stamp="start", period="1d")
    bars = importing.events()
    assert [(bar.end_ns - bar.start_ns) // 3_600_000_000_000 for bar in bars] == [24, 23, 24]
    assert [bar.trading_day for bar in bars] == [20130309, 20130310, 20130311]
    assert bars[0].start_ns == from_iso("2013-03-09T05:00:00Z")


def test_stamp_says_which_end_the_time_is(importing: Any, write: Callable[..., Path]) -> None:
    """With stamp end, a bar reaches up to its time."""
    importing.run(write(_HEAD + "2013-10-07T04:01:00,1,2,1,2,5\n"), **{**_BAR, "stamp": "end"})
    (bar,) = importing.events()
    assert (bar.start_ns, bar.end_ns) == (from_iso("2013-10-07T04:00:00"), from_iso("2013-10-07T04:01:00"))


def test_identical_rows_are_all_kept_and_numbered(importing: Any, write: Callable[..., Path]) -> None:
    """Equal times get ordinals 0, 1, 2 ..., across chunks too."""
    row = "2013-10-07T00:00:00.276,1313.7,1\n"
    report = importing.run(write("time,price,size\n" + row * 5), **_UTC, chunk_bytes=70)
    assert [trade.ordinal for trade in importing.events()] == [0, 1, 2, 3, 4]
    assert report.stored_rows == 5


def test_bid_and_ask_bars_count_their_equal_times_apart(importing: Any, write: Callable[..., Path]) -> None:
    """The two bars of one row both have ordinal 0."""
    importing.run(write(_QUOTE_HEAD + "2013-10-07T04:00:00,1,3,1,2,3,2,4,2,3,9\n" * 2), **_BAR)
    assert [bar.ordinal for bar in importing.events()] == [0, 0, 1, 1]


def test_file_of_several_instruments_keeps_them_apart(importing: Any, write: Callable[..., Path]) -> None:
    """Order and ordinals are per instrument."""
    text = "time,symbol,price\n2013-10-07T00:00:02Z,A,1\n2013-10-07T00:00:01Z,B,2\n2013-10-07T00:00:02Z,A,3\n2013-10-07T00:00:02Z,,4\n"
    report = importing.run(write(text))
    assert [(trade.symbol, trade.price, trade.ordinal) for trade in importing.events()] == [("A", 1, 0), ("B", 2, 0), ("A", 3, 1)]
    assert report.reasons == {"symbol is missing": 1}
    assert report.instruments == ["A", "B"]


# ---- bad rows


@pytest.mark.parametrize(
    ("head", "row", "options", "reason"),
    [
        (_HEAD, "2013-10-07T04:00:00,1,2,1,x,5", _BAR, "close is no number"),
        (_HEAD, "2013-10-07T04:00:00,1,2,1,,5", _BAR, "close is missing"),
        (_HEAD, "2013-10-07T04:00:00,1,2,1,NaN,5", _BAR, "close is missing"),
        (_HEAD, "2013-10-07T04:00:00,1,inf,1,1,5", _BAR, "high is no number"),
        (_HEAD, "2013-10-07T04:00:00,2,1,3,2,5", _BAR, "high is below low"),
        (_HEAD, "2013-10-07T04:00:00,5,2,1,2,5", _BAR, "open lies outside low to high"),
        (_HEAD, "2013-10-07T04:00:00,1,2,1,0.5,5", _BAR, "close lies outside low to high"),
        (_HEAD, "2013-10-07T04:00:00,1,2,1,2,-5", _BAR, "volume is negative"),
        (_HEAD, "2013-10-07T04:00:00,0,2,0,2,5", _BAR, "a price is zero or negative (see the option allow_nonpositive)"),
        (_HEAD, "2013-10-07T25:00:00,1,2,1,2,5", _BAR, "the time cannot be read"),
        (_HEAD, "2013-10-07T04:00:00,1,2,1,2", _BAR, "wrong number of cells: 6 were expected, 5 found"),
        (_QUOTE_HEAD, "2013-10-07T04:00:00,1,3,,2,3,2,4,2,3,9", _BAR, "the bid side has only some of its prices"),
        (_QUOTE_HEAD, "2013-10-07T04:00:00,,,,,0,,,,,0", _BAR, "neither side has a price"),
        (_QUOTE_HEAD, "2013-10-07T04:00:00,1,3,1,2,3,2,1,2,3,9", _BAR, "ask_high is below ask_low"),
        ("time,bid,ask\n", "2013-10-07T04:00:00,0,0", _UTC, "neither side has a price"),
        ("time,bid,ask\n", "2013-10-07T04:00:00,-1,2", _UTC, "a price is negative (see the option allow_nonpositive)"),
        ("time,price,size\n", "2013-10-07T04:00:00,,5", _UTC, "price is missing"),
        ("time,price,size\n", "2013-10-07T04:00:00,0,5", _UTC, "price is zero or negative (see the option allow_nonpositive)"),
        ("time,price,size\n", "2013-10-07T04:00:00,5,-1", _UTC, "size is negative"),
        ("time,price,side\n", "2013-10-07T04:00:00,5,up", _UTC, "side is none of buy, b, sell, s, none, n"),
        ("time,price,exchange\n", "2013-10-07T04:00:00,5,LONGNAMES", _UTC, "exchange is longer than 8 bytes"),
        ("time,price,seq\n", "2013-10-07T04:00:00,5,1.5", _UTC, "seq is no whole number"),
        ("time,price,trading_day\n", "2013-10-07T04:00:00,5,Monday", _UTC, "trading_day is no day such as 20210104"),
        ("time,last,bid,high,low\n", "2013-10-07T04:00:00,5,5,1,2", _UTC, "high is below low"),
        ("time,open_interest\n", "2013-10-07T04:00:00,", _UTC, "open_interest is missing"),
    ],
)
def test_bad_row_is_refused_with_line_and_reason(
    importing: Any, write: Callable[..., Path], head: str, row: str, options: dict[str, Any], reason: str
) -> None:
    """A row that makes no sense is reported and counted, and none of it is stored."""
    report = importing.run(write(head + row + "\n"), **options)
    assert report.reasons == {reason: 1}
    assert report.refusals[0].line == 2
    assert importing.events() == []


def test_refusal_shows_the_cells_concerned(importing: Any, write: Callable[..., Path]) -> None:
    """A reader sees what is wrong without opening the file."""
    report = importing.run(write(_HEAD + "2013-10-07T04:00:00,2,1,3,2,5\n"), **_BAR)
    assert str(report.refusals[0]) == "line 2: high is below low (open = 2, high = 1, low = 3, close = 2)"
    assert "  line 2: high is below low (open = 2, high = 1, low = 3, close = 2)" in report.lines()


def test_time_that_goes_back_is_refused_unless_allowed(importing: Any, write: Callable[..., Path]) -> None:
    """Only the row that goes back is refused; later ones are measured against what was stored."""
    path = write("time,price\n2013-10-07T04:00:02,1\n2013-10-07T04:00:01,2\n2013-10-07T04:00:02,3\n")
    report = importing.run(path, **_UTC, chunk_bytes=40)
    assert [refusal.line for refusal in report.refusals] == [3]
    assert report.reasons == {"the time goes back behind an earlier row (see the option allow_unsorted)": 1}
    assert importing.run(path, **_UTC, allow_unsorted=True).refused_rows == 0


def test_nonpositive_prices_are_taken_when_allowed(importing: Any, write: Callable[..., Path]) -> None:
    """Oil has traded below 0."""
    report = importing.run(write("time,price\n2020-04-20T18:30:00,-37.63\n"), **_UTC, allow_nonpositive=True)
    assert report.stored_rows == 1
    assert importing.events()[0].price == -37.63


def test_local_times_that_never_or_twice_were_are_refused(importing: Any, write: Callable[..., Path]) -> None:
    """A skipped hour does not exist; of a repeated one the option ambiguous chooses."""
    path = write("time,price\n2013-03-10T02:30:00,1\n2013-11-03T01:30:00,2\n")
    options = {"symbol": "X", "timezone": "America/New_York"}
    report = importing.run(path, **options)
    assert list(report.reasons) == [
        "the local time does not exist: the clocks of America/New_York skipped it",
        "the local time occurred twice: the clocks of America/New_York were put back (see the option ambiguous)",
    ]
    for choice in ("earlier", "later"):
        report = importing.run(path, **options, ambiguous=choice)
        assert report.notes == {f"a local time that occurred twice was read as the {choice} one": 1}
    assert [trade.event_ns for trade in importing.events()] == [from_iso("2013-11-03T05:30:00Z"), from_iso("2013-11-03T06:30:00Z")]


def test_strict_import_stops_at_the_first_bad_row_and_publishes_nothing(importing: Any, write: Callable[..., Path]) -> None:
    """Nothing is half-done."""
    path = write("time,price\n2013-10-07T04:00:00,1\n2013-10-07T04:00:01,x\n")
    with pytest.raises(ImportFileError, match=r"data.csv, line 3: price is no number \(price = x\); nothing was imported") as caught:
        importing.run(path, **_UTC, strict=True)
    assert caught.value.context["line"] == 3
    assert importing.events() == []


def test_only_the_first_thousand_refusals_are_kept_but_all_are_counted(importing: Any, write: Callable[..., Path]) -> None:
    """A wholly bad file does not fill the memory."""
    report = importing.run(write("time,price\n" + "2013-10-07T04:00:00,x\n" * 1500), **_UTC)
    assert report.refused_rows == 1500
    assert len(report.refusals) == 1000


_ROW = st.one_of(
    st.tuples(st.just("good"), st.integers(1, 10**9), st.integers(0, 1000)),
    st.tuples(st.just("bad"), st.sampled_from(["x", "", "nan", "-1", "1;2", '"', "1e999"]), st.just(0)),
)


@settings(
    deadline=None, max_examples=int(os.environ.get("GCG_EXAMPLES", "20")), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(_ROW, max_size=30), chunk_bytes=st.integers(1, 400))
def test_good_rows_come_through_exactly_and_bad_ones_are_named(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, Any, int]], chunk_bytes: int
) -> None:
    """Whatever stands between them, good rows keep their values and bad ones their line number."""
    folder = tmp_path_factory.mktemp("generated")
    path = folder / "data.csv"
    cells = [f"{price / 1000!r}" if kind == "good" else price for kind, price, _ in rows]
    lines = [f"2013-10-07T04:00:{index:02d}.000000007,{cell},{row[2]}" for index, (cell, row) in enumerate(zip(cells, rows, strict=True))]
    path.write_text("\n".join(["time,price,size", *lines]) + "\n")
    with EventBus(folder / "bus", world=World.IMPORT, page_mb=1, sync="none") as bus:
        report = FileImporter(bus, ImportOptions(**_UTC, chunk_bytes=chunk_bytes)).run(path)
        with bus.reader(start="begin") as reader:
            trades = list(reader)
    assert [refusal.line for refusal in report.refusals] == [line for line, row in enumerate(rows, 2) if row[0] == "bad"]
    assert [(trade.price, trade.size) for trade in trades] == [
        (float(cell), row[2]) for cell, row in zip(cells, rows, strict=True) if row[0] == "good"
    ]
    start = from_iso("2013-10-07T04:00:00")
    assert [trade.event_ns for trade in trades] == [start + index * 10**9 + 7 for index, row in enumerate(rows) if row[0] == "good"]


# ---- the rest


def test_progress_reaches_the_end(importing: Any, write: Callable[..., Path]) -> None:
    """The callback sees rows and bytes grow up to the file's content."""
    seen: list[Progress] = []
    path = write("time,price\n" + "2013-10-07T04:00:00,1\n" * 100, "x.csv.gz")
    FileImporter(importing.bus, ImportOptions(**_UTC, chunk_bytes=500)).run(path, seen.append)
    assert len(seen) > 2
    assert seen[-1].rows == 100
    assert seen[-1].bytes_done == seen[-1].bytes_total
    assert [one.bytes_done for one in seen] == sorted(one.bytes_done for one in seen)


def test_report_tells_what_was_done(importing: Any, write: Callable[..., Path]) -> None:
    """The hash, the options, where they came from, the times and the unused columns."""
    path = write("time,price,mood\n2013-10-07T04:00:00,1,good\n2013-10-07T04:00:05,1,bad\n", "IBM_trades.csv.gz")
    report = importing.run(path, timezone="UTC")
    assert report.sha256 == content_sha256(path)
    assert report.kind == "trades"
    assert report.settings["symbol"] == "IBM"
    assert report.inferred["symbol"] == "by the file's name"
    assert report.unused_columns == ["mood"]
    assert (report.first_ns, report.last_ns) == (from_iso("2013-10-07T04:00:00"), from_iso("2013-10-07T04:00:05"))
    assert report.seconds > 0
    assert report.to_dict()["records"] == {"TradeTick": 2}
    assert report.lines()[0].endswith("2 rows = 2 stored + 0 refused")


def test_header_without_rows_imports_nothing(importing: Any, write: Callable[..., Path]) -> None:
    """An empty table is no error."""
    report = importing.run(write("time,price\n"), **_UTC)
    assert report.rows == 0
    assert importing.events() == []


def test_stated_market_gives_new_instruments_their_terms(importing: Any, write: Callable[..., Path]) -> None:
    """Terms come with the market; an instrument that has terms keeps them."""
    path = write("time,price\n2013-10-07T04:00:00,1\n")
    importing.run(path, symbol="EUR/USD", venue="V", timezone="UTC", market="fx")
    assert importing.bus.instruments.get("EUR/USD").lot_size == 1000
    importing.run(path, symbol="EUR/USD", venue="V", timezone="UTC", market="us")
    assert importing.bus.instruments.get("EUR/USD").lot_size == 1000


def test_market_that_does_not_know_the_symbol_is_noted(importing: Any, write: Callable[..., Path]) -> None:
    """Unknown terms do not stop the data."""
    report = importing.run(write("time,price\n2013-10-07T04:00:00,1\n"), **{**_UTC, "symbol": "qq99"}, market="cn_future")
    assert report.stored_rows == 1
    assert any("qq99 keeps the default terms" in note for note in report.notes)


def test_symbol_that_no_instrument_can_have_is_refused(importing: Any, write: Callable[..., Path]) -> None:
    """In a column it refuses the row, and the others are stored."""
    report = importing.run(write(f"time,symbol,price\n2013-10-07T04:00:00Z,{'X' * 90},1\n2013-10-07T04:00:00Z,A,1\n"))
    assert report.reasons == {"symbol or venue is too long or holds an @": 1}
    assert report.stored_rows == 1
