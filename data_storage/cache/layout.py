"""The layout of the cache: which keys there are, and how an event becomes the fields of a hash, and back. docs/redis.md shows it.

A field is text: numbers with all their digits, times as integer nanoseconds, enumerations by their lower-case names, lists and
tables as JSON. What is absent (NaN, no text, an unknown level or time) is a field that is missing.
"""

from __future__ import annotations

import enum
import functools
import json
import math
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from gcg_quant.events import (
    AccountEvent,
    Bar,
    BarBasis,
    ColdEvent,
    Depth,
    OrderEvent,
    PositionEvent,
    Record,
    StrategyStatusEvent,
    Tick,
    TradeTick,
)

__all__ = ["FORMAT", "SHAPES", "Fields", "Layout", "Shape", "entry_id", "name_of", "series_of"]

FORMAT = 1  # of the layout; counts up when a reader of the one before would misread it

_HEAD = ("id", "time_ns", "source")
_UNKNOWN_IF_ZERO = frozenset({"event_ns", "recv_ns", "start_ns", "time_ns", "id", "trading_day"})
_LEVELS = {"bid_prices": "bid_price", "bid_sizes": "bid_size", "ask_prices": "ask_price", "ask_sizes": "ask_size"}


class Fields(NamedTuple):
    """Arguments of a command, packed in Redis's protocol: field, text, field, text ...; `absent` has a bit for each field left out."""

    words: int
    packed: bytes
    absent: int = 0


class Shape:
    """How events of one class become the fields of a hash, and back.

    `fields` are the names, in the order of `values(event)`; a record's arrays are one field a level (`bid_price_1` is the best bid).
    """

    def __init__(self, cls: type[Record] | type[ColdEvent], leave_out: Iterable[str] = ()) -> None:
        self.cls = cls
        without = {"instrument", "cause", *_HEAD, *leave_out}
        parsers = _record_parsers(cls) if issubclass(cls, Record) else _cold_parsers(cls)
        self._parsers = {name: parser for name, parser in parsers.items() if name not in without}
        self._names = (*_HEAD, *self._parsers)
        self._sizes = [_size(cls, name) for name in self._names]
        self._flat = not any(self._sizes)
        self._get = attrgetter(*self._names)
        sized = list(zip(self._names, self._sizes, strict=True))
        self.fields = tuple(field for name, size in sized for field in _fields(name, size))
        self._heads = [b"$%d\r\n%b\r\n" % (len(field), field.encode()) for field in self.fields]
        self._bits = [1 << at for at in range(len(self.fields))]
        # The integer that says "there is none": 0 as a time or day, -1 where records begin with it.
        self._none = [_no_value(cls, name) for name, size in sized for _ in range(size or 1)]

    def values(self, event: Record | ColdEvent) -> tuple[Any, ...]:
        """Return the event's values, as `fields` name them."""
        found: tuple[Any, ...] = self._get(event)
        if self._flat:
            return found
        return tuple(one for value, size in zip(found, self._sizes, strict=True) for one in (value if size else (value,)))

    def fields_of(self, event: Record | ColdEvent) -> list[str]:
        """Return the event as HSET and XADD take it: field, text, field, text ...; what is absent is left out."""
        found: list[str] = []
        for field, value, none in zip(self.fields, self.values(event), self._none, strict=True):
            if not _absent(value, none):
                found += (field, _text(value))
        return found

    def packed(self, event: Record | ColdEvent) -> Fields:
        """Return the same as `fields_of`, in Redis's protocol."""
        parts: list[bytes] = []
        absent = 0
        for head, value, none, bit in zip(self._heads, self.values(event), self._none, self._bits, strict=True):
            kind = type(value)
            if kind is float and value == value:
                text = repr(value).encode()
            elif kind is int and value != none:
                text = b"%d" % value
            elif _absent(value, none):
                absent |= bit
                continue
            else:
                text = _text(value).encode()
            parts.append(b"%b$%d\r\n%b\r\n" % (head, len(text), text))
        return Fields(2 * len(parts), b"".join(parts), absent)

    def event(self, texts: Mapping[str, str]) -> Any:
        """Return the event behind the fields of a hash, with its id, time and source.

        Raises:
            ValueError, KeyError: the fields are no such event's.
        """
        plain: dict[str, Any] = {}
        for name, size in zip(self._names, self._sizes, strict=True):
            parser = self._parsers.get(name)
            if parser is None:
                continue
            if size:
                levels = [texts.get(field, "") for field in _fields(name, size)]
                plain[name] = tuple(parser(text) for text in levels)
            elif name in texts:
                plain[name] = parser(texts[name])
        event_id, time_ns, source = int(texts.get("id", 0)), int(texts.get("time_ns", 0)), texts.get("source", "")
        if issubclass(self.cls, ColdEvent):
            return self.cls(id=event_id, time_ns=time_ns, source=source, **plain)
        parts: Any = self.cls(**plain).__reduce__()
        rebuild, (number, symbol, venue, _, _, _, cause, flags, payload) = parts
        return rebuild(number, symbol, venue, source, event_id, time_ns, cause, flags, payload)


