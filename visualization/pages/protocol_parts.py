"""The parts of the messages in `protocol`: terms, quotes, bars, markers, lines, books."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = [
    "Attention",
    "Bar",
    "DepthRows",
    "IndicatorLines",
    "Instrument",
    "Kill",
    "Level",
    "Line",
    "LiveLines",
    "Marker",
    "Number",
    "Part",
    "Place",
    "Plot",
    "Quote",
    "ShapeRows",
    "SideName",
    "Trade",
]

Number = float | None  # an absent value is null
Bar = tuple[int, float, float, float, float, Number]  # time (s), open, high, low, close, volume
Trade = tuple[int, float, float, Literal[-1, 0, 1]]  # time (ms), price, size, +1 bought, -1 sold, 0 unknown
Level = tuple[float, Number]  # price, size
Place = Literal["price", "below"]
SideName = Literal["buy", "sell", ""]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a message."""


class Instrument(Part, frozen=True):
    """Terms. `tick_size` is 0 where nobody has told it; `day_start`: the minute of the local day when a trading day begins."""

    name: str
    symbol: str
    venue: str
    kind: str
    description: str
    currency: str
    timezone: str
    tick_size: float
    decimals: int
    quantity_decimals: int
    day_start: int


class Quote(Part, frozen=True):
    """The newest prices; `change` is a fraction of the previous close."""

    name: str
    time_ms: int
    last: Number
    change: Number
    bid: Number
    bid_size: Number
    ask: Number
    ask_size: Number


class Marker(Part, frozen=True):
    """A fill or a strategy's signal on the chart."""

    key: str
    kind: Literal["fill", "signal"]
    time_ms: int
    name: str
    strategy: str
    side: SideName
    quantity: Number
    price: Number
    fee: Number
    order: str
    event: str
    cause: str
    text: str
    signal: str = ""


class Line(Part, frozen=True):
    """One line of an indicator: each value in the place of its bar."""

    style: Literal["line", "histogram", "dots"]
    values: list[Number]


class ShapeRows(Part, frozen=True):
    """Shapes of one name: those that begin at or before `after` (s) stay, all others are these; null: none stays.

    A row is begin (s), price, end (s), price, whether it is confirmed (else it may still change), and what is written at it.
    """

    style: Literal["thin", "thick", "box", "marker"]
    after: int | None
    rows: list[tuple[int, float, int, float, bool, str]]


class IndicatorLines(Part, frozen=True):
    """An indicator that a page has asked for as `id`; `key` is what live values call it. With an `error` there are no lines."""

    id: str
    key: str
    place: Place
    title: str
    decimals: int | None
    levels: list[float]
    error: str
    lines: dict[str, Line]
    shapes: dict[str, ShapeRows] = {}


class LiveLines(Part, frozen=True):
    """The values of an indicator's lines, aligned with the bars of the same message, and the shapes that are new or have changed."""

    key: str
    lines: dict[str, list[Number]]
    shapes: dict[str, ShapeRows] = {}


class Plot(Part, frozen=True):
    """What a strategy has drawn under one name."""

    strategy: str
    name: str
    place: Place
    points: list[tuple[int, float]]


class DepthRows(Part, frozen=True, tag_field="type", tag="depth"):
    """An order book, the best level of each side first."""

    name: str
    time_ms: int
    bids: list[Level]
    asks: list[Level]


class Kill(Part, frozen=True):
    """The kill switch; `since_ms` 0: it has never been changed."""

    on: bool
    since_ms: int
    origin: str


class Attention(Part, frozen=True):
    """What a person should look at: how many alerts last that nobody acknowledged, the newest one's message, and the halted accounts."""

    alerts: int
    critical: bool
    newest: str
    halted: list[str]
