"""pair_spread: its trades over SPY and IBM are those of a plain loop; a leg without data, a leg refused, wrong pairs."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from gcg_quant.events import ConfigChangeEvent
from gcg_quant.instruments import Instrument

ONE = Instrument(symbol="A", venue="V", tick_size=0.01, lot_size=1.0)
OTHER = Instrument(symbol="B", venue="V", tick_size=0.01, lot_size=1.0)
A_SHARE = Instrument(symbol="600519", venue="SSE", tick_size=0.01, lot_size=100.0, t_plus_one=True)
QUICK: dict[str, Any] = {"period": "1m", "window": 5, "entry": 1.5, "stop": 0, "value": 1000}


def plain(one: Any, other: Any, window: int, entry: float, stop: float, value: float) -> list[Any]:
    """Return the trades of the rule: both legs at the open after the close that led to them."""
    trades, held = [], np.zeros(2)
    spread = np.log(one.frame["close"] / other.frame["close"])
    place = ((spread - spread.rolling(window).mean()) / spread.rolling(window).std(ddof=0)).to_numpy()
    for at in range(window, len(one) - 1):
        now, before, target = place[at], place[at - 1], held
        sizes = np.array([np.floor(value / one.close[at]), np.floor(value / other.close[at])])
        if held.any():
            away = -np.sign(held[0]) * now
            target = np.zeros(2) if away <= 0 or away >= stop else held
        elif abs(now) >= entry and abs(now) < stop and np.sign(now) * before < entry:
            target = -np.sign(now) * sizes * [1, -1]
        if (target != held).any():
            moves = target - held
            trades += [one.at_open("SPY", at + 1, moves[0]), other.at_open("IBM", at + 1, moves[1])]
            held = target
    return trades


def test_trades_over_real_days_are_those_of_a_plain_loop(real_bars: Any, backtest: Any) -> None:
    """Every trade of both legs and the money in the end are equal."""
    one = real_bars("stock/SPY_daily.csv.gz", "1d", "America/New_York", -900)
    other = real_bars("stock/IBM_daily.csv.gz", "1d", "America/New_York", -900)
    assert (one.start_ns == other.start_ns).all()
    ran = backtest("pair_spread", {"SPY": one, "IBM": other}, parameters={"value": 40_000, "window": 40, "stop": 3.0})
    ran.must_be(plain(one, other, 40, 2.0, 3.0, 40_000), {"SPY": one.close[-1], "IBM": other.close[-1]})
    assert ran.pinned == (
        78,
        "20171222 SPY -149 267.61, 20171222 IBM +264 151.69",
        "20210324 SPY +102 390.92, 20210324 IBM -306 130.95",
        104697.96,
    )


def apart(desk: Any) -> None:
    """Say five bars of both legs, the last of which is far off."""
    for close in (100, 101, 100, 101, 100):
        desk.bar(close)
        desk.bar(100, at=1)
    desk.bar(120)
    desk.bar(100, at=1)


def test_both_legs_are_taken_and_given_back(floor: Any) -> None:
    """The dear one is sold, the cheap one bought; when they meet again both are closed."""
    desk = floor("pair_spread", ONE, OTHER, **QUICK)
    apart(desk)
    for close in (119, 100, 99, 98):
        desk.bar(close)
        desk.bar(100, at=1)
    assert [one.symbol for one in desk.requests()] == ["A", "B"] * 2
    assert (desk.held(), desk.held(1)) == (0, 0)


def test_leg_without_data_is_waited_for(floor: Any) -> None:
    """While one leg has no bars nothing is opened and nothing is closed; when it has them again, the rule goes on."""
    desk = floor("pair_spread", ONE, OTHER, **QUICK)
    for close in (100, 101, 100, 101, 100, 120, 121, 90):
        desk.bar(close)
    assert (desk.requests(), desk.state()) == ([], ("running", ""))
    apart(desk)
    desk.bar(120)
    desk.bar(100, at=1)
    held = desk.held(), desk.held(1)
    assert held[0] < 0 < held[1]
    for close in (90, 80, 90):
        desk.bar(close)
    assert (desk.held(), desk.held(1)) == held


def test_pair_is_not_opened_where_one_leg_cannot_be_sized(floor: Any) -> None:
    """With a share of the equity, and no price that tells what the second leg's currency is worth: neither leg, and one line in the log."""
    desk = floor("pair_spread", ONE, msgspec.structs.replace(OTHER, currency="EUR"), **QUICK, equity_percent=10)
    apart(desk)
    assert (desk.requests(), desk.state()) == ([], ("running", ""))
    assert [word for word in desk.words() if "equity" in word] == [
        "The account's equity in EUR is not known: no position is sized by it until it is."
    ]


def test_leg_alone_is_closed(floor: Any) -> None:
    """When risk refuses one leg the other is given back at the next bar, and the log says so."""
    desk = floor("pair_spread", ONE, OTHER, **QUICK)
    desk.say(ConfigChangeEvent(revision=1, changes={"risk.overrides": [{"symbol": "B", "max_order_quantity": 0.5}]}))
    apart(desk)
    assert len(desk.refusals()) == 1
    for close in (120, 120, 120):
        desk.bar(close)
        desk.bar(100, at=1)
    assert (desk.held(), desk.held(1)) == (0, 0)
    assert any("the leg in B was refused" in word for word in desk.words())
    assert "one leg alone is held: it is closed" in desk.words()


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ((ONE,), "A pair has two symbols, not A@V: load it with both"),
        ((ONE, A_SHARE), "sells one of its legs short, which nobody can with 600519@SSE, a T+1 instrument"),
    ],
)
def test_what_is_no_pair_is_refused(terms: tuple[Instrument, ...], words: str, floor: Any) -> None:
    """One symbol alone, and what cannot be sold short, end in a sentence at the start."""
    desk = floor("pair_spread", *terms)
    state, error = desk.state()
    assert state == "failed"
    assert words in error
