"""The market makers' measures: their parts add up, and each is what a slow computation, one fill after the other, says."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import HORIZONS, INSTRUMENTS, START_NS, dtypes, empty_arrays, facts_of, make_run
from torture import examples

from gcg_quant.backtest.hft.facts import RunArrays
from gcg_quant.backtest.hft.making import has_maker_fills, maker_measures
from gcg_quant.backtest.making.measures import MakerMeasures
from gcg_quant.backtest.making.rows import maker_columns, maker_rows, span_text
from gcg_quant.enumerations import Liquidity, OrderStatus, Side

CASH = 1_000_000.0
COUNTS = ("sent", "filled", "partly", "cancelled", "working", "rejected", "fills", "maker_fills", "buy_fills", "sell_fills")
MONEY = ("turnover", "spread_profit", "inventory_profit", "fees", "net_profit")


def slow(arrays: RunArrays, number: int) -> dict[str, Any]:
    """Return some measures of an instrument, computed fill by fill."""
    instrument = INSTRUMENTS[number - 1]
    position = gained = paid = weight = earned = held = size = 0.0
    kept, fell, known = [0.0] * len(HORIZONS), [0.0] * len(HORIZONS), [0.0] * len(HORIZONS)
    start, last = min(arrays.fills["event_ns"][0], arrays.equity["event_ns"][0]), None
    for row in arrays.fills:
        if row["number"] != number:
            continue
        sign = 1.0 if row["side"] == Side.BUY else -1.0
        quantity, price, mid = float(row["quantity"]), float(row["price"]), float(row["mid"])
        if last is not None:
            held += position * (row["event_ns"] - last)
            size += abs(position) * (row["event_ns"] - last)
        last = row["event_ns"]
        position += sign * quantity
        paid += float(row["fee"])
        gained += 0.0 if math.isnan(mid) else sign * quantity * (mid - price) * instrument.multiplier
        if row["liquidity"] != Liquidity.MAKER or math.isnan(mid):
            continue
        weight += quantity
        earned += quantity * sign * (mid - price) / instrument.tick_size
        for at in range(len(HORIZONS)):
            mark = float(row["marks"][at])
            if not math.isnan(mark):
                known[at] += quantity
                kept[at] += quantity * sign * (mark - price) / instrument.tick_size
                fell[at] += quantity * sign * (mid - mark) / instrument.tick_size
    end = arrays.equity["event_ns"][-1]
    span = float(end - start)
    if last is not None:
        held += position * (end - last)
        size += abs(position) * (end - last)
    return {
        "effective_ticks": earned / weight if weight else None,
        "realised": [a / b if b else None for a, b in zip(kept, known, strict=True)],
        "adverse": [a / b if b else None for a, b in zip(fell, known, strict=True)],
        "mean_position": held / span,
        "mean_position_size": size / span,
        "spread_profit": gained,
        "fees": -paid,
    }


def near(one: float | None, other: float | None) -> bool:
    """Return whether two numbers are the same but for rounding, or both absent."""
    return one is None if other is None else one == pytest.approx(other, rel=1e-9, abs=1e-9)


@settings(max_examples=examples(100), deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_parts_add_up(seed: int, orders: int) -> None:
    """Orders are each counted once, symbols sum to the total, and the profit's parts to what the account gained, to the cent."""
    arrays = make_run(seed, orders)
    total, *symbols = maker_measures(arrays, facts_of())
    for one in (total, *symbols):
        assert one.sent == one.filled + one.partly + one.cancelled + one.working + one.rejected
        assert one.fills == one.buy_fills + one.sell_fills >= one.maker_fills
        assert (one.net_profit or 0.0) == pytest.approx(sum(getattr(one, name) for name in MONEY[1:4]), abs=1e-9)
    for one in symbols:
        assert (one.traded or 0.0) == pytest.approx((one.bought or 0.0) + (one.sold or 0.0))
        assert one.end_position == pytest.approx((one.bought or 0.0) - (one.sold or 0.0), abs=1e-9)
    for name in COUNTS:
        assert getattr(total, name) == sum(getattr(one, name) for one in symbols)
    for name in MONEY:
        assert getattr(total, name) == pytest.approx(sum(getattr(one, name) for one in symbols), abs=1e-6)
    assert total.net_profit == pytest.approx(arrays.equity["equity"][-1] - CASH, abs=0.005)


