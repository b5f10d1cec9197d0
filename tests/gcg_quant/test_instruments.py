"""Instruments: terms of six markets, and the only place that rounds."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcg_quant.clock import from_iso
from gcg_quant.errors import InstrumentError
from gcg_quant.instrument_codec import MAX_TERMS_BYTES, decode_terms, encode_terms
from gcg_quant.instruments import Instrument, preset
from gcg_quant.market_terms import hk_tick, market_of

MARKET_EXAMPLES: list[tuple[str, str, dict[str, Any]]] = [
    ("fx", "EUR/USD", {}),
    ("fx", "USDJPY", {}),
    ("cn_stock", "600519", {}),
    ("cn_stock", "688981", {}),
    ("cn_stock", "510300", {}),
    ("cn_future", "IF2412", {}),
    ("cn_future", "rb2501", {}),
    ("us", "SPY", {}),
    ("us", "ESZ3", {"kind": "future"}),
    ("us", "ES", {"kind": "future"}),
    ("hk", "00700", {"price": 380.0}),
    ("crypto", "BTC/USDT", {}),
]
TICKS = st.sampled_from([0.01, 0.2, 0.25, 0.5, 1.0, 5.0, 0.001, 0.00001, 1e-8, 0.05])


def make(**terms: Any) -> Instrument:
    """Return a test instrument with some terms."""
    return Instrument(symbol="X", venue="TEST", **terms)


@pytest.mark.parametrize(("market", "symbol", "options"), MARKET_EXAMPLES)
def test_terms_come_back_from_the_table(market: str, symbol: str, options: dict[str, Any]) -> None:
    """Encoded terms fit into the bus's table and decode to the same instrument."""
    instrument = preset(market, symbol, "SIM", **options)
    packed = encode_terms(instrument)
    assert len(packed) <= MAX_TERMS_BYTES
    assert decode_terms(symbol, "SIM", packed) == instrument
    assert instrument.market == market


def test_longest_ordinary_terms_fit_the_table() -> None:
    """All fields set at once still fit into a row."""
    numbers = dict.fromkeys(("tick_size", "lot_size", "min_quantity", "multiplier", "margin_rate", "maker_fee", "taker_fee"), 0.123456789)
    fees = dict.fromkeys(("fee_per_unit", "fee_per_order", "min_fee", "stamp_duty", "price_limit"), 0.1)
    fees |= {
        "close_today_fee": 0.1,
        "close_today_fee_per_unit": 0.1,
        "legs": True,
        "today_apart": True,
        "larger_side": True,
        "inverse": True,
    }
    texts = {"kind": "future", "market": "cn_future", "currency": "CNY", "calendar": "CFFEX.IF", "description": "x" * 100}
    full = make(**numbers, **fees, **texts, t_plus_one=True, timezone="America/Argentina/ComodRivadavia")
    assert decode_terms("X", "TEST", encode_terms(full)) == full
    with pytest.raises(InstrumentError, match="376 is the limit"):
        encode_terms(make(description="x" * 400))


def test_no_terms_are_the_defaults_and_bad_ones_are_refused() -> None:
    """An empty row is an instrument on which anything goes; a damaged one names the instrument."""
    assert decode_terms("X", "TEST", b"") == make()
    with pytest.raises(InstrumentError, match="X@TEST in the instrument table cannot be read"):
        decode_terms("X", "TEST", b"\xff\x00")


def test_terms_of_a_later_version_are_skipped() -> None:
    """A field number that this version does not know is passed over."""
    assert decode_terms("X", "TEST", b"\x82\x04\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00\xcc\xc8\x01") == make(tick_size=0.5)


@given(TICKS, st.integers(-(10**9), 10**9))
def test_price_of_ticks_is_the_nearest_float(tick: float, count: int) -> None:
    """A price made of ticks prints as its decimal value and counts back to the same ticks."""
    instrument = make(tick_size=tick)
    price = instrument.price(count)
    assert instrument.ticks(price) == count
    assert f"{price:.{instrument.decimals}f}" == f"{round(price, instrument.decimals):.{instrument.decimals}f}"
    assert price == round(price, 8)


@given(TICKS, st.floats(-1e7, 1e7))
def test_rounding_yields_valid_prices_on_the_right_side(tick: float, price: float) -> None:
    """Rounded prices are multiples of the tick; "down" is never above and "up" never below, but for float dust."""
    instrument = make(tick_size=tick)
    dust = tick * 1e-5 + 8 * math.ulp(price)
    for rounding, low, high in (("nearest", -tick / 2, tick / 2), ("down", -tick, 0.0), ("up", 0.0, tick)):
        rounded = instrument.round_price(price, rounding)  # type: ignore[arg-type]
        instrument.ticks(rounded)
        assert low - dust <= rounded - price <= high + dust


