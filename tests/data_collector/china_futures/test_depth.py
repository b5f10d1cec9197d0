"""Depth messages as records: the library's struct with all that may stand in it."""

from __future__ import annotations

import ctypes
from math import inf, isnan, nan
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcg_quant.clock import from_iso
from gcg_quant.data_collector.china_futures import DepthReader, parse_depth
from gcg_quant.data_collector.china_futures.depth import OutsideError
from gcg_quant.errors import InstrumentError
from gcg_quant.events import Depth, Tick
from gcg_quant.openctp_library import Library
from gcg_quant.openctp_terms import exchange_of, instrument_of, usual_future
from gcg_quant.openctp_values import copied

DBL_MAX = 1.7976931348623157e308
NOW = from_iso("2021-01-06T21:00:01", "Asia/Shanghai")
DAYS = {"TradingDay": "20210107", "ActionDay": "20210106", "UpdateTime": "21:00:00", "UpdateMillisec": 500}


def message(ctp: Library, **fields: Any) -> Any:
    """Return a struct of rb2105 at night."""
    made = ctp.market.CThostFtdcDepthMarketDataField()
    usual = {**DAYS, "InstrumentID": "rb2105", "LastPrice": 4300.0, "Volume": 10, "Turnover": 430_000.0, "AveragePrice": 43_000.0}
    for name, value in {**usual, **fields}.items():
        setattr(made, name, value)
    return made


def test_what_is_missing_is_nan_and_five_levels_make_a_book(ctp: Library) -> None:
    """The largest double, its negative, 0 as a limit and a size without a price are absent; sizes stand beside prices alone."""
    fields: dict[str, Any] = {f"BidPrice{level}": 4300.0 - level for level in range(1, 6)}
    fields |= {f"BidVolume{level}": level for level in range(1, 6)}
    fields |= {f"AskPrice{level}": DBL_MAX for level in range(1, 6)} | {"AskVolume1": 0, "AskVolume2": 7}
    fields |= {"UpperLimitPrice": 0.0, "LowerLimitPrice": -DBL_MAX, "SettlementPrice": DBL_MAX, "OpenInterest": 0.0}
    tick, book = parse_depth(message(ctp, **fields), NOW, "SHFE", 10.0)
    assert (tick.last_price, tick.volume, tick.turnover, tick.average_price) == (4300.0, 10.0, 430_000.0, 4300.0)
    assert (tick.bid_price, tick.bid_size, tick.open_interest) == (4299.0, 1.0, 0.0)
    assert all(map(isnan, (tick.ask_price, tick.ask_size, tick.upper_limit, tick.lower_limit, tick.settlement, tick.open)))
    assert book is not None
    assert (book.bid_prices[:5], book.bid_sizes[:5]) == ((4299.0, 4298.0, 4297.0, 4296.0, 4295.0), (1.0, 2.0, 3.0, 4.0, 5.0))
    assert all(map(isnan, book.ask_prices))
    assert parse_depth(message(ctp, BidPrice1=4299.0, BidVolume1=1), NOW, "SHFE")[1] is None


def test_zhengzhou_states_turnover_and_average_otherwise(ctp: Library) -> None:
    """CZCE leaves the multiplier out of both: they come out as those of the others, and equal seconds without milliseconds stay equal."""
    shown = {"InstrumentID": "SR105", "LastPrice": 5300.0, "Turnover": 53_000.0, "AveragePrice": 5300.0, "UpdateMillisec": 0}
    tick, _ = parse_depth(message(ctp, **shown, TradingDay="20210106"), NOW, "CZCE", 10.0)
    assert (tick.turnover, tick.average_price, tick.trading_day) == (530_000.0, 5300.0, 20210107)


def test_a_spread_may_cost_nothing(ctp: Library) -> None:
    """A combination's price of 0 is a price, its limit of 0 is none."""
    fields = {"InstrumentID": "SP rb2105&rb2110", "LastPrice": 0.0, "BidPrice1": -1.0, "BidVolume1": 3, "AskPrice1": 0.0}
    tick, _ = parse_depth(message(ctp, **fields), NOW, "SHFE")
    assert (tick.last_price, tick.bid_price, tick.bid_size) == (0.0, -1.0, 3.0)
    assert isnan(tick.ask_price)


_PRICES = st.floats() | st.sampled_from([DBL_MAX, -DBL_MAX, inf, -inf, nan, 0.0, -0.0])


