"""The cold events: msgspec Structs, stored as msgpack; one class each, with the lane it travels in."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from gcg_quant.enumerations import Lane, Side

__all__ = [
    "COLD_EVENTS",
    "AccountReport",
    "AlertAcknowledgeEvent",
    "AlertEvent",
    "Applied",
    "BacktestCancelEvent",
    "BacktestProgressEvent",
    "BacktestRequestEvent",
    "BacktestResultEvent",
    "ChartConfigEvent",
    "ColdEvent",
    "ConfigChangeEvent",
    "CorporateAction",
    "Funding",
    "GapEvent",
    "GatewayStatus",
    "InstrumentEvent",
    "LogEvent",
    "MetricEvent",
    "SessionEvent",
    "SignalEvent",
    "SnapshotEvent",
    "StrategyControlEvent",
    "StrategyStatusEvent",
    "SubscribeEvent",
    "SystemEvent",
    "TimerEvent",
]


class ColdEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The base of all cold events. `id`, `time_ns`, `cause` and `source` are filled in by the bus."""

    TYPE: ClassVar[int] = 0
    LANE: ClassVar[Lane] = Lane.CONTROL

    id: int = 0
    time_ns: int = 0
    cause: int = 0
    source: str = ""


class SignalEvent(ColdEvent, frozen=True, kw_only=True):
    """A strategy's opinion: `direction` and `strength` (0..1), with its own name for it."""

    TYPE = 32
    LANE = Lane.MARKET

    symbol: str
    venue: str
    strategy: str
    name: str
    event_ns: int
    direction: Side = Side.NONE
    strength: float = 1.0
    price: float | None = None
    quantity: float | None = None
    text: str = ""
    data: dict[str, Any] = {}


REFILLED = "refilled"  # the kind of a GapEvent that ends a gap instead of telling of one


class GapEvent(ColdEvent, frozen=True, kw_only=True):
    """Market data that is known to be missing: from `start_ns` to `end_ns`, `missing` messages if the venue counts them.

    With the kind `REFILLED` it says the contrary: what `detail` names ("1m", "tick", "trade" ...) has been filled in from a source that
    has all there is.
    """

    TYPE = 33
    LANE = Lane.MARKET

    symbol: str
    venue: str
    kind: str
    start_ns: int
    end_ns: int
    missing: int | None = None
    detail: str = ""


class SessionEvent(ColdEvent, frozen=True, kw_only=True):
    """A venue's session changes: `phase` is "pre_open", "open", "break" or "closed"."""

    TYPE = 34
    LANE = Lane.MARKET

    venue: str
    phase: str
    event_ns: int
    trading_day: int = 0
    symbol: str = ""


class TimerEvent(ColdEvent, frozen=True, kw_only=True):
    """A timer of `component` is due at `event_ns`."""

    TYPE = 35
    LANE = Lane.MARKET

    component: str
    name: str
    event_ns: int
    interval_ns: int = 0


class InstrumentEvent(ColdEvent, frozen=True, kw_only=True):
    """New or changed instrument terms; the fields are those of `gcg_quant.instruments.Instrument`."""

    TYPE = 36
    LANE = Lane.MARKET

    symbol: str
    venue: str
    terms: dict[str, Any]


class CorporateAction(ColdEvent, frozen=True, kw_only=True):
    """A split, dividend, rights issue or symbol change, effective on `ex_day` (YYYYMMDD)."""

    TYPE = 37
    LANE = Lane.MARKET

    symbol: str
    venue: str
    kind: str
    ex_day: int
    ratio: float | None = None
    amount: float | None = None
    currency: str = ""
    detail: str = ""


class Funding(ColdEvent, frozen=True, kw_only=True):
    """The funding rate of a perpetual contract, as a fraction per interval."""

    TYPE = 38
    LANE = Lane.MARKET

    symbol: str
    venue: str
    event_ns: int
    rate: float
    next_ns: int = 0
    mark_price: float | None = None


class GatewayStatus(ColdEvent, frozen=True, kw_only=True):
    """A gateway's state: "connecting", "connected", "disconnected", "halted", "accepted".

    `differences` says by how much the venue's figures are above ours when the account is "halted", and from now on are taken to be when a
    person, or the first connection of a new account, has "accepted" them: by "SYMBOL@VENUE", "cash CURRENCY" and "order CLIENT_ID".
    """

    TYPE = 39
    LANE = Lane.MARKET

    gateway: str
    account: str
    status: str
    detail: str = ""
    differences: dict[str, float] = {}


class AccountReport(ColdEvent, frozen=True, kw_only=True):
    """What the venue itself says of an account, for reconciliation."""

    TYPE = 40
    LANE = Lane.MARKET

    gateway: str
    account: str
    event_ns: int
    balances: dict[str, float] = {}
    positions: list[dict[str, Any]] = []
    orders: list[dict[str, Any]] = []


class SnapshotEvent(ColdEvent, frozen=True, kw_only=True):
    """A component's state after market-lane event `market_seq`; `state` is its own msgpack."""

    TYPE = 41
    LANE = Lane.MARKET

    component: str
    market_seq: int
    state: bytes
    reason: str = ""


class Applied(ColdEvent, frozen=True, kw_only=True):
    """A control event took effect: written to the market lane by whoever acted on it, before the event with the id `at` (0: not told)."""

    TYPE = 42
    LANE = Lane.MARKET

    control: int
    component: str
    ok: bool = True
    detail: str = ""
    at: int = 0


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


class LogEvent(ColdEvent, frozen=True, kw_only=True):
    """A log line; `about` is the id of the event it concerns."""

    TYPE = 96
    LANE = Lane.LOG

    level: str
    component: str
    message: str
    about: int = 0
    detail: str = ""


class MetricEvent(ColdEvent, frozen=True, kw_only=True):
    """A measured value."""

    TYPE = 97
    LANE = Lane.LOG

    component: str
    name: str
    value: float
    labels: dict[str, str] = {}


class AlertEvent(ColdEvent, frozen=True, kw_only=True):
    """Something a person should know: `level` is "info", "warning" or "critical"."""

    TYPE = 98
    LANE = Lane.LOG

    level: str
    component: str
    name: str
    message: str
    about: int = 0


class AlertAcknowledgeEvent(ColdEvent, frozen=True, kw_only=True):
    """A person has seen the alert whose first AlertEvent has the id `alert`; `origin` says where: "page", "console" ..."""

    TYPE = 99
    LANE = Lane.LOG

    alert: int
    origin: str = ""


COLD_EVENTS: tuple[type[ColdEvent], ...] = tuple(ColdEvent.__subclasses__())