@given(TICKS, st.integers(1, 10**7), st.floats(0.01, 0.99))
def test_price_between_two_ticks_is_refused(tick: float, count: int, part: float) -> None:
    """A price off the grid raises an error that carries the nearest valid one."""
    instrument = make(tick_size=tick)
    with pytest.raises(InstrumentError, match=r"is not a multiple of its tick size .*; the nearest valid one is") as caught:
        instrument.ticks((count + part) * tick)
    instrument.ticks(float(str(caught.value.context["nearest"])))


def test_arithmetic_dust_is_no_error() -> None:
    """0.1 + 0.2 is thirty ticks of a cent, although it is not the float 0.3."""
    assert make(tick_size=0.01).ticks(0.1 + 0.2) == 30


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_number_is_refused(value: float) -> None:
    """NaN and infinities are neither prices nor quantities."""
    instrument = make()
    for call in (instrument.ticks, instrument.lots, instrument.round_price, instrument.round_quantity, instrument.check_order):
        with pytest.raises(InstrumentError, match="must be a number"):
            call(value)


def test_orders_are_checked_in_lots() -> None:
    """An A-share order needs whole lots; only a position's odd remainder may be sold, and only whole."""
    share = preset("cn_stock", "600519", "SSE")
    share.check_order(200, 1700.01)
    share.check_order(150, 1700.01, held=150)
    with pytest.raises(InstrumentError, match="lot size 100; the nearest valid one is 200"):
        share.check_order(151)
    with pytest.raises(InstrumentError, match="lot size 100"):
        share.check_order(50, held=150)
    with pytest.raises(InstrumentError, match="tick size 0.01"):
        share.check_order(100, 1700.005)
    with pytest.raises(InstrumentError, match="must be above 0"):
        share.check_order(0)


@pytest.mark.parametrize("quantity", [151.0, 0.0, -100.0, 50.0, math.nan, math.inf])
def test_order_in_lots_is_refused_as_the_order_is(quantity: float) -> None:
    """order_lots() counts what check_order() lets pass, and says the same of the rest."""
    share = preset("cn_stock", "600519", "SSE")
    assert share.order_lots(200.0) == 2
    with pytest.raises(InstrumentError) as checked:
        share.check_order(quantity)
    with pytest.raises(InstrumentError) as counted:
        share.order_lots(quantity)
    assert str(counted.value) == str(checked.value)


def test_minimum_quantity_is_named() -> None:
    """A STAR market order begins at 200 shares and then goes by single shares."""
    star = preset("cn_stock", "688981", "SSE")
    star.check_order(201)
    with pytest.raises(InstrumentError, match="below its minimum; the nearest valid one is 200"):
        star.check_order(199)


def test_quantities_are_rounded_towards_zero() -> None:
    """More than asked for is never ordered."""
    share = preset("cn_stock", "600519", "SSE")
    assert [share.round_quantity(value) for value in (199.0, -199.0, 99.0)] == [100.0, -100.0, 0.0]
    assert preset("crypto", "BTC/USDT", "SIM").round_quantity(0.123456789) == 0.12345


def test_fees_follow_the_tariff() -> None:
    """A-share: at least 5 CNY an order, stamp duty on sales only; a future pays its share of the value or per lot."""
    share = preset("cn_stock", "600519", "SSE")
    assert share.fee(100, 10.0, sell=False) == 5.0
    assert share.fee(100, 10.0, sell=True) == pytest.approx(5.5)
    assert share.fee(100, 10.0, sell=False, first=False) == pytest.approx(0.26)
    assert preset("cn_future", "IF2412", "CFFEX").fee(2, 4000.0, sell=True) == pytest.approx(2 * 4000 * 300 * 0.000023)
    assert preset("cn_future", "m2501", "DCE").fee(2, 3000.0, sell=True) == 3.0
    assert preset("us", "SPY", "X").fee(1000, 500.0, sell=False) == 5.0


def test_china_s_futures_hold_sides_apart_and_charge_for_closing_today() -> None:
    """SHFE and INE tell today's lots apart, they and CFFEX margin the larger side alone; closing today has a fee, where it has one."""
    contracts = {name: preset("cn_future", name, "X") for name in ("rb2501", "sc2501", "IF2412", "m2501", "TA501", "au2412")}
    assert all(one.legs for one in contracts.values())
    assert [name for name, one in contracts.items() if one.today_apart] == ["rb2501", "sc2501", "au2412"]
    assert [name for name, one in contracts.items() if not one.larger_side] == ["m2501", "TA501"]
    index = contracts["IF2412"]
    assert index.fee(3, 4000.0, sell=True, today=1.0) == pytest.approx(4000 * 300 * (2 * 0.000023 + 0.00023))
    assert contracts["rb2501"].fee(2, 3000.0, sell=True, today=2.0) == contracts["rb2501"].fee(2, 3000.0, sell=True)
    assert contracts["sc2501"].fee(2, 500.0, sell=True, today=1.0) == 20.0
    assert not preset("us", "ESZ3", "CME", kind="future").legs


