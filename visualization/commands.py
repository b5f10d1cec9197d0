"""What a page may say to the server: typed messages, checked before anything is done."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from gcg_quant.errors import EventError

__all__ = ["Command", "ConfigChange", "KillCommand", "Ping", "StrategyCommand", "Subscribe", "SymbolCommand", "parse_command"]

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]


class Subscribe(msgspec.Struct, frozen=True, tag="subscribe", tag_field="type", forbid_unknown_fields=True):
    """Show this series: all of it, or what came since the bar at `since` (seconds)."""

    request: int
    name: Name
    period: Annotated[str, msgspec.Meta(max_length=8)]
    since: int | None = None


class Ping(msgspec.Struct, frozen=True, tag="ping", tag_field="type", forbid_unknown_fields=True):
    """Answer with the same `sent`, to measure the latency."""

    sent: float


class StrategyCommand(msgspec.Struct, frozen=True, tag="strategy", tag_field="type", forbid_unknown_fields=True):
    """Start or stop a strategy."""

    request: int
    action: Literal["start", "stop"]
    strategy: Name


class KillCommand(msgspec.Struct, frozen=True, tag="kill", tag_field="type", forbid_unknown_fields=True):
    """Switch the kill switch on or off."""

    request: int
    on: bool


class SymbolCommand(msgspec.Struct, frozen=True, tag="symbol", tag_field="type", forbid_unknown_fields=True):
    """Have the collectors take on an instrument (`SYMBOL@VENUE`, or `SYMBOL` of any venue), or give it up."""

    request: int
    action: Literal["add", "remove"]
    name: Name


class ConfigChange(msgspec.Struct, frozen=True, tag="config", tag_field="type", forbid_unknown_fields=True):
    """Change the page's configuration by a JSON merge patch."""

    patch: dict[str, Any]


Command: TypeAlias = Subscribe | Ping | StrategyCommand | KillCommand | SymbolCommand | ConfigChange

_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Command)
_MOST_BYTES = 81_920  # of a message; a configuration has 64 kB


def parse_command(text: str) -> Command:
    """Return the command in a page's message.

    Raises:
        EventError: no JSON, an unknown type, or fields that are missing, unknown or of another kind; the text names the field.
    """
    if len(text) > _MOST_BYTES:
        raise EventError(f"A page's message may have {_MOST_BYTES} characters, found {len(text)}.", length=len(text))
    try:
        command: Command = _decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise EventError(f"The page's message cannot be used: {error}.", text=text[:200]) from error
    return command
