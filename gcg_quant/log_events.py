"""The cold events of the log lane: log lines, metrics, alerts, what strategies draw."""

from __future__ import annotations

from gcg_quant.cold_events import ColdEvent
from gcg_quant.enumerations import Lane

__all__ = [
    "AlertAcknowledgeEvent",
    "AlertEvent",
    "LogEvent",
    "MetricEvent",
    "PlotEvent",
]


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
    """A measured value.

    Where it is a mean of many, `counts` may tell how they are spread: how many there were in each class of a histogram.
    """

    TYPE = 97
    LANE = Lane.LOG

    component: str
    name: str
    value: float
    labels: dict[str, str] = {}
    counts: tuple[int, ...] = ()


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


class PlotEvent(ColdEvent, frozen=True, kw_only=True):
    """A point that a strategy draws on the chart of an instrument, in its plot `name`: over the price, or below ("price", "below")."""

    TYPE = 100
    LANE = Lane.LOG

    symbol: str
    venue: str
    strategy: str
    name: str
    value: float
    event_ns: int
    place: str = "price"