def _record_parsers(cls: type[Record]) -> dict[str, Callable[[str], Any]]:
    empty = cls()
    found: dict[str, Callable[[str], Any]] = {"symbol": str, "venue": str}
    for name, (part, *_) in (cls.dtype.fields or {}).items():
        kind, value = part.base.kind, getattr(empty, name)
        if isinstance(value, enum.Enum):
            found[name] = functools.partial(_member, type(value))
        elif part.shape:
            found[name] = _real if kind == "f" else _count
        else:
            found[name] = float if kind == "f" else int if kind in "iu" else str
    return found


def _cold_parsers(cls: type[ColdEvent]) -> dict[str, Callable[[str], Any]]:
    plain: dict[Any, Callable[[str], Any]] = {str: str, int: int, float: float}
    return {field.name: plain.get(field.type, json.loads) for field in msgspec.structs.fields(cls)}


def _size(cls: type[Record] | type[ColdEvent], name: str) -> int:
    if issubclass(cls, Record) and name in (cls.dtype.names or ()):
        shape = cls.dtype[name].shape
        return shape[0] if shape else 0
    return 0


def _no_value(cls: type[Record] | type[ColdEvent], name: str) -> int | None:
    if name in _UNKNOWN_IF_ZERO:
        return 0
    empty = getattr(cls(), name) if issubclass(cls, Record) else None
    return -1 if empty == -1 or (isinstance(empty, tuple) and empty[0] == -1) else None


def _fields(name: str, size: int) -> tuple[str, ...]:
    return tuple(f"{_LEVELS.get(name, name)}_{level}" for level in range(1, size + 1)) if size else (name,)


def _member(kind: type[enum.Enum], text: str) -> enum.Enum:
    return kind[text.upper()]


def _real(text: str) -> float:
    return float(text) if text else math.nan


def _count(text: str) -> int:
    return int(text) if text else -1


def _absent(value: Any, none: int | None) -> bool:
    kind = type(value)
    if kind is float:
        return bool(value != value)
    return value == none if kind is int else kind in (str, list, dict) and not value


def _text(value: Any) -> str:
    kind = type(value)
    if kind is float:
        return repr(value)
    if kind is str:
        return value  # type: ignore[no-any-return]
    if kind is int:
        return str(value)
    if isinstance(value, enum.Enum):
        return value.name.lower()
    return json.dumps(value, ensure_ascii=False)


# By kind, as the settings name them.
SHAPES: dict[str, Shape] = {
    "tick": Shape(Tick),
    "depth": Shape(Depth),
    "trade": Shape(TradeTick),
    "bar": Shape(Bar),
    "bars": Shape(Bar, ["symbol", "venue", "period", "basis"]),  # an entry of a stream, whose key says the rest
    "position": Shape(PositionEvent),
    "account": Shape(AccountEvent, ["symbol", "venue"]),
    "strategy": Shape(StrategyStatusEvent, ["run"]),
    "order": Shape(OrderEvent),
}


def name_of(kind: str, event: Any) -> str:
    """Return what a key ends with, and what the index of a kind lists: `BTC/USDT@binance`, `1m:BTC/USDT@binance` ..."""
    if kind == "account":
        return f"{event.account}:{event.currency}"
    if kind == "strategy":
        return str(event.strategy)
    if kind == "order":
        return str(event.request)
    symbol = f"{event.symbol}@{event.venue}"
    if kind == "position":
        return f"{event.account}:{event.strategy}:{symbol}:{event.position_side.name.lower()}"
    return f"{series_of(event.period, event.basis)}:{symbol}" if kind == "bar" else symbol


def series_of(period: str, basis: BarBasis) -> str:
    """Return how keys name a period and basis: "1m", or "1m-mid" where bars are not of last prices."""
    return period if basis == BarBasis.LAST else f"{period}-{basis.name.lower()}"


def entry_id(bar: Bar) -> str:
    """Return a bar's id in its stream: the millisecond at which it starts, and its revision. So a stream is in the order of time."""
    return f"{bar.start_ns // 1_000_000}-{bar.revision}"


class Layout:
    """The keys of one system: all begin with `root`, which is PREFIX:WORLD, so that live, paper and replayed data never mix."""

    def __init__(self, prefix: str, world: str) -> None:
        self.root = f"{prefix}:{world}"
        self.alive = f"{self.root}:alive"
        self.owner = f"{self.root}:owner"
        self.meta = f"{self.root}:meta"

    @property
    def pattern(self) -> str:
        """What SCAN finds all of these keys by."""
        return "".join(f"\\{letter}" if letter in "*?[]\\^" else letter for letter in self.root) + ":*"

    def hash(self, kind: str, name: str) -> str:
        """Return the key of the newest event of a kind."""
        return f"{self.root}:{kind}:{name}"

    def index(self, kind: str) -> str:
        """Return the key of the set that lists the names of a kind."""
        return f"{self.root}:index:{kind}"

    def stream(self, name: str) -> str:
        """Return the key of a stream of bars; `name` as for the hash of the newest bar."""
        return f"{self.root}:bars:{name}"
