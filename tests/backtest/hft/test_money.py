"""The money of native runs adds up, and so do the mids after their fills: beside a plain fold of the fills, and a search of the data."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from gcg_quant._native import TickDesk, TickEngine
from gcg_quant.events import Liquidity, Offset, OrderType, Side, Tick
from gcg_quant.instruments import Instrument, preset

from ...strategy_engine.test_native_account import terms_of
from .plain_run import add_up

CASH = 1e8
BEGIN = 1_700_000_000_000_000_000
STEP = 400_000_000_000  # the ticks last for four days
CURRENCIES, RATES = ["CNY", "USDT"], [1.0, 7.1]
INSTRUMENTS = {
    1: preset("cn_future", "IF2412", "CFFEX", calendar="24/7"),
    2: preset("cn_future", "rb2501", "SHFE", calendar="24/7"),
    3: preset("cn_stock", "600519", "SSE", t_plus_one=False, price_limit=None, calendar="24/7"),
    4: preset("crypto", "BTC/USDT", "SIM", maker_fee=-0.0001, fee_per_order=0.01),
}
PRICES = {1: 3900.0, 2: 3500.0, 3: 1700.0, 4: 65_000.0}


def terms(instrument: Instrument) -> dict[str, Any]:
    """Return an instrument as the native engine takes it."""
    sides = (2 if instrument.larger_side else 1) if instrument.legs else 0
    return {**terms_of(instrument), "currency_number": CURRENCIES.index(instrument.currency), "sides": sides}


def ticks(number: int, seed: int, count: int = 900) -> np.ndarray:
    """Return a walk of quotes."""
    chance = np.random.default_rng([seed, number])
    instrument = INSTRUMENTS[number]
    rows = np.zeros(count, Tick.dtype)
    rows[:] = np.frombuffer(memoryview(Tick(symbol=instrument.symbol, venue=instrument.venue)), Tick.dtype)[0]
    bids = instrument.ticks(PRICES[number]) + np.cumsum(chance.integers(-3, 4, count))
    rows["event_ns"] = rows["recv_ns"] = BEGIN + STEP * np.arange(count) + number * 1_000_000
    rows["bid_price"] = [instrument.price(int(one)) for one in bids]
    rows["ask_price"] = [instrument.price(int(one) + 1) for one in bids]
    rows["last_price"] = np.where(chance.random(count) < 0.5, rows["bid_price"], rows["ask_price"])
    rows["bid_size"] = rows["ask_size"] = [instrument.quantity(int(one)) for one in chance.integers(1, 60, count)]
    return rows


class Trader:
    """Trades at random, with offsets where there are any."""

    def __init__(self, seed: int) -> None:
        self.desk: TickDesk
        self.chance = random.Random(seed)
        self.by_symbol = {one.symbol: one for one in INSTRUMENTS.values()}

    def on_tick(self, tick: Tick) -> None:
        """Send an order now and then."""
        chance = self.chance
        if chance.random() > 0.4:
            return
        instrument = self.by_symbol[tick.symbol]
        offset = chance.choice(list(Offset)) if instrument.legs else Offset.NONE
        kind = chance.choice([OrderType.MARKET, OrderType.LIMIT])
        side = chance.choice([Side.BUY, Side.SELL])
        self.desk.send_order(tick.symbol, side, tick.bid_price, instrument.quantity(chance.randint(1, 40)), kind, offset=offset)


def trade(seed: int, latency_ns: int, **options: Any) -> TickEngine:
    """Let two strategies trade futures, a stock and a coin in two currencies; return the engine after the run."""
    engine = TickEngine(cash=CASH, order_latency_ns=latency_ns, response_latency_ns=latency_ns // 2, queue=2, seed=seed, **options)
    for number, instrument in INSTRUMENTS.items():
        engine.add_instrument(number, instrument.symbol, instrument.venue, terms(instrument))
        engine.add_rows(number, Tick, ticks(number, seed))
    engine.set_rate(1, RATES[1])
    for name in "ab":
        trader = Trader(seed + ord(name))
        trader.desk = engine.add_strategy(name, {"on_tick": trader.on_tick})
    engine.run()
    return engine


@pytest.mark.parametrize("latency_ns", [0, 50_000_000])
@pytest.mark.parametrize("seed", [1, 2])
def test_money_adds_up_to_the_last_bit(seed: int, latency_ns: int) -> None:
    """Every fill and every sample of the equity and of the positions is what the fold has."""
    engine = trade(seed, latency_ns, sample_ns=3_600_000_000_000)
    fills = engine.fills()
    compared = add_up(fills, engine.positions(), engine.equity(), INSTRUMENTS, cash=CASH, currencies=CURRENCIES, rates=RATES)
    assert compared > 1000
    assert set(fills["number"]) == set(INSTRUMENTS)
    assert engine.cash() == fills[fills["number"] < 4]["cash"][-1]


@pytest.mark.parametrize("latency_ns", [0, 50_000_000])
def test_marks_are_the_mids_that_a_search_finds(latency_ns: int) -> None:
    """At the fill and at each horizon: the last mid at or before that time, none after the end of the data."""
    horizons = [0, STEP // 3, STEP, 5 * STEP + 7, 300 * STEP]
    fills = trade(3, latency_ns, horizons_ns=horizons).fills()
    rows = {number: ticks(number, 3) for number in INSTRUMENTS}
    end = max(int(one["event_ns"][-1]) for one in rows.values())
    unknown = 0
    for number, one in rows.items():
        own = fills[fills["number"] == number]
        mids = (one["bid_price"] + one["ask_price"]) / 2
        # What a resting order was filled by has moved the quotes: its mid is the one of before.
        now = np.searchsorted(one["event_ns"], own["event_ns"], "right") - 1
        before = np.searchsorted(one["event_ns"], own["event_ns"], "left") - 1
        assert np.array_equal(own["mid"], mids[np.where(own["liquidity"] == Liquidity.MAKER, before, now)])
        for place, horizon in enumerate(horizons):
            due = own["event_ns"] + horizon
            wanted = np.where(due > end, np.nan, mids[np.searchsorted(one["event_ns"], due, "right") - 1])
            assert np.array_equal(own["marks"][:, place], wanted, equal_nan=True)
            unknown += int(np.isnan(wanted).sum())
    assert 0 < unknown < len(fills) * len(horizons)