def test_trading_day_is_the_calendar_s_where_it_decides_money() -> None:
    """A night session belongs to the next trading day; elsewhere, and for unknown calendars, the local date counts."""
    evening, late = from_iso("2026-11-20 21:30:00", "Asia/Shanghai"), from_iso("2026-11-20 23:30:00", "UTC")
    assert preset("cn_future", "rb2501", "SHFE").trading_day(evening) == 20261123  # a Friday's evening
    assert preset("cn_stock", "600519", "SSE").trading_day(from_iso("2026-11-20 14:00:00", "Asia/Shanghai")) == 20261120
    assert preset("cn_future", "rb2501", "SIM", calendar="24/7").trading_day(evening) == 20261120
    assert preset("cn_future", "rb2501", "SIM", calendar="XNONE").trading_day(late) == 20261121
    assert preset("us", "SPY", "X").trading_day(late) == 20261120


def test_price_limits_are_rounded_half_up() -> None:
    """The exchange rounds 10 % of the previous close to the cent; halves go up."""
    assert preset("cn_stock", "600519", "SSE").price_bounds(10.05) == (9.05, 11.06)
    assert preset("us", "SPY", "X").price_bounds(500.0) is None


def test_hong_kong_tick_depends_on_the_price() -> None:
    """The spread table gives a finer tick to a cheaper share; without a price the finest is taken."""
    assert [hk_tick(price) for price in (0.1, 0.3, 15.0, 30.0, 60.0, 150.0, 380.0, 9000.0)] == [
        0.001,
        0.005,
        0.01,
        0.02,
        0.05,
        0.1,
        0.2,
        5.0,
    ]
    assert preset("hk", "00700", "SEHK", price=380.0).tick_size == 0.2
    assert preset("hk", "00700", "SEHK").tick_size == 0.001


@pytest.mark.parametrize(
    ("symbol", "market"),
    [
        ("BTC/USDT", "crypto"),
        ("EUR/USD", "fx"),
        ("600519", "cn_stock"),
        ("00700", "hk"),
        ("IF2412", "cn_future"),
        ("rb2501", "cn_future"),
        ("SPY", "us"),
    ],
)
def test_market_is_guessed_from_the_symbol(symbol: str, market: str) -> None:
    """The six markets write their symbols differently enough."""
    assert market_of(symbol) == market


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"tick_size": 0.0}, "tick_size must be above 0"),
        ({"tick_size": math.nan}, "tick_size must be above 0"),
        ({"lot_size": -1.0}, "lot_size must be above 0"),
        ({"taker_fee": -0.1}, "taker_fee must be at least 0"),
        ({"price_limit": 0.0}, "price_limit must be above 0"),
        ({"multiplier": math.inf}, "multiplier must be above 0"),
        ({"close_today_fee": -0.1}, "close_today_fee must be at least 0"),
        ({"today_apart": True}, "today_apart needs legs"),
        ({"larger_side": True}, "larger_side needs legs"),
        ({"inverse": True}, 'inverse is for contracts: it needs kind = "future"'),
    ],
)
def test_senseless_terms_are_refused(terms: dict[str, Any], message: str) -> None:
    """Terms that make no sense name the field and the rule."""
    with pytest.raises(InstrumentError, match=message):
        make(**terms)


def test_names_have_limits() -> None:
    """A symbol has 1 to 80 bytes, a venue at most 32 and no '@'."""
    for symbol, venue in (("", "V"), ("x" * 81, "V"), ("X", "v" * 33), ("X", "a@b")):
        with pytest.raises(InstrumentError, match=r"must (have|not contain)"):
            Instrument(symbol=symbol, venue=venue)


def test_unknown_market_product_and_field_are_named() -> None:
    """A wrong market, product or field suggests the nearest known one."""
    with pytest.raises(InstrumentError, match="There is no market 'crpto'.*Did you mean 'crypto'"):
        preset("crpto", "BTC/USDT", "SIM")
    with pytest.raises(InstrumentError, match="no known product of China's"):
        preset("cn_future", "ZZ2401", "X")
    with pytest.raises(InstrumentError, match="no known CME contract"):
        preset("us", "QQQQQ", "X", kind="future")
    with pytest.raises(InstrumentError, match="no field 'tick_sise'. Did you mean 'tick_size'"):
        preset("us", "SPY", "X", tick_sise=0.1)
