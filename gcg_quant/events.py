"""The events of gcg_quant: one class each, a type number that is never reused, and the lane it travels in.

Hot records (`Tick`, `Bar`, `OrderRequest`, `Fill` ...) are C types from `native/include/gcg/records.h`; each has `.dtype`,
its NumPy structured dtype. Cold events are msgspec Structs, stored as msgpack. Both are immutable, are built from keywords, and
carry after publishing: `id` (lane and seq in one number), `time_ns` (when it was published), `cause` (the id of the event that led
to it, 0 if none) and `source` (who published it). Times are integer nanoseconds since the Unix epoch, UTC; a missing price or
amount is NaN, never 0.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from gcg_quant import _native
from gcg_quant._native import (
    AccountEvent,
    Bar,
    BookDelta,
    CancelCommand,
    CancelRequest,
    Depth,
    Fill,
    ModifyRequest,
    OrderCommand,
    OrderEvent,
    OrderRequest,
    PositionEvent,
    Record,
    RiskVerdict,
    Tick,
    TradeTick,
)
from gcg_quant.cold_events import (
    AccountReport,
    Applied,
    ColdEvent,
    CorporateAction,
    Funding,
    FundingPayment,
    GapEvent,
    GatewayStatus,
    InstrumentEvent,
    SessionEvent,
    SignalEvent,
    SnapshotEvent,
    TimerEvent,
)
from gcg_quant.control_events import (
    BacktestCancelEvent,
    BacktestProgressEvent,
    BacktestRequestEvent,
    BacktestResultEvent,
    ChartConfigEvent,
    CollectorStatusEvent,
    ComponentControlEvent,
    ConfigChangeEvent,
    ModelControlEvent,
    ModelStatusEvent,
    StrategyControlEvent,
    StrategyStatusEvent,
    SubscribeEvent,
    SystemEvent,
)
from gcg_quant.enumerations import (
    BarBasis,
    BarOrigin,
    BookAction,
    EventFlag,
    Lane,
    Liquidity,
    Offset,
    OrderFlag,
    OrderStatus,
    OrderType,
    PositionSide,
    Quality,
    RiskReason,
    Side,
    TimeInForce,
    VolumeKind,
    World,
)
from gcg_quant.log_events import (
    AlertAcknowledgeEvent,
    AlertEvent,
    LogEvent,
    MetricEvent,
    PlotEvent,
)

__all__ = [
    "COLD_EVENTS",
    "HOT_RECORDS",
    "AccountEvent",
    "AccountReport",
    "AlertAcknowledgeEvent",
    "AlertEvent",
    "Applied",
    "BacktestCancelEvent",
    "BacktestProgressEvent",
    "BacktestRequestEvent",
    "BacktestResultEvent",
    "Bar",
    "BarBasis",
    "BarOrigin",
    "BookAction",
    "BookDelta",
    "CancelCommand",
    "CancelRequest",
    "ChartConfigEvent",
    "ColdEvent",
    "CollectorStatusEvent",
    "ComponentControlEvent",
    "ConfigChangeEvent",
    "CorporateAction",
    "Depth",
    "Event",
    "EventFlag",
    "Fill",
    "Funding",
    "FundingPayment",
    "GapEvent",
    "GatewayStatus",
    "InstrumentEvent",
    "Lane",
    "Liquidity",
    "LogEvent",
    "MarketDataEvent",
    "MetricEvent",
    "ModelControlEvent",
    "ModelStatusEvent",
    "ModifyRequest",
    "Offset",
    "OrderCommand",
    "OrderEvent",
    "OrderFlag",
    "OrderRequest",
    "OrderStatus",
    "OrderType",
    "PlotEvent",
    "PositionEvent",
    "PositionSide",
    "Quality",
    "Record",
    "RiskReason",
    "RiskVerdict",
    "SessionEvent",
    "Side",
    "SignalEvent",
    "SnapshotEvent",
    "StrategyControlEvent",
    "StrategyStatusEvent",
    "SubscribeEvent",
    "SystemEvent",
    "Tick",
    "TimeInForce",
    "TimerEvent",
    "TradeTick",
    "VolumeKind",
    "World",
    "event_types",
    "from_array",
    "record_rows",
]

COLD_EVENTS: tuple[type[ColdEvent], ...] = tuple(ColdEvent.__subclasses__())


MarketDataEvent: TypeAlias = Tick | Depth | BookDelta | TradeTick | Bar
Event: TypeAlias = Record | ColdEvent

HOT_RECORDS: tuple[type[Record], ...] = (
    Tick,
    Depth,
    BookDelta,
    TradeTick,
    Bar,
    OrderRequest,
    CancelRequest,
    ModifyRequest,
    RiskVerdict,
    OrderCommand,
    CancelCommand,
    OrderEvent,
    Fill,
    PositionEvent,
    AccountEvent,
)


def event_types(*kinds: Any) -> tuple[type[Event], ...]:
    """Return the concrete event classes behind classes, unions (`MarketDataEvent`) and base classes (`ColdEvent`, `Record`)."""
    every: tuple[type[Event], ...] = (*HOT_RECORDS, *COLD_EVENTS)
    found: dict[type[Event], None] = {}
    for kind in kinds:
        members = getattr(kind, "__args__", (kind,))
        for member in members:
            if isinstance(member, type):
                found |= {cls: None for cls in every if issubclass(cls, member)}
    return tuple(found)


def record_rows(array: np.ndarray[Any, Any]) -> tuple[type[Record], np.ndarray[Any, Any]] | None:
    """Return (record class, contiguous rows in its dtype) of a structured array, or None if its fields are no record's.

    An array with the same fields in another layout, as `np.concatenate` makes them, is copied.
    """
    for cls in HOT_RECORDS:
        if array.dtype == cls.dtype:
            return cls, np.ascontiguousarray(array)
    for cls in HOT_RECORDS:
        own: dict[str, Any] = dict(cls.dtype.fields or {})
        theirs: dict[str, Any] = dict(array.dtype.fields or {})
        if list(own) == list(theirs) and all(own[name][0] == theirs[name][0] for name in own):
            rows = np.zeros(len(array), cls.dtype)
            for name in own:
                rows[name] = array[name]
            return cls, rows
    return None


def from_array(array: np.ndarray[Any, Any], symbol: str, venue: str) -> list[Any]:
    """Return the records behind a structured array of some record's dtype, all of one symbol and venue.

    Raises:
        TypeError: the fields are no record's.
    """
    found = record_rows(array)
    if found is None:
        raise TypeError(f"from_array() takes an array of a record's dtype (Tick.dtype ...), found {array.dtype}.")
    cls, rows = found
    return _native.records_from(cls, rows.view(np.uint8), symbol, venue)


def _equip_records() -> None:
    for cls in HOT_RECORDS:
        description: Any = _native.record_dtype(cls)
        cls.dtype = np.dtype(description)
    for enum in (
        Side,
        Offset,
        PositionSide,
        OrderType,
        TimeInForce,
        OrderStatus,
        Liquidity,
        VolumeKind,
        Quality,
        BookAction,
        BarBasis,
        BarOrigin,
    ):
        _native.register_enum(enum.__name__, {int(member): member for member in enum})


_equip_records()
