"""What the parts of a process group are made of: settings in, components out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from gcg_quant.collector_sections import CollectorEntry
from gcg_quant.component import Component
from gcg_quant.errors import ComponentError, StorageError
from gcg_quant.registry import Registry
from gcg_quant.settings import Settings

from .groups import account_of, collector_of

if TYPE_CHECKING:
    from .stored_history import StoredHistory

__all__ = ["Parts", "build_parts", "open_history"]

_SHARING = ("storage", "web")


class Parts(Registry):
    """The components of some parts, and which part each belongs to."""

    def __init__(self) -> None:
        super().__init__()
        self._part_of: dict[str, str] = {}

    def add_part(self, part: str, settings: Settings) -> None:
        """Build a part's components and add them."""
        for component in _built(part, settings):
            self._part_of[self.add(component).name] = part

    def rebuilt(self, component: Component, settings: Settings) -> Component:
        """Return what stands in a component's place when it is started again: one built anew, as in a new process, from these settings.

        Those of a part that share something with each other (a database, the web app) are started again as they are.

        Raises:
            ComponentError: these settings have no such component any more. Others: the settings cannot be used.
        """
        part = self._part_of[component.name]
        if part in _SHARING:
            return component
        for fresh in _built(part, settings):
            if fresh.name == component.name:
                return fresh
        raise ComponentError(f"The settings have no component {component.name!r} any more: change them back first.", name=component.name)


def build_parts(parts: Iterable[str], settings: Settings) -> Parts:
    """Return a registry with the components of these parts, in the order in which they start.

    What a part needs is imported here, and not before: a process imports only what it runs.
    """
    registry = Parts()
    order = list(_BUILDERS)
    for part in sorted(parts, key=lambda part: order.index(part.partition(":")[0])):
        registry.add_part(part, settings)
    return registry


def open_history(parts: Iterable[str], settings: Settings) -> StoredHistory | None:
    """Return the stored history for parts that ask for it, or None if none of these does."""
    filled_in = any(entry.history and _is_part_of(entry, part) for entry in settings.collectors.run for part in parts)
    if not {"strategies", "web", "backtest"} & set(parts) and not filled_in:
        return None
    from .stored_history import PlayedHistory, StoredHistory

    return PlayedHistory(settings) if settings.replay.data else StoredHistory(settings)


def _storage(settings: Settings) -> list[Component]:
    cache = _cache(settings) if settings.redis.url else []
    if settings.replay.data:  # what is replayed is stored already
        return cache
    from ...data_storage.keeping.keeper import Keeper
    from ...data_storage.sql.database import Database
    from ...data_storage.writing.recorder import Recorder

    database = Database(settings.database.url, home=settings.home, patient=True)
    try:
        database.compress(settings.database.compress_after_days)
    except StorageError as error:  # a server that is away: what is told it once stays so
        if not error.context.get("retry", False):
            raise
    recorder = Recorder(database, batch_rows=settings.database.batch_rows, flush_ms=settings.database.flush_ms)
    return [recorder, Keeper(database, settings.retention, settings.backup, home=settings.home), *cache]


def _cache(settings: Settings) -> list[Component]:
    try:
        from ...data_storage.cache.redis_manager import RedisManager
    except ModuleNotFoundError as error:
        if error.name != "redis":
            raise
        raise StorageError("[redis] url is set, and the package redis is not installed: pip install 'redis>=5'.") from None
    return [RedisManager.from_settings(settings)]


def _trading(settings: Settings) -> list[Component]:
    from ...strategy_engine.trading import TradingEngine

    trading = settings.trading
    names = [trading.account, *(entry.name for entry in trading.accounts if not entry.own_process)]
    return [TradingEngine.from_settings(settings, name) for name in names]


def _one_account(name: str, settings: Settings) -> list[Component]:
    from ...strategy_engine.trading import TradingEngine

    return [TradingEngine.from_settings(settings, name)] if name in settings.trading.names else []


def _bars(settings: Settings) -> list[Component]:
    from gcg_quant.bar_builder import BarBuilder

    return [BarBuilder.from_settings(settings.bars, timers=not settings.replay.data)]


def _collectors(settings: Settings) -> list[Component]:
    from ...data_collector.simulation.simulated import SimulatedExchange

    found: list[Component] = [SimulatedExchange.from_settings(settings.simulated)] if settings.simulated.enabled else []
    if settings.replay.data:
        from ...data_collector.replay import ReplayCollector
        from .stored_history import StoredHistory

        found.append(ReplayCollector.from_settings(settings.replay, StoredHistory(settings)))
    if settings.collectors.run:
        from ...data_collector.live.kinds import make_collector

        found += [make_collector(entry, settings.collectors) for entry in settings.collectors.run if _is_part_of(entry, "collectors")]
    return found


def _is_part_of(entry: CollectorEntry, part: str) -> bool:
    from ...data_collector.live.kinds import own_process

    return collector_of(part) == entry.name if own_process(entry) else part == "collectors"


def _one_collector(name: str, settings: Settings) -> list[Component]:
    from ...data_collector.live.kinds import make_collector

    return [make_collector(entry, settings.collectors) for entry in settings.collectors.run if entry.name == name]


def _strategies(settings: Settings) -> list[Component]:
    from ...backtest.adapters import BacktraderAdapter
    from ...strategy_engine.hosting.manager import StrategyManager
    from ...strategy_engine.models.server import ModelServer

    return [StrategyManager.from_settings(settings, adapters=[BacktraderAdapter()]), ModelServer.from_settings(settings)]


def _backtest(settings: Settings) -> list[Component]:
    from ...backtest.engine import BacktestEngine

    return [BacktestEngine.from_settings(settings)]


def _web(settings: Settings) -> list[Component]:
    from ..web import web_components

    return web_components(settings)


def _bridge(settings: Settings) -> list[Component]:
    if not settings.bridge.send and not settings.bridge.receive:
        return []
    from ...data_storage.bridge import bridges

    return bridges(settings.bridge)


# In the order of starting: who stores and trades is there before anything is collected.
_BUILDERS: dict[str, Callable[[Settings], list[Component]]] = {
    "storage": _storage,
    "trading": _trading,
    "bars": _bars,
    "strategies": _strategies,
    "backtest": _backtest,
    "web": _web,
    "bridge": _bridge,
    "collectors": _collectors,
}


def _built(part: str, settings: Settings) -> list[Component]:
    if name := collector_of(part):
        return _one_collector(name, settings)
    if name := account_of(part):
        return _one_account(name, settings)
    return _BUILDERS[part](settings)
