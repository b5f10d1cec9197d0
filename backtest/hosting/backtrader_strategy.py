"""Backtrader classes in the StrategyManager: the same file that backtests runs on paper and live.

Each such strategy has a thread with an `EventDrivenCerebro`. The manager's thread brings it bars, order events and fills; its orders
leave by the strategy's session, so that positions, open orders and what happens at a stop are those of every other strategy.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from gcg_quant.clock import to_iso
from gcg_quant.component import Component
from gcg_quant.errors import InstrumentError, StrategyError
from gcg_quant.events import AccountEvent, Bar, Event, Fill, OrderEvent, RiskVerdict, Tick, TimerEvent
from gcg_quant.instruments import Instrument

from ...strategy_engine.strategy.bar_book import base_period
from ...strategy_engine.strategy.base import Strategy
from ...strategy_engine.strategy.session import Session
from ..broker import EventDrivenBroker
from ..cerebro import EventDrivenCerebro
from ..conversion.comminfo import comminfo_of
from ..conversion.days import ns_from_days
from ..conversion.facts import place_of
from ..conversion.parameters import ParameterChange, bt_defaults, change_parameters, plain_parameters
from ..feed import EventDrivenDataFeed
from ..history.made_bars import BarMaking, BarStart, bars_to_begin_with
from ..routing.sender import OrderSender
from ..streaming.stream import QueueStream, market_id
from .bar_groups import PATIENCE_NS, BarGroups, Moment
from .class_parameters import ClassParameters
from .parameter_reads import ParameterReads
from .recorded import bars_again, read_recorded
from .rerun import RecordedSender, RecordedStream, RunBegin, RunDiverged, RunStream
from .run_record import RunRecord, code_of, extent_of
from .session_sender import SessionSender

__all__ = ["BacktraderStrategy"]

STOP_PATIENCE_S = 0.9
HANG_S = 20.0
SETTLE_S = 5.0
GROUP_TIMER = "bars"


class BacktraderStrategy(Strategy):
    """Runs one Backtrader class. Made by `BacktraderAdapter.wrap`.

    Parameters are those of the class, and two of ours: `period` of the bars (default "1m"; where the class has a parameter of that name,
    `bar_period`), and `warmup_bars`, how many bars of history it is given before the first live one. History is quiet: `next()` starts
    with the first live bar. A parameter that is changed while it runs is set between two bars (`strategy.p.x`), unless the class has read
    it in `__init__` (an indicator's period): then, as with ours, a new run of the class begins, warm-up included; positions stay. After a
    restart of its process the run is done again, mute, over what the journal holds of it (see `rerun`).
    """

    def __init__(self, cls: type, parameters: Mapping[str, Any]) -> None:
        self._cls = cls
        self._class_parameters = ClassParameters(cls)
        self._cerebro: EventDrivenCerebro | None = None
        self._stream = QueueStream()
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._subscriptions: list[Any] = []
        self._loaded_by: object = None
        self._reads = ParameterReads(cls)
        self._record: RunRecord | None = None
        self._making: BarMaking | None = None
        self._groups = BarGroups(1)
        super().__init__(**parameters)

    def attach(self, session: Session) -> None:
        """Bind the strategy to its session (called by what runs it)."""
        super().attach(session)
        self._loaded_by = session.host

    # --- parameters ----------------------------------------------------------------------------------------------------------

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the class and ours, with their present values."""
        return self._class_parameters.values

    def set_parameters(self, values: Mapping[str, Any]) -> None:
        """Set several parameters: all of them, or none. Raises StrategyError."""
        self._class_parameters.change(values)

    def on_parameters(self, changed: Mapping[str, Any]) -> None:
        """Set the new parameters in the run that is on its way, or begin a new one with them."""
        if self._thread is None:
            return
        reads, record = self._reads, self._record
        if record is None or not reads.done or reads.names & changed.keys() or self._class_parameters.our_names & changed.keys():
            self._end()
            self._begin()
            return
        values = {name: self._class_parameters.chosen[name] for name in changed}
        self._hand_on(self._groups.release())
        self._stream.push(ParameterChange(values), (self._session.now_ns, self._session.cause))
        change = market_id(self._host.reader.cursor.market), plain_parameters(values)
        self._remember(msgspec.structs.replace(record, changes=[*record.changes, change]))

    def wanted_periods(self) -> tuple[str, ...]:
        """Return the period of its bars, and that of the shorter ones of which they are made."""
        return tuple(dict.fromkeys((self._period, self._base_period())))

    # --- callbacks, on the manager's thread ----------------------------------------------------------------------------------

    def on_start(self) -> None:
        """Begin the run, or wait for its instruments. Raises StrategyError if a symbol is a pattern, or if there is no manager."""
        unknown = self._unknown()
        if unknown:
            self.log(f"{self._cls.__name__} waits: {unknown}", "warning")
        else:
            self._begin()

    def on_tick(self, tick: Tick) -> None:
        """Look after the run."""
        self._look_after()

    def on_bar(self, bar: Bar) -> None:
        """Bring the run a bar."""
        waiting = self._thread is None
        self._look_after()
        if not waiting and self._making is not None:  # otherwise the run has just begun, and has found the bar in the journal
            for one in self._making.take(bar):
                self._push(one)

    def on_order(self, order: OrderEvent) -> None:
        """Bring the run a change of one of its orders."""
        self._push(order)

    def on_fill(self, fill: Fill) -> None:
        """Bring the run a fill."""
        self._push(fill)

    def on_timer(self, timer: TimerEvent) -> None:
        """Bring the run the bars that have waited for others in vain."""
        self._look_after()

    def on_stop(self) -> None:
        """End the run; raises what the class raised and nobody has been told."""
        self._end()
        if self._failure is not None:
            error, self._failure = self._failure, None
            raise error

    # --- inside --------------------------------------------------------------------------------------------------------------

    @property
    def _host(self) -> Component:
        host = self._session.host
        if not isinstance(host, Component):
            raise StrategyError(f"{self._cls.__name__} is a Backtrader class: it runs in a StrategyManager, or in a backtest.")
        return host

    @property
    def _period(self) -> str:
        return self._class_parameters.period

    # Of which the bars are made: the longest that the system makes; before the strategy is in one, its own.
    def _base_period(self) -> str:
        book = getattr(self._loaded_by, "bar_book", None)
        return self._period if book is None else base_period(self._period, book.made)

    def _remember(self, record: RunRecord) -> None:
        self._record = record
        self._session.record = msgspec.to_builtins(record)

    def _begin(self) -> None:
        host, session = self._host, self._session
        self._failure = None
        begin = self._again() or self._anew()
        moment = session.now_ns, session.cause
        self._cerebro = cerebro = EventDrivenCerebro(run=session.strategy_id)
        cerebro.closed_to_feeds = "a strategy of the StrategyManager has the symbols that it was loaded with. Load it with all of them."
        sender: OrderSender
        self._stream = stream = RunStream(moment)
        self._groups = groups = BarGroups(1 if getattr(host, "event_time", False) else len(begin.bars))
        if begin.recorded is not None:
            self._stream = stream = RecordedStream(begin.recorded, groups, begin.record.begin, moment)
            sender = RecordedSender(SessionSender(session, stream), session, stream, begin.recorded)
        else:
            sender = SessionSender(session, stream)
        broker = EventDrivenBroker(matching="engine", bus=host.bus, stream=stream, account=session.account, strategy=session.strategy_id)
        broker.use_sender(sender)
        cerebro.broker = broker
        for symbol in self._symbols():
            self._add_feed(cerebro, broker, self.instrument(symbol), begin)
        self._remember(begin.record)
        self._making = begin.making
        self._reads = ParameterReads(self._cls)
        stream.listen(ParameterChange, self._on_change)
        cerebro.pen = self._draw
        cerebro.adddatacb(self._on_data_status)
        cerebro.addstrategy(self._cls, **begin.chosen)
        self.warming_up = True
        self._subscriptions = [
            host.subscribe(RiskVerdict, self._push_own),
            host.subscribe(AccountEvent, self._push_own),
        ]
        self._thread = threading.Thread(target=self._run, args=(cerebro,), name=f"backtrader {session.strategy_id}", daemon=True)
        self._thread.start()

    # A run that begins now: warm-up up to where the manager reads, and the position that the strategy has.
    def _anew(self) -> RunBegin:
        starts, held = {}, {}
        for symbol in self._symbols():
            terms, position = self.instrument(symbol), self._session.position(symbol)
            starts[terms.name] = self._warmup(symbol, terms)
            if not position.is_flat:
                held[terms.name] = (position.quantity, position.average_price)
        record = RunRecord(
            begin=market_id(self._host.reader.cursor.market),
            begin_ns=self._session.now_ns,
            warmup={name: extent_of(start.bars) for name, start in starts.items()},
            seeds={name: extent_of(start.seed) for name, start in starts.items()},
            held=held,
            code=code_of(self._cls),
            parameters=self.parameters,
        )
        return RunBegin(
            record,
            {name: start.bars for name, start in starts.items()},
            self._new_making(record, starts),
            self._class_parameters.chosen,
            None,
        )

    def _new_making(self, record: RunRecord, starts: Mapping[str, BarStart]) -> BarMaking:
        terms = [self.instrument(symbol) for symbol in self._symbols()]
        by_place = {(one.symbol, one.venue): starts[one.name] for one in terms}
        return BarMaking(self._period, self._base_period(), record.begin_ns, by_place)

    # The run that a restart has cut off, if it can be done again; else the reason is told, and a new one begins.
    def _again(self) -> RunBegin | None:
        told, self._session.resumed = self._session.resumed, {}
        if not told:
            return None
        try:
            record = msgspec.convert(told, RunRecord)
        except msgspec.ValidationError as error:  # of another version
            self.log(f"{self._cls.__name__} begins anew after the restart: its record cannot be read: {error}.", "warning")
            return None
        terms = [self.instrument(symbol) for symbol in self._symbols()]
        same = record.parameters_now() == self.parameters and set(record.warmup) == {one.name for one in terms}
        why = "" if same and record.code == code_of(self._cls) else "its file, parameters or symbols have changed"
        starts: dict[str, BarStart] = {}
        host = self._host
        for one in () if why else terms:
            for late in (False, True):
                start = bars_again(host.bus, host.history, one, self._period, self._base_period(), record, late=late)
                found = extent_of(start.bars), extent_of(start.seed)
                if found == (record.warmup[one.name], record.seeds.get(one.name, (0, 0, 0))):
                    starts[one.name] = start
                    break
            else:
                why = f"the history that it began with is not there any more ({one.name})"
        recorded = None
        if not why:
            making = self._new_making(record, starts)
            end_id = market_id(host.reader.cursor.market)
            recorded = read_recorded(host.bus, host.history, record, end_id, self._session, terms, making)
        if recorded is None:
            self.log(f"{self._cls.__name__} begins anew after the restart: {why or 'the journal does not reach back'}.", "warning")
            return None
        chosen = record.chosen_then(self._class_parameters.chosen, bt_defaults(self._cls))
        return RunBegin(record, {name: start.bars for name, start in starts.items()}, making, chosen, recorded)

    def _end(self) -> None:
        for subscription in self._subscriptions:
            self._host.unsubscribe(subscription)
        self._subscriptions = []
        if self._cerebro is not None and self._thread is not None:
            self._cerebro.stop()
            self._stream.wake()
            self._thread.join(STOP_PATIENCE_S)
            if self._thread.is_alive():
                raise StrategyError(f"next() of {self._cls.__name__} did not come back within {STOP_PATIENCE_S} s of the stop.")
        self._thread = self._cerebro = None

    def _run(self, cerebro: EventDrivenCerebro) -> None:
        reads = self._reads
        reads.begin()
        try:
            cerebro.run(stdstats=False)
        except BaseException as error:  # raised again on the manager's thread, which reports it with file and line
            days = cerebro.clock_days
            if days:
                error.add_note(f"at the bar {to_iso(ns_from_days(days))} of {', '.join(self.symbols)}")
            self._failure = error
        finally:
            reads.end()

    # On the run's thread, between two bars.
    def _on_change(self, change: ParameterChange) -> bool:
        for strategy in getattr(self._cerebro, "runningstrats", ()):
            change_parameters(strategy, change.values)
        return False

    def _look_after(self) -> None:
        if self._thread is None:
            if not self._unknown():
                self._begin()
            return
        if self._thread.is_alive():
            self._hand_on(self._groups.due(self._session.now_ns))
            # A run that hangs cannot be ended from here. Waiting for it makes the manager hang in this strategy's callback, where the
            # supervisor sees it, names it and kills the process; should it come back before that, all go on.
            while self._stream.silent_s > HANG_S and self._thread.is_alive():
                self._thread.join(0.05)
            return
        error, self._failure = self._failure, None
        self._end()
        if isinstance(error, RunDiverged):
            self.log(f"{self._cls.__name__} begins anew after the restart: done again, {error}.", "warning")
            self._begin()
            return
        raise error or StrategyError(f"{self._cls.__name__} has ended its run by itself (runstop).")

    # A system that starts for the first time knows an instrument only when its collector is there.
    def _unknown(self) -> str:
        try:
            for symbol in self._symbols():
                self.instrument(symbol)
        except InstrumentError as error:
            return error.message
        return ""

    def _symbols(self) -> list[str]:
        for symbol in self.symbols:
            if any(sign in symbol for sign in "*?["):
                raise StrategyError(f"{self._cls.__name__} is a Backtrader class and needs symbols by name, not {symbol!r}.", symbol=symbol)
        if not self.symbols:
            raise StrategyError(f"{self._cls.__name__} needs a symbol: load it with one.")
        return list(self.symbols)

    def _add_feed(self, cerebro: EventDrivenCerebro, broker: EventDrivenBroker, terms: Instrument, begin: RunBegin) -> None:
        feed = EventDrivenDataFeed(dataname=terms.name, period=self._period, bars=begin.bars[terms.name], live=True, stream=self._stream)
        cerebro.adddata(feed, name=terms.symbol)
        broker.addcommissioninfo(comminfo_of(terms), name=terms.symbol)
        if terms.name in begin.record.held:
            broker.use_position(feed, *begin.record.held[terms.name])

    # The store is a moment behind the bus. Where the bus carries the period the journal closes the gap, up to where the manager reads.
    def _warmup(self, text: str, terms: Instrument) -> BarStart:
        period, base, count = self._period, self._base_period(), self._class_parameters.warmup_bars
        host = self._host
        start = bars_to_begin_with(host.bus, market_id(host.reader.cursor.market), host.history, terms, period, base, limit=count)
        return start if len(start.bars) or base != period else start._replace(bars=self.bars(text, period, count))

    # Where recorded data is played the market waits for the strategies, and so for this run; live nobody waits for anybody.
    def _push(self, event: Event) -> None:
        waited = bool(self._groups)
        self._hand_on(self._groups.take(event, (self._session.now_ns, self._session.cause)))
        if self._groups and not waited:
            self.set_timer(GROUP_TIMER, PATIENCE_NS / 1e9, repeat=False)
        thread = self._thread
        if getattr(self._session.host, "event_time", False) and thread is not None and not self.warming_up:
            self._stream.settle(thread.is_alive, SETTLE_S)

    def _push_own(self, event: Event) -> None:
        if getattr(event, "account", "") == self._session.account:
            self._hand_on(self._groups.take(event, (self._session.now_ns, event.id)))

    def _hand_on(self, items: Iterable[tuple[Any, Moment]]) -> None:
        for item, moment in items:
            self._stream.push(item, moment)

    # On the run's thread. What is done again after a restart has been drawn already, and history is not drawn.
    def _draw(self, name: str, value: float, symbol: Any = None, place: str = "price") -> None:
        stream = self._stream
        if self.warming_up or getattr(stream, "replaying", False):
            return
        at = symbol if symbol is None or isinstance(symbol, str) else "@".join(part for part in place_of(symbol) if part)
        self._session.plot(name, value, at, place, stream.moment)

    # On the run's thread: the second lock, beside the broker's own.
    def _on_data_status(self, data: Any, status: int, *args: Any, **kwargs: Any) -> None:
        self._reads.end()  # the strategy has been made, and its run has begun
        cerebro = self._cerebro
        if cerebro is not None and all(one._laststatus == one.LIVE for one in cerebro.datas if one.islive()):
            self.warming_up = False