@settings(max_examples=60)
@given(st.lists(_PRICES, min_size=30, max_size=30), st.lists(st.integers(-(2**31), 2**31 - 1), min_size=12, max_size=12), st.integers())
def test_any_figures_make_a_record(ctp: Library, prices: list[float], volumes: list[int], milliseconds: int) -> None:
    """Whatever numbers the library's struct holds, a tick comes out that holds finite numbers or NaN, and no negative size."""
    made = message(ctp)
    names = [name for name, value in (copied(made) or {}).items() if isinstance(value, float)]
    for name, value in zip(names, prices, strict=False):
        setattr(made, name, value)
    counts = [name for name, value in (copied(made) or {}).items() if isinstance(value, int) and "Volume" in name]
    for name, value in zip(counts, volumes, strict=False):
        setattr(made, name, value)
    made.UpdateMillisec = milliseconds % 2**31
    tick, book = parse_depth(made, NOW, "SHFE", 10.0)
    assert isinstance(tick, Tick)
    assert book is None or isinstance(book, Depth)
    for name in ("last_price", "bid_price", "ask_price", "upper_limit", "settlement", "turnover", "open_interest"):
        assert abs(getattr(tick, name)) != inf
    assert not any(value < 0 for value in (tick.volume, tick.bid_size, tick.ask_size))


def test_texts_are_chinese_in_the_librarys_own_memory(ctp: Library) -> None:
    """The bytes of a front are GB18030, and come out as text; what is none comes out empty, and nothing is raised."""
    order = ctp.trader.CThostFtdcOrderField()
    order.StatusMsg = "@@HERE@@"
    memory = int(order.this)
    place = memory + ctypes.string_at(memory, 1000).find(b"@@HERE@@")
    for raw, shown in (("全部成交报单已提交".encode("gb18030"), "全部成交报单已提交"), (b"\xff\xff", ""), (b"\xd2", "")):
        ctypes.memmove(place, raw + b"\0", len(raw) + 1)
        assert (copied(order) or {})["StatusMsg"] == shown


def test_what_comes_outside_of_the_hours_is_left_out(ctp: Library) -> None:
    """What a front repeats at the login is of a closed market, or seems to be of a time to come; an unknown contract is said."""
    reader = DepthReader(lambda symbol: usual_future(symbol))  # type: ignore[arg-type, return-value]
    assert reader.read(message(ctp), NOW)[0].venue == "SHFE"
    with pytest.raises(OutsideError, match="19:30:00 is outside of the hours of SHFE.rb"):
        reader.read(message(ctp, UpdateTime="19:30:00"), NOW)
    with pytest.raises(OutsideError, match="ahead of ours"):
        reader.read(message(ctp, UpdateTime="15:00:00", ActionDay="20210107"), NOW)
    assert DepthReader(lambda symbol: usual_future(symbol), keep=True).read(message(ctp, UpdateTime="19:30:00"), NOW)  # type: ignore[arg-type, return-value]
    with pytest.raises(InstrumentError, match="no contract of China's futures exchanges"):
        reader.read(message(ctp, InstrumentID="zz2105"), NOW)


def test_contracts_and_their_exchanges() -> None:
    """Each exchange's contracts are known by their products, in their own letters; terms are the counter's where it states them."""
    symbols = {"rb2501": "SHFE", "sc2501": "INE", "m2501": "DCE", "SR501": "CZCE", "IF2501": "CFFEX", "lc2501": "GFEX"}
    assert {symbol: exchange_of(symbol) for symbol in symbols} == symbols
    assert exchange_of("SP a2501&a2505") == "DCE"
    with pytest.raises(InstrumentError, match="Did you mean 'rb2501'"):
        exchange_of("RB2501")
    usual = usual_future("lc2501")
    assert usual is not None
    assert (usual.tick_size, usual.multiplier, usual.calendar, usual.legs, usual.venue) == (20.0, 1.0, "GFEX.lc", True, "GFEX")
    row = {"InstrumentID": "rb2501", "ExchangeID": "SHFE", "ProductID": "rb", "ProductClass": "1", "InstrumentName": "螺纹钢2501"}
    row |= {"PriceTick": 1.0, "VolumeMultiple": 10, "MinLimitOrderVolume": 2, "LongMarginRatio": 0.11, "ShortMarginRatio": 0.13}
    stated = instrument_of(row)
    assert (stated.margin_rate, stated.min_quantity, stated.description, stated.taker_fee) == (0.13, 2.0, "螺纹钢2501", 0.0001)
    with pytest.raises(InstrumentError, match="tick_size"):
        instrument_of({**row, "PriceTick": DBL_MAX})


def test_a_plain_object_is_read_like_the_struct(ctp: Library) -> None:
    """The parser is a pure function of the fields."""
    made = message(ctp)
    plain = SimpleNamespace(**(copied(made) or {}))
    assert parse_depth(plain, NOW, "SHFE")[0] == parse_depth(made, NOW, "SHFE")[0]
