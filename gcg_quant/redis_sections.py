"""The sections of `gcg_quant.toml` for what goes through Redis; see `sections.py`."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from gcg_quant.section import Section, Url, setting

__all__ = ["RedisSettings", "redis_url"]

CacheKind = Literal["tick", "depth", "trade", "bar", "position", "account", "strategy", "order"]


def redis_url(url: str) -> str:
    """Return a URL of Redis, or "" for none.

    Raises:
        ValueError: it is none of Redis, or hides a password where `redact` does not look for it.
    """
    if not url:
        return url
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise ValueError(f"expected redis://host:port/db, rediss:// or unix:///path, found {parts.scheme}://")
    if "password=" in parts.query:
        raise ValueError("a password stands before the host: redis://:PASSWORD@host:port/db")
    if parts.scheme != "unix" and parts.path.strip("/") and not parts.path.strip("/").isdecimal():
        raise ValueError(f"the number of a database ends the URL, as in redis://host:port/0; found {parts.path!r}")
    return url


class RedisSettings(Section):
    """[redis]: what the system looks like, for programs that are not on its bus. See docs/redis.md."""

    url: Url = setting(
        "", "redis://host:port/db, rediss:// (TLS) or unix:///path of the cache; empty = off; one with a password goes into the environment"
    )
    prefix: str = setting(
        "", "what its keys begin with, before the world; empty = gcg:NAME of the home folder", max_length=80, pattern=r"^[A-Za-z0-9_.:-]*$"
    )
    kinds: tuple[CacheKind, ...] = setting(
        ("tick", "depth", "trade", "bar", "position", "account", "strategy", "order"), "what is kept", live=True
    )
    ttl_s: dict[CacheKind, Annotated[float, Field(ge=1, allow_inf_nan=False)]] = setting(
        {"tick": 86_400.0, "depth": 86_400.0, "trade": 86_400.0, "bar": 604_800.0},
        "after how many seconds without news a key goes, by kind; a kind that is left out stays",
        live=True,
    )
    bars: int = setting(500, "newest bars in the stream of each instrument and period; 0 = no streams", live=True, ge=0, le=100_000)
    flush_ms: int = setting(100, "interval at which the newest state of all that has changed is sent, ms", live=True, ge=1, le=2000)
    refill_hours: float = setting(
        24.0, "how far back the journal is read for market data at the start, hours", ge=0, le=24 * 366, allow_inf_nan=False
    )

    @field_validator("url")
    @classmethod
    def _of_redis(cls, url: str) -> str:
        return redis_url(url)
