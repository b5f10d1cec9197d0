"""The cold events of the control lane: what is asked of the system and its parts, and what these say of themselves."""

from __future__ import annotations

from typing import Any

from gcg_quant.cold_events import ColdEvent
from gcg_quant.enumerations import Lane

__all__ = [
    "BacktestCancelEvent",
    "BacktestProgressEvent",
    "BacktestRequestEvent",
    "BacktestResultEvent",
    "ChartConfigEvent",
    "CollectorStatusEvent",
    "ComponentControlEvent",
    "ConfigChangeEvent",
    "ModelControlEvent",
    "ModelStatusEvent",
    "StrategyControlEvent",
    "StrategyStatusEvent",
    "SubscribeEvent",
    "SystemEvent",
]


class SystemEvent(ColdEvent, frozen=True, kw_only=True):
    """The system's own life: `action` is "start", "stop", "stopped", "group_started", "group_died", "component_started" ..."""

    TYPE = 64
    LANE = Lane.CONTROL

    action: str
    component: str = ""
    detail: str = ""
    data: dict[str, Any] = {}


class ConfigChangeEvent(ColdEvent, frozen=True, kw_only=True):
    """Settings changed: `changes` maps "section.key" to its new value.

    `revision` is 1 for the settings that a run begins with and counts up with its settings file; 0 is a change by command.
    """

    TYPE = 65
    LANE = Lane.CONTROL

    revision: int
    changes: dict[str, Any] = {}
    origin: str = ""


class SubscribeEvent(ColdEvent, frozen=True, kw_only=True):
    """Ask the collectors for a symbol, or no longer."""

    TYPE = 66
    LANE = Lane.CONTROL

    symbol: str
    venue: str = ""
    subscribe: bool = True


class StrategyControlEvent(ColdEvent, frozen=True, kw_only=True):
    """Load, unload, start, stop, reload a strategy or set its parameters (`action`)."""

    TYPE = 67
    LANE = Lane.CONTROL

    action: str
    strategy: str = ""
    file: str = ""
    class_name: str = ""
    symbols: list[str] = []
    parameters: dict[str, Any] = {}
    account: str = ""


class StrategyStatusEvent(ColdEvent, frozen=True, kw_only=True):
    """A strategy's state: "loaded", "running", "stopped", "failed", "unloaded" (`state`).

    `run` is what an adapter needs to do its run again after a restart; nobody else reads it. `code` has the SHA-256 of the strategy's file
    and of the modules beside it that it imports, by their names.
    """

    TYPE = 68
    LANE = Lane.CONTROL

    strategy: str
    state: str
    file: str = ""
    class_name: str = ""
    kind: str = ""
    symbols: list[str] = []
    parameters: dict[str, Any] = {}
    account: str = ""
    error: str = ""
    run: dict[str, Any] = {}
    code: dict[str, str] = {}


class BacktestRequestEvent(ColdEvent, frozen=True, kw_only=True):
    """Ask for a backtest; `run` is the caller's name for it."""

    TYPE = 69
    LANE = Lane.CONTROL

    run: str
    file: str
    class_name: str = ""
    symbols: list[str] = []
    period: str = "1d"
    start_ns: int | None = None
    end_ns: int | None = None
    cash: float = 10_000.0
    commission: float = 0.0
    parameters: dict[str, Any] = {}
    options: dict[str, Any] = {}


class BacktestProgressEvent(ColdEvent, frozen=True, kw_only=True):
    """How far a backtest has come: `done` of `total` bars, at `event_ns`, with the account worth `value`."""

    TYPE = 70
    LANE = Lane.CONTROL

    run: str
    done: int
    total: int
    event_ns: int = 0
    value: float = 0.0


class BacktestResultEvent(ColdEvent, frozen=True, kw_only=True):
    """The outcome of a backtest: `results` by measure, or `error`; `inputs` are digests of the code and the data that it used."""

    TYPE = 71
    LANE = Lane.CONTROL

    run: str
    ok: bool
    error: str = ""
    results: dict[str, Any] = {}
    report: str = ""
    inputs: dict[str, Any] = {}


class BacktestCancelEvent(ColdEvent, frozen=True, kw_only=True):
    """End the backtest `run`, or take it out of the queue."""

    TYPE = 73
    LANE = Lane.CONTROL

    run: str


class ChartConfigEvent(ColdEvent, frozen=True, kw_only=True):
    """A chart page changed what it shows."""

    TYPE = 72
    LANE = Lane.CONTROL

    client: str
    symbol: str = ""
    venue: str = ""
    period: str = ""
    options: dict[str, Any] = {}


class ComponentControlEvent(ColdEvent, frozen=True, kw_only=True):
    """Start, stop or restart (`action`) a component, or restart all of a process group; `origin` says who asks.

    The group that has the component acts on it, for a group the supervisor; either answers with `Applied`.
    """

    TYPE = 74
    LANE = Lane.CONTROL

    action: str
    component: str = ""
    group: str = ""
    origin: str = ""


class CollectorStatusEvent(ColdEvent, frozen=True, kw_only=True):
    """What a collector of a real venue says of its connection, when that changes and every now and then.

    `state` is "connecting", "connected", "waiting" (for the next attempt), "refused" (the same, and it will not pass by itself) or "idle";
    it is so since `since_ns`. `faults` counts by kind what could not be used, `reconnects` the connections after the first one.
    `clock_offset_ns` is the venue's clock less ours; `history` the share of the history that is filled in. `market_open` is False while the
    markets of all its symbols are closed: it may be disconnected then.
    """

    TYPE = 75
    LANE = Lane.CONTROL

    collector: str
    venue: str
    state: str
    since_ns: int
    detail: str = ""
    kind: str = ""
    symbols: int = 0
    messages: int = 0
    messages_per_s: float = 0.0
    faults: dict[str, int] = {}
    reconnects: int = 0
    clock_offset_ns: int | None = None
    last_event_ns: int = 0
    history: float | None = None
    market_open: bool = True


class ModelControlEvent(ColdEvent, frozen=True, kw_only=True):
    """Serve a trained model, or no longer (`action` is "serve" or "stop").

    Without a version it is the newest one; without symbols the one that it was trained on.
    """

    TYPE = 76
    LANE = Lane.CONTROL

    action: str
    model: str
    version: int = 0
    symbols: list[str] = []


class ModelStatusEvent(ColdEvent, frozen=True, kw_only=True):
    """What a served model does: "warming_up", "serving", "waiting" (bars are missing), "refused" or "stopped" (`state`); `detail` says why.

    `by_command` tells that a command, not the settings, has asked for it.
    """

    TYPE = 77
    LANE = Lane.CONTROL

    model: str
    state: str
    version: int = 0
    symbols: list[str] = []
    detail: str = ""
    by_command: bool = False
