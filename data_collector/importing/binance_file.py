"""A recording of Binance's streams, plain or gzip: one message a line, behind the recorder's clock."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gcg_quant.errors import ImportFileError
from gcg_quant.events import Record

from ..binance_book import BookSequence, Placed
from ..binance_messages import Message, Snapshot, clock_lag, read_message
from ..blank import RecordArray, joined
from .csv_file import CsvFile
from .message_records import MessageRecords

__all__ = ["BinanceFile", "is_recording"]

_MESSAGES = 20_000  # worked on at once


def is_recording(path: Path) -> bool:
    """Return whether the first line of a file is a message behind a receive time."""
    try:
        with _open(path) as file:
            stamp, _, message = file.readline(400).partition(b" ")
    except (OSError, EOFError, gzip.BadGzipFile):
        return False
    return stamp.isdigit() and len(stamp) in (16, 19) and message.startswith(b"{")


class BinanceFile:
    """One recording. Opening it reads it once from end to end, for its hash, the symbols and the lag of the recorder's clock.

    Attributes:
        symbols: as the messages name them, in the order of their first one.
        lag_ns: by how much times of receipt are set forward.
        lines: how many there are.
        bad: line number and reason of those that are no messages, or of other streams.

    Raises:
        ImportFileError: it cannot be read, or a snapshot in it could be of several symbols.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sha256, self.bytes_total = CsvFile.digest(path)
        self.lines = 0
        self.bad: list[tuple[int, str]] = []
        self.symbols: list[str] = []
        self.lag_ns = clock_lag(self._first_pass())
        self._sequences: dict[str, BookSequence] = {}

    def batches(self) -> Iterator[tuple[int, list[tuple[str, Message | Placed]]]]:
        """Yield (lines read, messages in order with their symbols) for some lines at a time."""
        self._sequences = {symbol: BookSequence() for symbol in self.symbols}
        ready: list[tuple[str, Message | Placed]] = []
        for message in self._messages():
            symbol = self.symbols[0] if isinstance(message, Snapshot) else message.symbol
            ready += [(symbol, one) for one in self._sequences[symbol].feed(message)]
            if len(ready) >= _MESSAGES:
                yield message.line, ready
                ready = []
        for symbol, sequence in self._sequences.items():
            while released := sequence.release():  # again where a gap holds the rest back
                ready += [(symbol, one) for one in released]
        yield self.lines, ready

    @property
    def dropped(self) -> list[Message]:
        """Updates and snapshots that are older than the book, and snapshots that came too late, as far as batches() has come."""
        return [message for sequence in self._sequences.values() for message in sequence.dropped]

    @property
    def gaps(self) -> int:
        """How often updates were missing, as far as batches() has come."""
        return sum(sequence.gaps for sequence in self._sequences.values())

    def arrays(self, instrument: int = 1) -> dict[type[Record], RecordArray]:
        """Return all records by type, with this number as the instrument; each type is in the order in which it was received."""
        records = MessageRecords(self.lag_ns)
        parts: dict[type[Record], list[RecordArray]] = {}
        for _, messages in self.batches():
            made, _ = records.convert((instrument, message) for _, message in messages)
            for record_type, array in made.items():
                parts.setdefault(record_type, []).append(array)
        return {record_type: joined(record_type, arrays) for record_type, arrays in parts.items()}

    def _first_pass(self) -> Iterator[Message]:
        snapshots = 0
        for message in self._messages(self.bad):
            snapshots += isinstance(message, Snapshot)
            if not isinstance(message, Snapshot) and message.symbol not in self.symbols:
                self.symbols.append(message.symbol)
            yield message
        if snapshots and len(self.symbols) != 1:
            raise ImportFileError(
                f"{self.path} holds snapshots, which name no symbol, and messages of {len(self.symbols)} symbols: record each alone.",
                file=str(self.path),
            )

    def _messages(self, bad: list[tuple[int, str]] | None = None) -> Iterator[Message]:
        refused: list[tuple[int, str]] = [] if bad is None else bad
        with _open(self.path) as file:
            for number, line in enumerate(file, 1):
                self.lines = number
                try:
                    message = read_message(line.rstrip(), number)
                except ValueError as error:
                    refused.append((number, str(error)))
                    continue
                if message is None:
                    refused.append((number, "the message is of a stream that no record is made of"))
                else:
                    yield message


def _open(path: Path) -> Any:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if packed else path.open("rb")
