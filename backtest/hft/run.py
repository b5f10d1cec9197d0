"""One run of the tick engine: the native engine with its instruments, data and strategies, from the first event to the last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from gcg_quant.calendar import Calendar
from gcg_quant.errors import BacktestError
from gcg_quant.instruments import Instrument

from ...strategy_engine.accounts.accounts import is_margined
from ...strategy_engine.hft import Strategy
from ...strategy_engine.risk.engine import RiskEngine
from .config import QUEUES, HftConfig, nanoseconds
from .desk import EngineDesk, LogLine, Symbols
from .failure import strategy_error
from .made_bars import add_bars, only_wanted
from .native import Sessions, TickEngine
from .plots import RunPlots
from .trading_days import trading_days

if TYPE_CHECKING:
    from .market import Feed

__all__ = ["Added", "Run"]

Progress = Callable[[int, int, int], None]
_NET, _BOTH, _LARGER = 0, 1, 2  # Sides in native/include/gcg/risk.h


class Added(NamedTuple):
    """A strategy as it was added: what it is called, and the instruments that it sees (none named: all)."""

    name: str
    strategy: Strategy
    symbols: tuple[str, ...]


class Run:
    """A run from its beginning; a second one needs a new object. It keeps its strategies and its data alive.

    Args:
        config: the settings. `currency`: the account's.
        instruments: in the order of their numbers, 1 and on.
        feeds: the market data; `strategies`: in the order in which they are called.

    Raises:
        BacktestError: an instrument's currency without a rate. InstrumentError: a strategy's symbol that is not there.
    """

    def __init__(
        self, config: HftConfig, currency: str, instruments: Sequence[Instrument], feeds: Sequence[Feed], strategies: Sequence[Added]
    ) -> None:
        self.config = config
        self.currency = currency
        self.symbols = Symbols(instruments)
        self.strategies = {one.name: one.strategy for one in strategies}
        self.log: list[LogLine] = []
        self.plots = RunPlots()
        self.begun = self.failed = self.ended = False
        self.first_ns = 0  # the first event's time, once begun
        self._feeds = tuple(feeds)
        self._wanted: dict[str, tuple[Strategy, list[int]]] = {}
        self.native = _engine(config)
        self.native.set_unknown(self.symbols.unknown)
        self._risk = RiskEngine(currency=currency, native=self.native.risk)
        for number, instrument in enumerate(instruments, start=1):
            self._add_instrument(number, instrument)
        for feed in feeds:
            feed.add_to(self.native, self.symbols, config.start_ns, config.end_ns)
        for one in strategies:
            self._add_strategy(one)
        self._risk.set_rules(config.rules())  # at last: limits of single strategies and symbols need their numbers

    @property
    def over(self) -> bool:
        """Whether nothing is left to do: the data have ended, or a strategy has failed."""
        return self.failed or self.ended

    def advance(self, most: int = -1, progress: Progress | None = None) -> int:
        """Handle up to `most` market events (-1: all) and return how many.

        Raises:
            StrategyError: a callback raised; the original error is its cause. KeyboardInterrupt: Ctrl-C; it can go on afterwards.
        """
        if not self.begun:
            self.begun = True
            self.native.run(0)  # the clock of init() is that of the first event
            self.first_ns = self.native.now_ns
            for name, strategy in self.strategies.items():
                self._call(name, strategy, "init")
            add_bars(self.native, self.symbols.instruments, self._feeds, self._span, self._wanted)
        before = self.native.done
        try:
            self.native.run(most, progress)
        except Exception as error:
            raise self._failure(error) from error
        if self.native.finished and not self.ended:
            self.ended = True
            for name, strategy in self.strategies.items():
                self._call(name, strategy, "finish")
        return self.native.done - before

    def _call(self, name: str, strategy: Strategy, callback: str) -> None:
        try:
            getattr(strategy, callback)()
        except Exception as error:
            self.failed = True
            raise strategy_error(error, strategy, name, callback, self.native.now_ns) from error

    def _failure(self, error: Exception) -> Exception:
        name, callback, event_ns = self.native.failure
        self.failed = True
        strategy = self.strategies.get(name)
        return error if strategy is None else strategy_error(error, strategy, name, callback, event_ns)

    def _add_instrument(self, number: int, instrument: Instrument) -> None:
        currency = self._risk.currency_number(instrument.currency)
        rate = 1.0 if currency == 0 else self.config.rates.get(instrument.currency)
        if rate is None:
            raise BacktestError(
                f"{instrument.name} is paid in {instrument.currency}, and the account is in {self.currency}: "
                f"give rates={{{instrument.currency!r}: ...}}.",
                currency=instrument.currency,
            )
        terms: dict[str, Any] = {
            **msgspec.structs.asdict(instrument),
            "tick_ratio": Fraction(repr(float(instrument.tick_size))).as_integer_ratio(),
            "lot_ratio": Fraction(repr(float(instrument.lot_size))).as_integer_ratio(),
            "currency_number": currency,
            "margined": is_margined(instrument),
            "sides": (_LARGER if instrument.larger_side else _BOTH) if instrument.legs else _NET,
        }
        self.native.add_instrument(number, instrument.symbol, instrument.venue, terms)
        self._risk.set_terms(number, instrument)
        self.native.set_rate(currency, rate)
        if self.config.sessions and instrument.calendar != "24/7":
            opens, closes = Calendar(instrument.calendar).segments()
            self.native.matching.set_sessions(number, Sessions(opens.tolist(), closes.tolist()))
        days = trading_days(instrument, self._span(instrument), sessions=self.config.sessions)
        if days is not None:
            self.native.set_trading_days(number, *days)

    def _span(self, instrument: Instrument) -> tuple[int, int] | None:
        spans = [feed.span_ns() for feed in self._feeds if feed.kinds(instrument)]
        known = [span for span in spans if span is not None]
        return (min(one[0] for one in known), max(one[1] for one in known)) if known and len(known) == len(spans) else None

    def _add_strategy(self, one: Added) -> None:
        self._risk.strategy_number(one.name)
        numbers = self.symbols.numbers(one.symbols)
        callbacks = one.strategy.callbacks()
        if "on_bar" in callbacks:
            callbacks["on_bar"] = only_wanted(one.strategy)
        self._wanted[one.name] = one.strategy, numbers
        desk = self.native.add_strategy(one.name, callbacks, numbers)
        one.strategy.attach(EngineDesk(desk, one.name, self.symbols, numbers[0] if numbers else 1, self.log, self.plots))


def _engine(config: HftConfig) -> TickEngine:
    latency = config.latency
    return TickEngine(
        account=config.account,
        gateway=config.account,
        cash=config.cash,
        order_latency_ns=nanoseconds(latency.order_ms),
        cancel_latency_ns=latency.cancel_ns,
        response_latency_ns=nanoseconds(latency.response_ms),
        feed_latency_ns=latency.feed_ns,
        jitter_ns=nanoseconds(latency.jitter_ms),
        seed=latency.seed,
        slippage_ticks=config.slippage_ticks,
        queue=QUEUES.index(config.queue),
        queue_power=config.queue_power,
        sample_ns=config.sample_ns,
        batch=config.batch_rows,
        horizons_ns=config.horizons_ns,
    )
