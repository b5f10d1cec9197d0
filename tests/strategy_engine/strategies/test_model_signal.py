"""model_signal: its trades over SPY's hours are those of a plain loop; when it is in, when out, and what it passes over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gcg_quant.errors import StrategyError
from gcg_quant.events import ConfigChangeEvent, Side, SignalEvent
from gcg_quant.instruments import Instrument, preset
from gcg_quant.strategy_engine.strategies.model_signal import ModelSignal

COIN = preset("crypto", "BTC/USDT", "SIM")
SHARE = Instrument(symbol="SPY", venue="X", tick_size=0.01, lot_size=1.0)
A_SHARE = Instrument(symbol="600519", venue="SSE", tick_size=0.01, lot_size=100.0, t_plus_one=True, market="cn_stock", currency="CNY")


def say(desk: Any, terms: Instrument, price: float, place: int, **data: Any) -> None:
    """Say what a model says after bar number `place`."""
    place_of = {"symbol": terms.symbol, "venue": terms.venue}
    given = {"model": "m", "bar_ns": place, **data}
    desk.say(SignalEvent(**place_of, strategy="m", name="model", event_ns=desk.now_ns, price=price, data=given))


def play(floor: Any, said: list[Any], **parameters: Any) -> list[tuple[str, float]]:
    """Return the fills, as (side, quantity), that a row of probabilities (or whole data) leads to at a price of 1,000."""
    desk = floor("model_signal", COIN, model="m", **parameters)
    for place, one in enumerate(said, start=1):
        desk.quote(999.5, 1000.5)
        say(desk, COIN, 1000.0, place, **({"probability": one} if isinstance(one, float) else one))
    return [(Side(side).name.lower(), quantity) for side, quantity, _ in desk.fills()]


def rises(closes: Any, at: int) -> float:
    """Return the share of rises among the ten closes up to number `at`: what stands in for a model here."""
    return float(np.count_nonzero(np.diff(closes[at - 10 : at + 1]) > 0)) / 10


def plain(rows: Any, enter: float, leave: float, value: float, short: bool) -> list[tuple[Side, float, float]]:
    """Return the trades of the rule, each at the open after the signal that led to it."""
    trades, held = [], 0.0
    for at in range(10, len(rows) - 1):
        up = rises(rows.close, at)
        down, size = 1 - up, np.floor(value / rows.close[at])
        if up >= enter:
            target = held if held > 0 else size
        elif held > 0 and up >= leave:
            target = held
        elif short and down >= enter:
            target = held if held < 0 else -size
        else:
            target = held if held < 0 and down >= leave else 0.0
        if target != held:
            _, _, change, price = rows.at_open("SPY", at + 1, target - held)
            trades.append((Side.BUY if change > 0 else Side.SELL, abs(change), price))
            held = target
    return trades


PINNED = {
    False: (27, "BUY 134 372.44, SELL 134 372.3", "SELL 127 394.01, BUY 125 397.62"),
    True: (45, "SELL 137 364.81, BUY 137 369.4", "SELL 127 394.01, BUY 125 397.62"),
}


@pytest.mark.parametrize("short", PINNED)
def test_trades_over_real_hours_are_those_of_a_plain_loop(short: bool, real_bars: Any, floor: Any) -> None:
    """Every fill is equal: side, quantity and price."""
    rows = real_bars("stock/SPY_hour.csv.gz", "1h", "America/New_York", -500)
    desk = floor("model_signal", SHARE, enter=0.7, leave=0.5, value=50_000, short=short)
    for at in range(len(rows)):
        desk.bar(rows.close[at], open=rows.open[at], high=rows.high[at], low=rows.low[at])
        if at >= 10:
            say(desk, SHARE, float(rows.close[at]), at, probability=rises(rows.close, at))
    expected = plain(rows, 0.7, 0.5, 50_000, short)
    fills = desk.fills()
    assert [one[:2] for one in fills] == [one[:2] for one in expected]
    assert [one[2] for one in fills] == pytest.approx([one[2] for one in expected], abs=1e-9, rel=0)
    words = [f"{Side(side).name} {quantity:g} {price:g}" for side, quantity, price in fills]
    assert (len(words), ", ".join(words[:2]), ", ".join(words[-2:])) == PINNED[short]


def test_in_from_enter_and_out_below_leave(floor: Any) -> None:
    """Bought at 0.53 and not before, held down to 0.5, closed below; worth 10,000 at 1,000 are 10 units."""
    assert play(floor, [0.52, 0.53, 0.51, 0.60, 0.50, 0.49, 0.40, 0.54]) == [("buy", 10.0), ("sell", 10.0), ("buy", 10.0)]


def test_short_is_the_mirror(floor: Any) -> None:
    """With `short` a fall that is probable enough is sold, and turned in one order when the rise is."""
    assert play(floor, [0.47, 0.49, 0.51, 0.45, 0.60, 0.30], short=True) == [
        ("sell", 10.0),
        ("buy", 10.0),
        ("sell", 10.0),
        ("buy", 20.0),
        ("sell", 20.0),
    ]


def test_what_is_not_the_models_is_passed_over(floor: Any) -> None:
    """Signals of another model, without a probability, and of a bar that is not newer lead to nothing."""
    other, none, late = {"model": "x", "probability": 0.9, "bar_ns": 9}, {"model": None}, {"probability": 0.1, "bar_ns": 3}
    assert play(floor, [other, none, 0.60, late]) == [("buy", 10.0)]
    assert ModelSignal(model="").model == ""


def test_refused_order_is_asked_for_again(floor: Any) -> None:
    """While the kill switch is on nothing is closed; afterwards the next signal closes it."""
    desk = floor("model_signal", COIN)
    for place, (probability, on) in enumerate([(0.6, None), (0.4, True), (0.4, False)], start=1):
        if on is not None:
            desk.say(ConfigChangeEvent(revision=place, changes={"risk.kill_switch": on}))
        desk.quote(999.5, 1000.5)
        say(desk, COIN, 1000.0, place, probability=probability)
        assert desk.held() == (0 if on is False else 10)
    assert len(desk.refusals()) == 1


def test_t_plus_one_is_neither_sold_on_its_day_nor_short(floor: Any) -> None:
    """Bought today it is sold by the first signal of tomorrow, and never below zero."""
    desk = floor("model_signal", A_SHARE, value=20_000, short=True)
    for place, probability in enumerate([0.6, 0.4, 0.4]):
        desk.bar(100)
        say(desk, A_SHARE, 100.0, place, probability=probability)
    assert (desk.held(), desk.refusals()) == (200, [])
    desk.now_ns += 86_400_000_000_000
    for place, probability in enumerate([0.4, 0.3, 0.2], start=3):
        desk.bar(99)
        say(desk, A_SHARE, 99.0, place, probability=probability)
    assert desk.held() == 0
    assert [one.side for one in desk.requests()] == [Side.BUY, Side.SELL]


def test_leave_above_enter_is_refused() -> None:
    """The message names both."""
    with pytest.raises(StrategyError, match=r"leave \(0.6\) must not be above enter \(0.55\)"):
        ModelSignal(leave=0.6, enter=0.55)
