"""[bridge] of the settings: which events go to other hosts, and which come from them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, field_validator, model_validator

from gcg_quant.crossing import crossing_types
from gcg_quant.errors import EventError
from gcg_quant.redis_sections import redis_url
from gcg_quant.section import Name, Section, Url, redact, setting

__all__ = ["BridgeReceiveEntry", "BridgeSendEntry", "BridgeSettings"]

LaneName = Literal["control", "market", "log"]


def _check_type(name: str) -> str:
    try:
        crossing_types([name])
    except EventError as error:
        raise ValueError(error.message) from error
    return name


def _without_password(url: str) -> str:
    if redact(url) != url:
        raise ValueError("the URL holds a password; take it out and set GCG_QUANT_BRIDGE__PASSWORD in the environment")
    return url


TypeName = Annotated[str, BeforeValidator(_check_type)]
RedisUrl = Annotated[Url, AfterValidator(redis_url)]
PlainUrl = Annotated[RedisUrl, BeforeValidator(_without_password)]


class _Entry(Section):
    name: Name = Field(description="of the bridge, the same on both hosts; no two hosts may send under one name")
    url: PlainUrl = Field(default="", description="redis://host:port/db, rediss:// for TLS; empty = that of [bridge]")
    types: tuple[TypeName, ...] = Field(default=(), description="names of events; empty = market data and what belongs to it")
    symbols: tuple[str, ...] = Field(default=(), description="SYMBOL, SYMBOL@VENUE or patterns with *, ? and []; empty = all")
    lanes: tuple[LaneName, ...] = Field(default=(), description="of the bus; empty = all")


class BridgeSendEntry(_Entry):
    """Events for other hosts: an item of `[[bridge.send]]`."""

    relay: bool = Field(default=False, description="also send on what has come from other hosts")
    stream_mb: float = Field(default=64.0, gt=0.01, le=4096, description="memory of Redis that the stream may take, MB")


class BridgeReceiveEntry(_Entry):
    """Events from another host: an item of `[[bridge.receive]]`."""

    start: Literal["new", "begin"] = Field(
        default="new", description="at the first contact: what Redis holds and what comes, or all that the sender's journal holds"
    )
    worlds: tuple[Literal["live", "paper", "backtest", "import", "replay"], ...] = Field(
        default=(), description="of the sender's bus; empty = live, and the world of this bus"
    )


class BridgeSettings(Section):
    """[bridge]: events to and from other hosts, through Redis."""

    url: RedisUrl = setting("", "redis://host:port/db of all bridges that name none; one with a password goes into the environment")
    password: SecretStr = setting(SecretStr(""), "for URLs without a password", secret=True)
    send: tuple[BridgeSendEntry, ...] = setting((), "what goes out: a list of tables with name, types, symbols, lanes, relay, stream_mb")
    receive: tuple[BridgeReceiveEntry, ...] = setting((), "what comes in: a list of tables with name, types, symbols, start, worlds")

    @model_validator(mode="after")
    def _makes_sense(self) -> BridgeSettings:
        here = {entry.name for entry in self.send}
        for entry in (*self.send, *self.receive):
            if not entry.url and not self.url:
                raise ValueError(f"bridge {entry.name!r} has no url: set url of [bridge], or of the bridge")
            if entry in self.receive and entry.name in here:
                raise ValueError(f"{entry.name!r} is sent and received: this host would receive its own events")
        return self

    @field_validator("send", "receive")
    @classmethod
    def _unique_names(cls, entries: tuple[_Entry, ...]) -> tuple[_Entry, ...]:
        names = [entry.name for entry in entries]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two bridges are called {name!r}; give each a name of its own")
        return entries