@settings(max_examples=examples(60), deadline=None)
@given(st.integers(0, 10_000))
def test_measures_are_those_of_a_slow_computation(seed: int) -> None:
    """Spreads, inventory and profits equal those of a loop over the fills."""
    arrays = make_run(seed, 50)
    found = {one.symbol: one for one in maker_measures(arrays, facts_of())}
    for number, instrument in enumerate(INSTRUMENTS, start=1):
        if instrument.symbol not in found:
            continue
        one, expected = found[instrument.symbol], slow(arrays, number)
        for name in ("effective_ticks", "mean_position", "mean_position_size", "spread_profit", "fees"):
            assert near(getattr(one, name), expected[name]), name
        for horizon, realised, adverse in zip(one.horizons, expected["realised"], expected["adverse"], strict=True):
            assert near(horizon.realised_ticks, realised)
            assert near(horizon.adverse_ticks, adverse)


def one_fill(**others: Any) -> RunArrays:
    """Return a run with one order of two BTC at 100.0 that rested for 5 s behind 7, and one fill of one at a mid of 100.2."""
    kinds = dtypes()
    fills, orders = np.zeros(1, kinds["fills"]), np.zeros(1, kinds["orders"])
    values = {"order": 1, "number": 1, "strategy": 1, "event_ns": START_NS + 5 * 10**9, "price": 100.0, "quantity": 1.0, "fee": -0.01}
    values |= {"mid": 100.2, "side": int(Side.BUY), "liquidity": int(Liquidity.MAKER), "marks": [100.3, 100.1, math.nan]}
    for name, value in (values | others).items():
        fills[name] = value
    waited = {"order": 1, "number": 1, "strategy": 1, "sent_ns": START_NS, "quantity": 2.0, "filled": 1.0, "queue_ns": 5 * 10**9}
    for name, value in (waited | {"ahead": 7.0, "side": int(Side.BUY), "status": int(OrderStatus.PARTLY_FILLED)}).items():
        orders[name] = value
    equity, positions = np.zeros(2, kinds["equity"]), np.zeros(1, kinds["positions"])
    equity["event_ns"], equity["equity"] = (START_NS, START_NS + 10 * 10**9), (CASH, CASH + 0.51)
    positions["event_ns"], positions["number"], positions["quantity"], positions["last_price"] = equity["event_ns"][-1], 1, 1.0, 100.5
    return RunArrays(fills, orders, positions, equity)


def test_one_fill_by_hand() -> None:
    """A purchase at 100.0 while the mid was 100.2 gained 2 ticks, kept 3 after 100 ms and 1 after 1 s; the position is still open."""
    facts = facts_of(instruments=INSTRUMENTS[:1], strategies=("grid",))
    total, only = maker_measures(one_fill(), facts)
    assert (total.symbol, only.symbol) == ("", "BTCUSDT")
    assert only.effective_ticks == pytest.approx(2.0)
    assert only.effective_bps == pytest.approx(0.2 / 100.2 * 1e4)
    assert [one.fills for one in only.horizons] == [1, 1, 0]
    assert [one.realised_ticks for one in only.horizons] == [pytest.approx(3.0), pytest.approx(1.0), None]
    assert [one.adverse_ticks for one in only.horizons] == [pytest.approx(-1.0), pytest.approx(1.0), None]
    assert (only.sent, only.partly, only.fill_ratio, only.quantity_fill_ratio) == (1, 1, 1.0, 0.5)
    assert (only.queue_filled_ns, only.time_to_fill_ns, only.ahead_filled, only.queue_cancelled_ns) == (5e9, 5e9, 7.0, None)
    assert (only.mean_position, only.largest_position, only.end_position) == (0.5, 1.0, 1.0)
    assert (only.spread_profit, only.inventory_profit) == (pytest.approx(0.2), pytest.approx(0.3))
    assert (only.fees, only.net_profit) == (pytest.approx(0.01), pytest.approx(0.51))
    assert (only.buy_fill_ratio, only.sell_fill_ratio, only.turnover, only.turnover_times) == (1.0, None, 100.0, 1e-4)
    assert [one.symbol for one in maker_columns([total, only])] == ["BTCUSDT"]
    rows = {name: cells for _, name, cells in maker_rows([total, only])}
    assert rows["Half-spread (ticks / bps)"] == ["2.00 / 20"]
    assert rows["Adverse after 100 ms (ticks / bps)"] == ["−1.00 / −9.98"]
    assert rows["Queue time, filled (p50 / p90)"] == ["5 s / 5 s"]
    assert rows["Net"] == ["0.51"]


