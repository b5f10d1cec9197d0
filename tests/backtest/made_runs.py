"""Runs of a tick engine made up by a slow account of their own, in the dtypes of the native engine."""

from __future__ import annotations

import math
from collections import defaultdict
from fractions import Fraction
from typing import Any

import numpy as np

from gcg_quant.backtest.hft.facts import RunArrays, RunFacts
from gcg_quant.enumerations import Liquidity, OrderStatus, OrderType, Side
from gcg_quant.instruments import Instrument

__all__ = ["HORIZONS", "INSTRUMENTS", "START_NS", "dtypes", "empty_arrays", "facts_of", "make_run"]

START_NS = 1_699_999_980_000_000_000
SAMPLE_NS = 60_000_000_000
HORIZONS = (100_000_000, 1_000_000_000, 10_000_000_000)
INSTRUMENTS = (
    Instrument(symbol="BTCUSDT", venue="BINANCE", tick_size=0.1, lot_size=0.001, taker_fee=0.0004, maker_fee=-0.0001),
    Instrument(symbol="IF2101", venue="CFFEX", tick_size=0.2, lot_size=1.0, multiplier=300.0, taker_fee=0.000023, maker_fee=0.000023),
    Instrument(symbol="IBM", venue="NYSE", tick_size=0.01, lot_size=1.0, fee_per_unit=0.005, min_fee=1.0),
)


def dtypes(horizons: int = len(HORIZONS)) -> dict[str, np.dtype[Any]]:
    """Return the dtypes of the engine's arrays by their names."""
    marks: list[Any] = [("marks", "f8", (horizons,))] if horizons else []
    head: list[Any] = [("order", "u8"), ("number", "u4"), ("strategy", "u4")]
    fills = [*head, *((name, "i8") for name in ("event_ns", "seen_ns"))]
    fills += [(name, "f8") for name in ("price", "quantity", "fee", "profit", "mid", "position", "cash")]
    fills += [(name, "u1") for name in ("side", "offset", "liquidity")]
    orders = [*head, *((name, "i8") for name in ("sent_ns", "arrived_ns", "done_ns"))]
    orders += [(name, "f8") for name in ("price", "stop_price", "quantity", "filled", "average_price", "ahead")]
    orders += [("queue_ns", "i8"), *((name, "u1") for name in ("side", "type", "time_in_force", "offset", "status"))]
    orders += [("reasons", "u8"), ("report", "u1")]
    numbers = ("quantity", "average_price", "last_price", "realised", "unrealised", "fees")
    return {
        "fills": np.dtype([*fills, *marks]),
        "orders": np.dtype(orders),
        "positions": np.dtype([("event_ns", "i8"), ("number", "u4"), ("strategy", "u4"), *((name, "f8") for name in numbers)]),
        "equity": np.dtype([("event_ns", "i8"), *((name, "f8") for name in ("equity", "cash", "margin"))]),
    }


def empty_arrays(horizons: int = len(HORIZONS)) -> RunArrays:
    """Return the arrays of a run in which nothing happened."""
    return RunArrays(**{name: np.empty(0, kind) for name, kind in dtypes(horizons).items()})


def facts_of(**others: Any) -> RunFacts:
    """Return the facts of a made-up run."""
    given = {"instruments": INSTRUMENTS, "strategies": ("grid", "pairs"), "cash": 1_000_000.0, "currency": "USD", "horizons_ns": HORIZONS}
    return RunFacts(**{**given, **others})


class _Account:
    def __init__(self, instruments: tuple[Instrument, ...], cash: float) -> None:
        self.instruments, self.cash = instruments, cash
        self.lots: dict[tuple[int, int], int] = defaultdict(int)
        self.fees: dict[tuple[int, int], float] = defaultdict(float)

    def quantity(self, number: int, strategy: int) -> float:
        return self.instruments[number - 1].quantity(self.lots[number, strategy])

    def equity(self, mids: dict[int, float]) -> float:
        return self.cash + math.fsum(
            self.instruments[number - 1].quantity(lots) * mids[number] * self.instruments[number - 1].multiplier
            for (number, _), lots in self.lots.items()
        )


