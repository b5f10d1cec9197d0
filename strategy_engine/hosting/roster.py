"""The strategies of one manager by id: loading, starting, stopping, reloading, and what happens when one throws."""

from __future__ import annotations

import re
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from gcg_quant.busy_mark import BusyMark
from gcg_quant.errors import StrategyError, nearest
from gcg_quant.events import AlertEvent, LogEvent, StrategyControlEvent, StrategyStatusEvent

from ..strategy.bar_book import base_period
from ..strategy.base import Strategy
from ..strategy.parameters import declared_parameters
from ..strategy.portfolio import Portfolio
from ..strategy.session import Session, StrategyHost, StrategyState
from ..strategy.timers import Timers
from .coroutines import CoroutineRunner
from .hosted import HostedStrategy
from .loader import LoadedClass, StrategyLoader, strategy_frame

if TYPE_CHECKING:
    from gcg_quant.sections import StrategyEntry

__all__ = ["LoadRequest", "Roster"]

_ID = re.compile(r"[A-Za-z0-9_.-]{1,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """What to load: `file` is a path or a short name; an empty id, class or symbol list is chosen from the file."""

    file: str
    id: str = ""
    class_name: str = ""
    symbols: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    account: str = ""
    start: bool = False

    @classmethod
    def of_entry(cls, entry: StrategyEntry) -> Self:
        """Return what an entry of the settings asks for."""
        return cls(
            file=entry.file,
            id=entry.id or Path(entry.file).stem,
            class_name=entry.class_name,
            symbols=tuple(entry.symbols),
            parameters=entry.parameters,
            account=entry.account,
            start=entry.start,
        )

    @classmethod
    def of_command(cls, event: StrategyControlEvent) -> Self:
        """Return what a command asks for."""
        return cls(
            file=event.file,
            id=event.strategy,
            class_name=event.class_name,
            symbols=tuple(event.symbols),
            parameters=event.parameters,
            account=event.account,
        )


class Roster:
    """Strategies by id. Belongs to the host's thread; every method that changes a state publishes a StrategyStatusEvent.

    `changed` is called after every change of what is loaded, running or wanted. Methods raise StrategyError, and have changed nothing
    then unless they say otherwise. `accounts` are those that a strategy may name; without any it may name what it likes.
    """

    def __init__(
        self,
        host: StrategyHost,
        loader: StrategyLoader,
        timers: Timers,
        account: str,
        changed: Callable[[], None],
        accounts: Sequence[str] = (),
    ) -> None:
        self.loader = loader
        self.runner = CoroutineRunner()
        self.portfolios: defaultdict[str, Portfolio] = defaultdict(Portfolio)
        self.closing = False  # the process ends: states are kept for its next start
        self.mark = BusyMark()
        self._host = host
        self._timers = timers
        self._account = account
        self._accounts = tuple(accounts)
        self._changed = changed
        self._hosted: dict[str, HostedStrategy] = {}

    def __iter__(self) -> Iterator[HostedStrategy]:
        return iter(list(self._hosted.values()))

    def __len__(self) -> int:
        return len(self._hosted)

    def find(self, strategy_id: str) -> HostedStrategy | None:
        """Return the strategy of that id, or None."""
        return self._hosted.get(strategy_id)

    def get(self, strategy_id: str) -> HostedStrategy:
        """Return the strategy of that id. Raises StrategyError naming the nearest one."""
        hosted = self._hosted.get(strategy_id)
        if hosted is None:
            listed = ", ".join(self._hosted) or "none"
            raise StrategyError(
                f"There is no strategy {strategy_id!r} (loaded: {listed}).{nearest(strategy_id, self._hosted)}", strategy=strategy_id
            )
        return hosted

    def load(self, request: LoadRequest, cause: int) -> HostedStrategy:
        """Load a strategy from its file; it does not run yet."""
        strategy_id = self._new_id(request)
        self._check_account(strategy_id, request.account)
        loaded = self._run_file(strategy_id, request.file, request.class_name)
        try:
            strategy = loaded.make(dict(request.parameters))
            own = _symbols_of(strategy)
            symbols = self._symbols(strategy_id, strategy, request.symbols)
            self._check_periods(strategy)
        except Exception:
            loaded.release()
            raise
        session = Session(self._host, strategy_id, symbols, self.portfolios[strategy_id], request.account or self._account)
        chosen = request.symbols if request.symbols != own else ()
        hosted = HostedStrategy(strategy, session, loaded, self.runner, self.mark, self.fail, given=dict(request.parameters), chosen=chosen)
        self._hosted[strategy_id] = hosted
        self._announce(hosted, cause)
        return hosted

    def start(self, strategy_id: str, cause: int, now_ns: int) -> None:
        """Start a strategy; one that ran before starts as a new object. If on_start throws it has failed, and that is raised."""
        hosted = self.get(strategy_id)
        if hosted.state is StrategyState.RUNNING:
            raise StrategyError(f"Strategy {strategy_id!r} is running already.", strategy=strategy_id)
        if hosted.state is not StrategyState.LOADED:
            hosted.bind(hosted.loaded.make(dict(hosted.given)), hosted.loaded)
        hosted.start(cause, now_ns)
        self._finish(hosted, cause)

    def stop(self, strategy_id: str, cause: int, now_ns: int) -> None:
        """Stop a strategy and cancel its open orders; its positions stay. If on_stop throws it has failed, and that is raised."""
        hosted = self.get(strategy_id)
        if hosted.state is not StrategyState.RUNNING:
            raise StrategyError(f"Strategy {strategy_id!r} is not running: it is {hosted.state}.", strategy=strategy_id)
        hosted.stop(cause, now_ns)
        self._retire(hosted)
        self._finish(hosted, cause)

    def unload(self, strategy_id: str, cause: int, now_ns: int) -> None:
        """Stop a strategy if it runs and forget it; its positions stay on record under its id."""
        hosted = self.get(strategy_id)
        if hosted.state is StrategyState.RUNNING:
            hosted.stop(cause, now_ns)
        self._retire(hosted)
        hosted.session.state = StrategyState.UNLOADED
        del self._hosted[strategy_id]
        hosted.loaded.release()
        self._announce(hosted, cause)

    def reload(self, strategy_id: str, cause: int, now_ns: int) -> None:
        """Load a strategy's file again and put the new class in the old one's place; open orders are handed on.

        Parameters that were set keep their values if the new class still has them, and so do symbols; those that were not set are the
        new class's. A file that cannot be loaded changes nothing.
        """
        hosted = self.get(strategy_id)
        old = hosted.loaded
        loaded = self._run_file(strategy_id, str(old.file), old.cls.__name__)
        given = _still_known(hosted.given, loaded)
        try:
            strategy = loaded.make(given)
            symbols = self._symbols(strategy_id, strategy, hosted.chosen)
            self._check_periods(strategy)
        except Exception:
            loaded.release()
            raise
        was_running = hosted.state is StrategyState.RUNNING
        if was_running:
            hosted.stop(cause, now_ns)
        self._timers.cancel(strategy_id)
        hosted.given = given
        hosted.session.symbols = symbols
        hosted.bind(strategy, loaded)
        old.release()
        if was_running:
            hosted.start(cause, now_ns)
        self._finish(hosted, cause)

    def set_parameters(self, strategy_id: str, values: Mapping[str, Any], cause: int, now_ns: int) -> None:
        """Change parameters, all or none, while the strategy runs or not; it is told by on_parameters."""
        hosted = self.get(strategy_id)
        strategy, had_failed = hosted.strategy, hosted.state is StrategyState.FAILED
        before = {name: value for name, value in strategy.parameters.items() if name in values}
        strategy.set_parameters(values)
        try:
            self._check_periods(strategy)
        except ValueError:
            strategy.set_parameters(before)
            raise
        hosted.given.update({name: strategy.parameters[name] for name in values})
        hosted.change({name: strategy.parameters[name] for name in values}, cause, now_ns)
        if had_failed:  # of old: it is not these values that failed, they may be what mends it
            self._announce(hosted, cause)
        else:
            self._finish(hosted, cause)

    def fail(self, hosted: HostedStrategy, callback: str, error: BaseException) -> None:
        """Stop a strategy that threw: it has failed, its open orders are cancelled, and everybody is told file and line."""
        place = strategy_frame(error, hosted.loaded.file)
        notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))  # an adapter knows the bar
        message = f"{place}: {callback} raised {type(error).__name__}: {error}{notes}"
        about = hosted.session.cause
        detail = "".join(traceback.format_exception(error))
        self._host.publish(LogEvent(level="error", component=hosted.id, message=message, about=about, detail=detail), cause=about)
        if self.closing:
            return
        hosted.error = message
        hosted.give_up()
        self._retire(hosted)
        hosted.session.state = StrategyState.FAILED
        alert = AlertEvent(level="critical", component=hosted.id, name="strategy_failed", message=message, about=about)
        self._host.publish(alert, cause=about)
        self._announce(hosted, about)

    def mark_failed(self, hosted: HostedStrategy, error: str, now_ns: int) -> None:
        """Say of a strategy that was loaded again that it had failed, and why; what it left open is cancelled."""
        hosted.session.state, hosted.error = StrategyState.FAILED, error
        hosted.session.cause, hosted.session.now_ns = hosted.announced, now_ns
        self._retire(hosted)
        self._announce(hosted, hosted.announced)

    def close(self, now_ns: int) -> None:
        """Call on_stop of all that run, because the process ends. No state is published: the next start takes them up again."""
        self.closing = True
        for hosted in self:
            if hosted.state is StrategyState.RUNNING:
                hosted.stop(0, now_ns, timeout_s=0.2)
            hosted.loaded.release()
        self.runner.close()
        self.mark.leave()

    def turn(self) -> None:
        """Let waiting coroutines go on, as long as that brings any to an end."""
        for _ in range(1000):
            if not self.runner.busy:
                return
            self.runner.turn()
            ended = [hosted for hosted in self if hosted.waiting and hosted.turn()]
            if not ended:
                return

    def announce_absent(self, strategy_id: str, state: StrategyState, cause: int, error: str = "") -> None:
        """Publish the state of a strategy that is not here: unloaded, or failed while it was loaded."""
        self._host.publish(StrategyStatusEvent(strategy=strategy_id, state=state, error=error), cause=cause)

    def _run_file(self, strategy_id: str, file: str, class_name: str) -> LoadedClass:
        self.mark.enter(BusyMark.entry_of(strategy_id, "load"))
        try:
            return self.loader.load(file, class_name)
        finally:
            self.mark.leave()

    def _new_id(self, request: LoadRequest) -> str:
        if request.id:
            if not _ID.fullmatch(request.id):
                raise StrategyError(
                    f"A strategy's id has 1 to 40 letters, digits, '_', '.' or '-'; found {request.id!r}.", strategy=request.id
                )
            if request.id in self._hosted:
                raise StrategyError(f"There is a strategy {request.id!r} already: unload it, or choose another id.", strategy=request.id)
            return request.id
        stem = re.sub(r"[^A-Za-z0-9_.-]", "_", Path(request.file).stem)[:36] or "strategy"
        taken = self._hosted.keys()
        return next(name for name in (stem, *(f"{stem}-{number}" for number in range(2, 1000))) if name not in taken)

    def _check_account(self, strategy_id: str, account: str) -> None:
        if account and self._accounts and account not in self._accounts:
            known = ", ".join(self._accounts)
            raise StrategyError(
                f"Strategy {strategy_id!r} cannot trade on {account!r}: there is no such account (known: {known})."
                f"{nearest(account, self._accounts)}",
                strategy=strategy_id,
                account=account,
            )

    def _symbols(self, strategy_id: str, strategy: Strategy, chosen: tuple[str, ...]) -> tuple[str, ...]:
        symbols = chosen or _symbols_of(strategy)
        if not symbols and not strategy.subscribes:
            message = f"Strategy {strategy_id!r} names no symbol: load it with one, such as symbols=['BTC/USDT']."
            raise StrategyError(message, strategy=strategy_id)
        return symbols

    def _check_periods(self, strategy: Strategy) -> None:
        for period in strategy.wanted_periods():
            base_period(period, self._host.bar_book.made)

    def _retire(self, hosted: HostedStrategy) -> None:
        self._timers.cancel(hosted.id)
        for order in hosted.session.open_orders():
            hosted.session.cancel(order.client_id)

    def _finish(self, hosted: HostedStrategy, cause: int) -> None:
        if hosted.state is StrategyState.FAILED:
            raise StrategyError(hosted.error, strategy=hosted.id)
        self._announce(hosted, cause)

    def _announce(self, hosted: HostedStrategy, cause: int) -> None:
        status = StrategyStatusEvent(
            strategy=hosted.id,
            state=hosted.state,
            file=str(hosted.loaded.file),
            class_name=hosted.loaded.cls.__name__,
            kind=hosted.loaded.kind,
            symbols=list(hosted.session.symbols),
            parameters=hosted.strategy.parameters,
            account=hosted.session.account,
            error=hosted.error,
            run=hosted.session.record if hosted.state is StrategyState.RUNNING else {},
            code={path.name: digest for path, digest in hosted.loaded.digests.items()},
        )
        hosted.announced = self._host.publish(status, cause=cause)
        self._changed()


def _symbols_of(strategy: Strategy) -> tuple[str, ...]:
    symbols = strategy.symbols
    return (symbols,) if isinstance(symbols, str) else tuple(symbols)


def _still_known(given: Mapping[str, Any], loaded: LoadedClass) -> dict[str, Any]:
    if loaded.adapter is not None:
        return dict(given)
    known = declared_parameters(loaded.cls)
    return {name: value for name, value in given.items() if name in known}
