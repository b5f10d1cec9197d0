"""A rehearsal: a strategy over some market data on a bus of its own, with the real manager, trading engine and paper venue."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType

from gcg_quant.bar_builder import BarBuilder
from gcg_quant.bus import EventBus
from gcg_quant.errors import StrategyError
from gcg_quant.events import Event, Fill, LogEvent, OrderEvent, OrderRequest, OrderStatus, StrategyStatusEvent, World
from gcg_quant.instruments import Instrument

from ...backtest.adapters import BacktraderAdapter
from ...backtest.own_strategies.stepping import SteppedManager
from ...backtest.truncation.decisions import Decision, DecisionLog
from ...backtest.truncation.own_reads import PREFIX, SCRATCH
from ...strategy_engine.hosting.hosted import CallbackTimes
from ...strategy_engine.hosting.roster import LoadRequest
from ...strategy_engine.trading import TradingConfig, TradingEngine

__all__ = ["ACCOUNT", "Outcome", "patience", "rehearse"]

ACCOUNT = "test"
_CASH = 1e8
_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a rehearsal; `failure` is "" if the strategy still ran at the end."""

    failure: str
    events: int
    symbols: tuple[str, ...]
    orders: int = 0
    refused: int = 0
    fills: int = 0
    reasons: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    times: Mapping[str, CallbackTimes] = field(default_factory=dict)


def rehearse(
    request: LoadRequest,
    folders: Sequence[Path],
    terms: Iterable[Instrument],
    market: Iterable[Event],
    decided: list[Decision] | None = None,
) -> Outcome:
    """Run a strategy over events, one after the other, and return what came of it. In the main thread only.

    A callback that does not come back within 5 s fails. Nothing is left behind. `decided` is given the strategy's decisions up to the last
    event, each with the number of the event that led to it.
    """
    with (
        tempfile.TemporaryDirectory(prefix=PREFIX, dir=SCRATCH) as folder,
        EventBus(Path(folder) / "bus", world=World.BACKTEST, source="test", sync="none", page_mb=1) as bus,
    ):
        instruments = list(terms)
        for one in instruments:
            bus.instruments.add(one)
        currency = instruments[0].currency if instruments else "USD"
        engine = TradingEngine(TradingConfig(account=ACCOUNT, currency=currency, cash=_CASH))
        bars = BarBuilder(periods=("1s", "1m"))
        manager = SteppedManager(folders, load=[request], adapters=[BacktraderAdapter()], account=ACCOUNT)
        engine.start(bus, threaded=False)
        bars.start(bus, threaded=False)
        with patience():
            manager.start(bus, threaded=False)
        count = 0
        log = None if decided is None else DecisionLog(bus)
        failure = manager.failure(request.id)
        for event in () if failure else market:
            bus.publish(event)
            count += 1
            with patience():
                while engine.turn() + bars.turn() + manager.turn():
                    pass
            if log is not None:
                log.take(partial(_number, count - 1))
            failure = manager.failure(request.id)
            if failure:
                break
        if log is not None and decided is not None:
            log.close()
            decided += log.decisions
        infos = manager.strategies()
        with patience():
            manager.stop()
        for component in (bars, engine):
            component.stop()
        return _outcome(bus, failure or "", count, infos[0].symbols if infos else (), infos[0].times if infos else {})


def _number(number: int, time_ns: int) -> int:
    return number


def _outcome(bus: EventBus, failure: str, count: int, symbols: tuple[str, ...], times: Mapping[str, CallbackTimes]) -> Outcome:
    with bus.reader(start="begin", events=[OrderRequest, OrderEvent, Fill, LogEvent, StrategyStatusEvent]) as reader:
        found = list(reader)
    refused = [event.reason for event in found if isinstance(event, OrderEvent) and event.status == OrderStatus.REJECTED]
    told = [event.error for event in found if isinstance(event, StrategyStatusEvent) and event.error]
    return Outcome(
        failure=told[-1] if failure and told else failure,
        events=count,
        symbols=symbols,
        orders=sum(isinstance(event, OrderRequest) for event in found),
        refused=len(refused),
        fills=sum(isinstance(event, Fill) for event in found),
        reasons=tuple(dict.fromkeys(refused)),
        errors=tuple(event.message for event in found if isinstance(event, LogEvent) and event.level == "error"),
        times=times,
    )


@contextmanager
def patience() -> Iterator[None]:
    """Interrupt what does not come back within 5 s with a StrategyError, where it is, so that a report names its line."""

    def give_up(number: int, frame: FrameType | None) -> None:
        raise StrategyError(f"it did not come back within {_PATIENCE_S:g} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, _PATIENCE_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
