"""A recording of Binance's streams, plain or gzip: one message a line, behind the recorder's clock."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from gcg_quant.errors import ImportFileError
from gcg_quant.events import Record

from .binance_book import BookSequence, Placed
from .binance_messages import Message, Snapshot, clock_lag, read_message
from .blank import RecordArray, joined
from .csv_file import CsvFile
from .message_records import MessageRecords

__all__ = ["BinanceFile", "is_recording"]

_LINES = 20_000  # worked on at once


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
        bad: (line number, reason) of lines that are no messages.
        passed_over: lines of other streams.

    Raises:
        ImportFileError: it cannot be read, or a snapshot in it could be of several symbols.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sha256, self.bytes_total = CsvFile.digest(path)
        self.lines = self.passed_over = 0
        self.bad: list[tuple[int, str]] = []
        self.symbols: list[str] = []
        self.lag_ns = clock_lag(self._first_pass())

    def batches(self) -> Iterator[tuple[int, list[tuple[str, Message | Placed]]]]:
        """Yield (lines read, messages in order with their symbols) for some lines at a time."""
        sequences = {symbol: BookSequence() for symbol in self.symbols}
        ready: list[tuple[str, Message | Placed]] = []
        number = 0
        for number, message in self._messages():
            if message is not None:
                symbol = self.symbols[0] if isinstance(message, Snapshot) else message.symbol
                ready += [(symbol, one) for one in sequences[symbol].feed(message)]
            if number % _LINES == 0:
                yield number, ready
                ready = []
        for symbol, sequence in sequences.items():
            ready += [(symbol, one) for one in sequence.release()]
        yield number, ready
        self.dropped = sum(sequence.dropped for sequence in sequences.values())
        self.gaps = sum(sequence.gaps for sequence in sequences.values())

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
        for number, message in self._messages(self.bad):
            self.lines = number
            if message is None:
                self.passed_over += 1
                continue
            snapshots += isinstance(message, Snapshot)
            if not isinstance(message, Snapshot) and message.symbol not in self.symbols:
                self.symbols.append(message.symbol)
            yield message
        self.passed_over -= len(self.bad)
        if snapshots and len(self.symbols) != 1:
            raise ImportFileError(
                f"{self.path} holds snapshots, which name no symbol, and messages of {len(self.symbols)} symbols: record each alone.",
                file=str(self.path),
            )

    def _messages(self, bad: list[tuple[int, str]] | None = None) -> Iterator[tuple[int, Message | None]]:
        with _open(self.path) as file:
            for number, line in enumerate(file, 1):
                try:
                    yield number, read_message(line.rstrip())
                except ValueError as error:
                    if bad is not None:
                        bad.append((number, str(error)))
                    yield number, None


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if packed:
        return cast(IO[bytes], gzip.open(path, "rb"))
    return path.open("rb")
