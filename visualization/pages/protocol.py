"""The types of all messages between page and server, of which docs/page_protocol.schema.json is made.

The server builds its messages as plain rows (`messages`, `line_messages`, `adapter`); these types, and those of the parts that they are
made of (`protocol_parts`), say what is in them, and a test holds every message of a session against them. What a page may say are the
types in `commands`, which check it.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import msgspec

from .commands import Command
from .protocol_parts import (
    Attention,
    Bar,
    DepthRows,
    IndicatorLines,
    Instrument,
    Kill,
    Level,
    LiveLines,
    Marker,
    Place,
    Plot,
    Quote,
    Trade,
)

__all__ = ["ServerMessage", "json_schema"]


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """The base of all messages of the server."""


class HelloMessage(_Message, frozen=True, tag="hello"):
    """The first message: all that a page shows but the charts. `client` is the page's number, `time_ms` that of `StatusMessage`."""

    protocol: Literal[2]
    client: int
    bus_id: str
    world: str
    time_ms: int
    settings: dict[str, Any]
    config: dict[str, Any]
    periods: list[str]
    instruments: list[Instrument]
    quotes: list[Quote]
    sparks: dict[str, list[float]]
    tables: dict[str, list[dict[str, Any]]]
    kill: Kill
    attention: Attention


class InstrumentsMessage(_Message, frozen=True, tag="instruments"):
    """New instruments, changed terms."""

    rows: list[Instrument]


class QuotesMessage(_Message, frozen=True, tag="quotes"):
    """Quotes that have changed."""

    rows: list[Quote]


class SparksMessage(_Message, frozen=True, tag="sparks"):
    """The closes of the last minutes, by instrument, once a minute is over."""

    rows: dict[str, list[float]]


class HistoryMessage(_Message, frozen=True, tag="history"):
    """The answer to `subscribe`: with `since` the bars continue those of the page, with null they replace them."""

    request: int
    pane: int
    name: str
    period: str
    series: str
    bars: list[Bar]
    through: int
    since: int | None
    more: bool
    markers: list[Marker]
    lines: list[IndicatorLines]
    plots: list[Plot]


class LinesMessage(_Message, frozen=True, tag="lines"):
    """The answer to `indicators`: lines aligned with `times` (s)."""

    request: int
    pane: int
    series: str
    times: list[int]
    lines: list[IndicatorLines]


class CandlesMessage(_Message, frozen=True, tag="candles"):
    """Bars of a series that have changed after event `after`, complete up to event `through`."""

    series: str
    after: int
    through: int
    bars: list[Bar]
    lines: list[LiveLines]


class MarkersMessage(_Message, frozen=True, tag="markers"):
    """Fills and signals as they come."""

    name: str
    rows: list[Marker]


class PlotsMessage(_Message, frozen=True, tag="plots"):
    """Points of strategies' plots as they come: strategy, plot, place, time (ms), value."""

    name: str
    rows: list[tuple[str, str, Place, int, float]]


class BookMessage(_Message, frozen=True, tag="book"):
    """The answer to `book`: depth and the newest trades, the newest first."""

    name: str
    depth: DepthRows | None
    trades: list[Trade]


class DepthMessage(_Message, frozen=True, tag="depth"):
    """The order book has changed."""

    name: str
    time_ms: int
    bids: list[Level]
    asks: list[Level]


class TradesMessage(_Message, frozen=True, tag="trades"):
    """Trades as they come, the newest last."""

    name: str
    rows: list[Trade]


class RowsMessage(_Message, frozen=True, tag="rows"):
    """Rows of the drawer that have changed, each with its `key`."""

    table: Literal["strategies", "orders", "positions", "fills", "log", "accounts"]
    rows: list[dict[str, Any]]


class KillMessage(_Message, frozen=True, tag="kill"):
    """The kill switch went on or off."""

    on: bool
    since_ms: int
    origin: str


class ConfigMessage(_Message, frozen=True, tag="config"):
    """The page's configuration has changed by a merge patch of the page `client` (0: of none that is connected)."""

    client: int
    patch: dict[str, Any]


class AttentionMessage(_Message, frozen=True, tag="attention"):
    """One of the things that a person should look at has changed, see `Attention`."""

    alerts: int
    critical: bool
    newest: str
    halted: list[str]


class StatusMessage(_Message, frozen=True, tag="status"):
    """The state of the system, once a second; `recorder_lag` counts the events that are not stored yet, null where none are stored.

    `time_ms` is the server's time, in a replay that of the newest data: what a price's age is counted to.
    """

    events_per_s: int
    lag: int
    recorder_lag: int | None
    time_ms: int


class AnswerMessage(_Message, frozen=True, tag="answer"):
    """What became of a `strategy`, `symbol` or `kill` command."""

    request: int
    ok: bool
    detail: str


class ProblemMessage(_Message, frozen=True, tag="problem"):
    """A request that cannot be answered, and why."""

    request: int
    text: str


class ResyncMessage(_Message, frozen=True, tag="resync"):
    """The page has not kept up and some messages were left out: the newest state follows, and it asks for its charts anew."""


class PongMessage(_Message, frozen=True, tag="pong"):
    """The answer to `ping`."""

    sent: float


ServerMessage = (
    HelloMessage
    | InstrumentsMessage
    | QuotesMessage
    | SparksMessage
    | HistoryMessage
    | LinesMessage
    | CandlesMessage
    | MarkersMessage
    | PlotsMessage
    | BookMessage
    | DepthMessage
    | TradesMessage
    | RowsMessage
    | KillMessage
    | ConfigMessage
    | AttentionMessage
    | StatusMessage
    | AnswerMessage
    | ProblemMessage
    | ResyncMessage
    | PongMessage
)


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of the protocol: "#/$defs/FromPage" and "#/$defs/FromServer" say what each side may send."""
    types = [*get_args(Command), *get_args(ServerMessage)]
    found, parts = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    sides = {"FromPage": found[: len(get_args(Command))], "FromServer": found[len(get_args(Command)) :]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The protocol of gcg_quant's chart page, version 2",
        "oneOf": [{"$ref": f"#/$defs/{side}"} for side in sides],
        "$defs": {**{side: {"oneOf": list(refs)} for side, refs in sides.items()}, **dict(sorted(parts.items()))},
    }
