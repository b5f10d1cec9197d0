"""[collectors] of the settings: which collectors of real venues run, and what each brings. See docs/collectors.md."""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field, field_validator, model_validator

from gcg_quant.errors import EventError, nearest
from gcg_quant.periods import period_ns
from gcg_quant.section import Name, Section, Url, redact, setting

__all__ = ["CollectorEntry", "CollectorsSettings"]

_SECRET = re.compile(r"password|passwd|secret|token|api_?key|private_?key|auth_?code", re.IGNORECASE)
_TAKEN = ("simulated", "replay")  # components that the system has of its own


class CollectorEntry(Section):
    """A collector of a real venue: an item of `[[collectors.run]]`."""

    name: Name = Field(description="of the component; its credentials are GCG_QUANT_CREDENTIALS__NAME__KEY in the environment")
    kind: str = Field(min_length=1, max_length=120, description='"ccxt", "ctp" ..., the name of a plug-in, or "module:Class"')
    venue: str = Field(default="", max_length=32, description="what its events carry; empty = its name")
    symbols: tuple[str, ...] = Field(default=(), description="what it collects from the start")
    process: bool | None = Field(default=None, description="run in a process of its own; left out = as the kind needs it")
    connect_s: float = Field(default=10.0, gt=0, le=600, description="longest time to connect and log in, s")
    silence_s: float = Field(default=30.0, gt=0, le=86_400, description="silence in an open market after which it connects anew, s")
    history: str = Field(default="", description='how far back it fills in the database at the start, such as "2d"; empty = not')
    options: dict[str, Any] = Field(default={}, description="the kind's own")

    @property
    def history_ns(self) -> int:
        """How far back it fills in, nanoseconds."""
        return period_ns(self.history) if self.history else 0

    @field_validator("history")
    @classmethod
    def _is_a_span(cls, history: str) -> str:
        try:
            period_ns(history or "1d")
        except EventError as error:
            raise ValueError(f"expected a number with m, h, d or w, such as '2d', found {history!r}") from error
        return history

    @field_validator("venue")
    @classmethod
    def _is_a_venue(cls, venue: str) -> str:
        if "@" in venue:
            raise ValueError("a venue must not contain '@'")
        return venue

    @field_validator("options")
    @classmethod
    def _holds_no_secret(cls, options: dict[str, Any]) -> dict[str, Any]:
        for key in options:
            if _SECRET.search(key):
                raise ValueError(f"{key!r} is a secret: take it out and set GCG_QUANT_CREDENTIALS__NAME__{key.upper()} in the environment")
        return options


class CollectorsSettings(Section):
    """[collectors]: live market data. See docs/collectors.md."""

    run: tuple[CollectorEntry, ...] = setting(
        (), "what runs: a list of tables with name, kind, venue, symbols, process, connect_s, silence_s, history, options"
    )
    urls: dict[str, Url] = setting({}, "addresses instead of the venues' own (a test net, a proxy): name of the collector = URL")

    @field_validator("run")
    @classmethod
    def _unique_names(cls, entries: tuple[CollectorEntry, ...]) -> tuple[CollectorEntry, ...]:
        names = [entry.name for entry in entries]
        for name in names:
            if names.count(name) > 1 or name in _TAKEN:
                raise ValueError(f"two collectors are called {name!r}; give each a name of its own")
        return entries

    @field_validator("urls")
    @classmethod
    def _hold_no_password(cls, urls: dict[str, str]) -> dict[str, str]:
        for name, url in urls.items():
            if redact(url) != url:
                raise ValueError(f"the URL of {name!r} holds a password; take it out and set GCG_QUANT_CREDENTIALS__NAME__PASSWORD")
        return urls

    @model_validator(mode="after")
    def _makes_sense(self) -> CollectorsSettings:
        names = [entry.name for entry in self.run]
        for name in self.urls:
            if name not in names:
                raise ValueError(f"urls names {name!r}, and no collector of [[collectors.run]] is called so.{nearest(name, names)}")
        return self
