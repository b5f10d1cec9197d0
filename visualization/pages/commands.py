"""What a page may say to the server: typed messages, checked before anything is done."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from gcg_quant.errors import EventError

__all__ = [
    "PANES",
    "BookCommand",
    "Command",
    "ConfigChange",
    "IndicatorsCommand",
    "KillCommand",
    "Ping",
    "StrategyCommand",
    "Subscribe",
    "SymbolCommand",
    "Unsubscribe",
    "WantedIndicator",
    "parse_command",
    "parse_indicators",
]

PANES = 4
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
Pane = Annotated[int, msgspec.Meta(ge=0, lt=PANES)]
Number = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
Seconds = Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]


class WantedIndicator(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An indicator as a page asks for it; `id` is the page's own name for it, `source` the price that it is made of."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    parameters: Annotated[dict[Annotated[str, msgspec.Meta(max_length=32)], int | float], msgspec.Meta(max_length=16)] = {}
    source: Annotated[str, msgspec.Meta(max_length=16)] | None = None


Indicators = Annotated[list[WantedIndicator], msgspec.Meta(max_length=24)]


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """The base of all messages of a page."""


class Subscribe(_Message, frozen=True, tag="subscribe"):
    """Show this series in a pane: all of it, or what came since the bar at `since` (seconds)."""

    request: Number
    name: Name
    period: Annotated[str, msgspec.Meta(max_length=8)]
    since: Seconds | None = None
    pane: Pane = 0
    indicators: Indicators = []


class Unsubscribe(_Message, frozen=True, tag="unsubscribe"):
    """The pane shows nothing any more."""

    pane: Pane


class IndicatorsCommand(_Message, frozen=True, tag="indicators"):
    """Show these indicators in the pane: their lines for the bars from the one at `from` (seconds) on."""

    request: Number
    pane: Pane
    indicators: Indicators = []
    since: Seconds | None = msgspec.field(default=None, name="from")


class BookCommand(_Message, frozen=True, tag="book"):
    """Tell depth and trades of this instrument, of none if the name is empty."""

    name: Annotated[str, msgspec.Meta(max_length=120)]


class SymbolCommand(_Message, frozen=True, tag="symbol"):
    """Ask the collectors for a symbol ("SYMBOL@VENUE", or a symbol that one of them knows), or no longer."""

    request: Number
    action: Literal["add", "remove"]
    name: Name


class Ping(_Message, frozen=True, tag="ping"):
    """Answer with the same `sent`, to measure the latency."""

    sent: float


class StrategyCommand(_Message, frozen=True, tag="strategy"):
    """Start or stop a strategy."""

    request: Number
    action: Literal["start", "stop"]
    strategy: Name


class KillCommand(_Message, frozen=True, tag="kill"):
    """Switch the kill switch on or off."""

    request: Number
    on: bool


class ConfigChange(_Message, frozen=True, tag="config"):
    """Change the page's configuration: a JSON merge patch (RFC 7386)."""

    patch: dict[Annotated[str, msgspec.Meta(max_length=32)], Any]


Command: TypeAlias = (
    Subscribe | Unsubscribe | IndicatorsCommand | BookCommand | SymbolCommand | Ping | StrategyCommand | KillCommand | ConfigChange
)

_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Command)
_indicators = msgspec.json.Decoder(Indicators)
_MOST_CHARACTERS = 81_920  # of a message; a configuration has 64 kB


def parse_command(text: str) -> Command:
    """Return the command in a page's message.

    Raises:
        EventError: no JSON, an unknown type, or fields that are missing, unknown or of another kind; the text names the field.
    """
    if len(text) > _MOST_CHARACTERS:
        raise EventError(f"A page's message may have {_MOST_CHARACTERS} characters, found {len(text)}.", length=len(text))
    try:
        command: Command = _decoder.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise EventError(f"The page's message cannot be used: {error}.", text=text[:200]) from error
    if isinstance(command, Subscribe | IndicatorsCommand):
        _check_ids(command.indicators)
    return command


def parse_indicators(text: str) -> list[WantedIndicator]:
    """Return the indicators of a JSON array. Raises EventError naming the field that cannot be used."""
    try:
        found = _indicators.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise EventError(f"The indicators cannot be used: {error}.", text=text[:200]) from error
    _check_ids(found)
    return found


def _check_ids(indicators: list[WantedIndicator]) -> None:
    known: set[str] = set()
    for one in indicators:
        if one.id in known:
            raise EventError(f"Two indicators of the pane have the id {one.id!r}; each needs its own.", id=one.id)
        known.add(one.id)