@pytest.mark.parametrize(
    ("calendar", "hours", "expected"),
    [("24/7", (0, 0.1), None), ("XNYS", (0, 23.9), None), ("24/7", (0, 36), 100.0 / 1.5), ("XNYS", (0, 6, 24, 30, 96, 102), 100.0 / 3)],
)
def test_turnover_a_day_counts_days_by_their_length(calendar: str, hours: tuple[float, ...], expected: float | None) -> None:
    """Around the clock a day is 24 hours, though the minutes of a run may lie on two dates; with sessions it is a day that has some."""
    arrays = one_fill()
    equity = np.zeros(len(hours), arrays.equity.dtype)
    equity["event_ns"] = 1_699_938_000 * 10**9 + np.array([int(hour * 3600) for hour in hours]) * 10**9  # 5 h after midnight
    equity["equity"] = CASH
    if hours[-1] < 1:
        equity["event_ns"] += 19 * 3600 * 10**9 - 180 * 10**9  # begins 3 min before midnight
        assert len(np.unique(equity["event_ns"] // (86_400 * 10**9))) == 2
    instrument = msgspec.structs.replace(INSTRUMENTS[0], calendar=calendar)
    found = maker_measures(arrays._replace(equity=equity), facts_of(instruments=(instrument,)))[1].turnover_a_day
    assert found == (None if expected is None else pytest.approx(expected))


def test_realised_and_adverse_are_the_half_spread() -> None:
    """Where every later mid is known, what was kept and what the market took are together what was earned at the fill."""
    arrays = make_run(5, 80)
    arrays.fills["marks"] = np.where(np.isnan(arrays.fills["marks"]), arrays.fills["price"][:, None], arrays.fills["marks"])
    for one in maker_measures(arrays, facts_of()):
        for horizon in one.horizons:
            for unit in ("ticks", "bps"):
                whole = getattr(one, f"effective_{unit}")
                parts = [getattr(horizon, f"{name}_{unit}") for name in ("realised", "adverse")]
                assert parts == [None, None] if whole is None else sum(parts) == pytest.approx(whole)


def test_a_fill_without_a_mid_counts_as_one_at_the_mid() -> None:
    """It has no spread, and the profit's parts still add up."""
    only = maker_measures(one_fill(mid=math.nan), facts_of(instruments=INSTRUMENTS[:1]))[1]
    assert (only.effective_ticks, only.spread_profit) == (None, 0.0)
    assert only.net_profit == pytest.approx(0.51)


def test_takers_alone_have_no_spread() -> None:
    """A run without fills of resting orders is no market making, and has all measures but the spread's."""
    arrays = make_run(3, 40, takers_only=True)
    total = maker_measures(arrays, facts_of())[0]
    assert not has_maker_fills(arrays.fills)
    assert (total.maker_fills, total.maker_share, total.effective_bps) == (0, 0.0, None)
    assert total.fills > 0
    assert total.net_profit == pytest.approx(arrays.equity["equity"][-1] - CASH, abs=0.005)


def test_nothing_happened() -> None:
    """An empty run has zeros for counts and money, and nothing where there is nothing to divide by."""
    (total,) = maker_measures(empty_arrays(), facts_of())
    zeros = {name for name in MakerMeasures.__struct_fields__ if getattr(total, name) == 0}
    assert zeros == {*COUNTS, *MONEY, "turnover_times"}
    assert [one.fills for one in total.horizons] == [0, 0, 0]
    (bare,) = maker_measures(empty_arrays(0), facts_of(horizons_ns=(), instruments=()))
    assert bare.horizons == []
    assert {name: cells for _, name, cells in maker_rows([bare])}["Fill ratio, orders"] == ["–"]


def test_money_of_another_currency_needs_a_rate() -> None:
    """Without one the amounts are unknown; with one they are in the account's currency."""
    in_cny = (msgspec.structs.replace(INSTRUMENTS[0], currency="CNY"),)
    unknown = maker_measures(one_fill(), facts_of(instruments=in_cny))[1]
    assert (unknown.turnover, unknown.fees, unknown.net_profit, unknown.maker_share) == (None, None, None, None)
    assert unknown.effective_ticks == pytest.approx(2.0)
    known = maker_measures(one_fill(), facts_of(instruments=in_cny, rates={"CNY": 0.1}))[1]
    assert (known.turnover, known.fees, known.net_profit) == (pytest.approx(10.0), pytest.approx(0.001), pytest.approx(0.051))


@pytest.mark.parametrize(
    ("span_ns", "text"), [(None, "–"), (0, "0 ns"), (35_000_000, "35 ms"), (1_200_000_000, "1.2 s"), (204 * 10**9, "3.4 min")]
)
def test_spans_are_read_in_their_own_unit(span_ns: float | None, text: str) -> None:
    """The largest unit that a span has one of."""
    assert span_text(span_ns) == text