def make_run(
    seed: int = 1, orders: int = 60, *, instruments: tuple[Instrument, ...] = INSTRUMENTS, strategies: int = 2, takers_only: bool = False
) -> RunArrays:
    """Return the arrays of a run of so many random orders, about one each 20 s; what is left at the end is valued at its mid."""
    rng = np.random.default_rng(seed)
    account, kinds = _Account(instruments, 1_000_000.0), dtypes()
    mids = {number: 100.0 * number for number in range(1, len(instruments) + 1)}
    rows: dict[str, list[Any]] = {name: [] for name in kinds}
    now_ns, sampled_ns = START_NS, START_NS

    def sample(at_ns: int) -> None:
        rows["equity"].append((at_ns, account.equity(mids), account.cash, 0.0))
        for (number, strategy), lots in account.lots.items():
            if lots:
                place = number, strategy
                values = (account.quantity(*place), mids[number], mids[number], 0.0, 0.0, account.fees[place])
                rows["positions"].append((at_ns, *place, *values))

    for n in range(1, orders + 1):
        now_ns += int(rng.integers(1, 40)) * 1_000_000_000
        while sampled_ns + SAMPLE_NS <= now_ns:
            sampled_ns += SAMPLE_NS
            sample(sampled_ns)
        number, strategy = int(rng.integers(1, len(instruments) + 1)), int(rng.integers(1, strategies + 1))
        instrument = instruments[number - 1]
        tick = Fraction(repr(instrument.tick_size))
        mids[number] = max(50.0, mids[number] + float(int(rng.integers(-3, 4)) * tick))
        sell = bool(rng.integers(0, 2))
        maker = not takers_only and bool(rng.integers(0, 2))
        away = int(rng.integers(0, 3)) * tick * (1 if sell == maker else -1)
        price = float(Fraction(repr(mids[number])) + away)
        lots = int(rng.integers(1, 6))
        fate = rng.choice(["filled", "partly", "cancelled", "rejected", "working"])
        filled = {"filled": lots, "partly": max(1, lots // 2)}.get(str(fate), 0)
        waited = int(rng.integers(1, 5)) * 10_000_000 if maker else 0
        parts = [filled] if filled < 2 else [1, filled - 1]
        for k, part in enumerate(parts if filled else []):
            quantity = instrument.quantity(part)
            fee = instrument.fee(quantity, price, sell=sell, maker=maker, first=k == 0)
            account.lots[number, strategy] += -part if sell else part
            account.cash += (1 if sell else -1) * quantity * price * instrument.multiplier - fee
            account.fees[number, strategy] += fee
            mid = math.nan if rng.random() < 0.05 else mids[number]
            marks = [math.nan if rng.random() < 0.1 else mids[number] + float(int(rng.integers(-4, 5)) * tick) for _ in HORIZONS]
            at_ns = now_ns + waited + k
            place = (n, number, strategy, at_ns, at_ns + 1000)
            liquidity = int(Liquidity.MAKER if maker else Liquidity.TAKER)
            numbers = (price, quantity, fee, 0.0, mid, account.quantity(number, strategy), account.cash)
            rows["fills"].append((*place, *numbers, int(Side.SELL if sell else Side.BUY), 0, liquidity, marks))
        status = {"filled": OrderStatus.FILLED, "rejected": OrderStatus.REJECTED, "working": OrderStatus.ACCEPTED}.get(
            str(fate), OrderStatus.CANCELLED
        )
        rejected = status == OrderStatus.REJECTED
        done_ns = 0 if fate == "working" else now_ns + waited + 5_000_000
        times = (now_ns, 0 if rejected else now_ns + 1000, now_ns if rejected else done_ns)
        queue = 0 if rejected or not (maker or not filled) else waited + 1
        ahead = math.nan if rejected else float(rng.integers(0, 50))
        average = price if filled else math.nan
        quantity = instrument.quantity(lots)
        values = (price, math.nan, quantity, instrument.quantity(filled), average, ahead)
        codes = (int(Side.SELL if sell else Side.BUY), int(OrderType.LIMIT), 0, 0, int(status))
        rows["orders"].append((n, number, strategy, *times, *values, queue, *codes, 1 << 11 if rejected else 0, 0))
    sample(now_ns + 1_000_000_000)
    return RunArrays(**{name: np.array(rows[name], kind) for name, kind in kinds.items()})
