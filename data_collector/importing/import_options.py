"""What a user may say about a file that is to be imported, and what became of it."""

from __future__ import annotations

from typing import Any

import msgspec

from gcg_quant.errors import ImportFileError, nearest

__all__ = ["KINDS", "QUESTIONS", "ImportOptions"]

KINDS = ("bars", "quote_bars", "trades", "quotes", "ticks", "open_interest")

QUESTIONS = {
    "kind": f"What does a row hold ({', '.join(KINDS)})?",
    "symbol": "Which symbol is it (as you want to see it, for example SPY or BTC/USDT)?",
    "venue": "Which venue is it from (for example NYSE or binance)?",
    "timezone": "In which time zone are its times (an IANA name, for example America/New_York, Asia/Shanghai or UTC)?",
    "period": "How long is one bar (1s, 1m, 5m, 15m, 1h, 1d, 1w)?",
    "stamp": "Is a bar's time its start or its end (start or end)?",
    "volume_kind": "What does the volume of a tick count (day, 24h or single)?",
    "time_format": "How are the times written (for example %d/%m/%Y %H:%M:%S.%f, or s, ms, us, ns since 1970)?",
}

_CHOICES = {
    "kind": KINDS,
    "stamp": ("start", "end"),
    "ambiguous": ("refuse", "earlier", "later"),
    "volume_kind": ("day", "24h", "single"),
}


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options of one import; None means: take it from the file where that is safe, else ask for it.

    Raises:
        ImportFileError: a value is not one of the choices.
    """

    kind: str | None = None  # what a row holds, one of KINDS
    symbol: str | None = None  # wins over a symbol column
    venue: str | None = None  # wins over a venue column
    market: str | None = None  # whose default terms a new instrument gets: fx, cn_stock, cn_future, us, hk, crypto
    period: str | None = None  # of a bar: "1m", "1d" ...
    timezone: str | None = None  # IANA name of the zone of times that state none
    stamp: str | None = None  # which end of a bar its time is: "start" or "end"
    columns: dict[str, str] = {}  # our field -> the file's column, for columns that are not recognised
    time_format: str | None = None  # a strptime pattern, or "s", "ms", "us", "ns" since 1970
    volume_kind: str | None = None  # what a tick's `volume` column counts: "day", "24h", "single"
    delimiter: str | None = None  # of a CSV file; else the one that divides the header
    names: tuple[str, ...] = ()  # column names of a CSV file that has no header line
    ambiguous: str = "refuse"  # a local time that occurs twice: "refuse", "earlier" or "later"
    allow_unsorted: bool = False  # take rows whose time goes back
    allow_nonpositive: bool = False  # take trade and bar prices of 0 and below, which spreads and some futures have
    strict: bool = False  # a bad row stops the import before anything is published
    chunk_bytes: int = 1_000_000  # of text that is worked on at once: what comes of it stays in the processor's cache

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value is not None and value not in choices:
                raise ImportFileError(
                    f"Option {name} must be one of {', '.join(choices)}, found {value!r}.{nearest(str(value), choices)}",
                    option=name,
                    value=value,
                )
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise ImportFileError(
                f"Option delimiter must be a single character, found {self.delimiter!r}.", option="delimiter", value=self.delimiter
            )
        if self.chunk_bytes < 1:
            raise ImportFileError(
                f"Option chunk_bytes must be 1 or more, found {self.chunk_bytes}.", option="chunk_bytes", value=self.chunk_bytes
            )

    def with_(self, **changes: Any) -> ImportOptions:
        """Return a copy with some options changed, checked again."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return ImportOptions(**{**values, **changes})
