"""The other engines on the same ticks, each through its own documented interface.

Two strategies. "bare" reads bid and ask of every tick. "work" does so too, and on each hundredth tick cancels what still rests and sends
a limit order of one unit: a purchase at the bid while nothing is held, else a sale at the ask. All send the same number of orders; how
many of them fill is the engine's own idea of a resting order.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from .hft_runs import Outcome, repeated, timed
from .hft_ticks import EVERY, START_NS, STEP_NS, TICK, columns
from .rows import bus_folder

CASH = 10_000_000


def vnpy(scene: str, count: int, runs: int) -> Outcome:
    """vnpy_ctastrategy: `BacktestingEngine` in tick mode and a `CtaTemplate`; its results by day belong to the work."""
    with bus_folder() as folder:
        home = os.environ.get("HOME", "/")
        os.environ["HOME"] = str(folder)  # vnpy makes a folder of settings there
        try:
            return _vnpy(scene, count, runs)
        finally:
            os.environ["HOME"] = home


def _vnpy(scene: str, count: int, runs: int) -> Outcome:
    from vnpy.trader.constant import Exchange, Interval
    from vnpy.trader.object import TickData
    from vnpy_ctastrategy import CtaTemplate
    from vnpy_ctastrategy.backtesting import BacktestingEngine
    from vnpy_ctastrategy.base import BacktestingMode

    class Bare(CtaTemplate):  # type: ignore[misc]
        def on_init(self) -> None:
            pass

        def on_tick(self, tick: Any) -> None:
            tick.bid_price_1  # noqa: B018
            tick.ask_price_1  # noqa: B018

    class Work(CtaTemplate):  # type: ignore[misc]
        n = 0
        sent: Sequence[str] = ()

        def on_init(self) -> None:
            pass

        def on_tick(self, tick: Any) -> None:
            bid, ask = tick.bid_price_1, tick.ask_price_1
            self.n += 1
            if self.n % EVERY == 0:
                for one in self.sent:
                    self.cancel_order(one)
                self.sent = self.sell(ask, 1) if self.pos > 0 else self.buy(bid, 1)

    made = columns(count)
    begin = datetime.fromtimestamp(START_NS / 1e9, UTC)
    step = timedelta(microseconds=STEP_NS // 1000)
    names = ("bid", "ask", "bid_size", "ask_size")
    ticks = [
        TickData(
            "bench",
            "X",
            Exchange.LOCAL,
            begin + step * n,
            last_price=bid,  # it closes the days, and matches nothing
            bid_price_1=bid,
            ask_price_1=ask,
            bid_volume_1=bid_size,
            ask_volume_1=ask_size,
        )
        for n, (bid, ask, bid_size, ask_size) in enumerate(zip(*(made[name].tolist() for name in names)))
    ]
    traded: list[int] = []

    def once() -> float:
        engine = BacktestingEngine()
        engine.output = lambda message: None
        engine.set_parameters(
            vt_symbol="X.LOCAL",
            interval=Interval.TICK,
            start=begin,
            end=begin + step * count,
            rate=0.0002,
            slippage=0.0,
            size=1,
            pricetick=TICK,
            capital=CASH,
            mode=BacktestingMode.TICK,
        )
        engine.add_strategy(Work if scene == "work" else Bare, {})
        engine.history_data = ticks
        seconds = timed(engine.run_backtesting)
        if scene == "work":
            seconds += timed(engine.calculate_result)
        traded[:] = len(engine.limit_orders), len(engine.trades)
        return seconds

    seconds = repeated(runs, once)
    return Outcome(count, seconds, *traded)


def nautilus(scene: str, count: int, runs: int) -> Outcome:
    """nautilus_trader: `BacktestEngine`, a `Strategy` and `QuoteTick`s; its risk engine checks the orders."""
    from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
    from nautilus_trader.config import LoggingConfig
    from nautilus_trader.model.currencies import USD
    from nautilus_trader.model.data import QuoteTick
    from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
    from nautilus_trader.model.identifiers import Venue
    from nautilus_trader.model.objects import FIXED_SCALAR, Money, Quantity
    from nautilus_trader.test_kit.providers import TestInstrumentProvider
    from nautilus_trader.trading.strategy import Strategy

    instrument = TestInstrumentProvider.equity(symbol="X", venue="SIM")

    class Bare(Strategy):  # type: ignore[misc]
        def on_start(self) -> None:
            self.subscribe_quote_ticks(instrument.id)

        def on_quote_tick(self, tick: Any) -> None:
            tick.bid_price  # noqa: B018
            tick.ask_price  # noqa: B018

    class Work(Strategy):  # type: ignore[misc]
        def on_start(self) -> None:
            self.n, self.held, self.one, self.sent = 0, 0, Quantity.from_int(1), None
            self.subscribe_quote_ticks(instrument.id)

        def on_quote_tick(self, tick: Any) -> None:
            bid, ask = tick.bid_price, tick.ask_price
            self.n += 1
            if self.n % EVERY == 0:
                if self.sent is not None and self.sent.is_open:
                    self.cancel_order(self.sent)
                side, price = (OrderSide.SELL, ask) if self.held > 0 else (OrderSide.BUY, bid)
                self.sent = self.order_factory.limit(instrument.id, side, self.one, price)
                self.submit_order(self.sent)

        def on_order_filled(self, event: Any) -> None:
            self.held += 1 if event.order_side == OrderSide.BUY else -1

    made = columns(count)
    raw = [np.round(made[name] / TICK).astype(np.int64) * int(FIXED_SCALAR * TICK) / FIXED_SCALAR for name in ("bid", "ask")]
    raw += [made[name] for name in ("bid_size", "ask_size")]
    times = made["event_ns"].astype(np.uint64)
    ticks = QuoteTick.from_raw_arrays_to_list(instrument.id, 2, 0, *raw, times, times)
    found: list[int] = []

    def once() -> float:
        engine = BacktestEngine(config=BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
        engine.add_venue(
            venue=Venue("SIM"),
            oms_type=OmsType.NETTING,
            account_type=AccountType.MARGIN,
            base_currency=USD,
            starting_balances=[Money(CASH, USD)],
        )
        engine.add_instrument(instrument)
        engine.add_data(ticks, sort=False)
        engine.add_strategy(Work() if scene == "work" else Bare())
        seconds = timed(engine.run)
        orders = engine.cache.orders()
        found[:] = len(orders), sum(order.filled_qty > 0 for order in orders)
        engine.dispose()
        return seconds

    seconds = repeated(runs, once)
    return Outcome(count, seconds, *found)


def hftbacktest(scene: str, count: int, runs: int) -> Outcome:
    """hftbacktest: a strategy that numba compiles, and the changes of the book that make each tick's quote; only the bare loop."""
    import hftbacktest as hft
    from numba import njit

    @njit  # type: ignore[misc]
    def bare(engine: Any) -> float:
        total = 0.0
        while engine.wait_next_feed(False, 1_000_000_000_000) == 2:
            depth = engine.depth(0)
            total += depth.best_bid + depth.best_ask
        return total

    events = _depth_events(hft, count)

    def once() -> float:
        asset = (
            hft.BacktestAsset()
            .data(events)
            .linear_asset(1.0)
            .constant_order_latency(0, 0)
            .risk_adverse_queue_model()
            .no_partial_fill_exchange()
            .trading_value_fee_model(0.0002, 0.0002)
            .tick_size(TICK)
            .lot_size(1.0)
        )
        engine = hft.HashMapMarketDepthBacktest([asset])
        seconds = timed(lambda: bare(engine))
        engine.close()
        return seconds

    once()  # compiles
    return Outcome(count, repeated(runs, once))


# The levels that a quote sets, and those of the quote before that it takes away: two to four events a tick.
def _depth_events(hft: Any, count: int) -> Any:
    made = columns(count)
    events = np.zeros((count, 4), hft.event_dtype)
    wanted = np.ones((count, 4), bool)
    for at, side in enumerate(("bid", "ask")):
        prices = made[side]
        before = np.append(prices[:1], prices[:-1])
        kind = hft.DEPTH_EVENT | hft.EXCH_EVENT | hft.LOCAL_EVENT | (hft.SELL_EVENT if at else hft.BUY_EVENT)
        events["ev"][:, [at, at + 2]] = kind
        events["px"][:, at], events["px"][:, at + 2] = before, prices
        events["qty"][:, at + 2] = made[f"{side}_size"]
        wanted[:, at] = before != prices
    events["exch_ts"] = events["local_ts"] = made["event_ns"][:, None]
    return events[wanted]
