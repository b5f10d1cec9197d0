"""The lines of a file that grows as arrays of records, by the importer's own rules: CSV, and messages of Binance's streams."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from gcg_quant.errors import ImportFileError

from ..binance_book import BookSequence, Placed
from ..binance_messages import BestQuote, Message, Snapshot, Trade, parse_message, read_message
from ..blank import RecordArray, picked
from ..importing.conversion import Conversion, SeriesState
from ..importing.csv_file import CsvFile
from ..importing.file_name import read_file_name
from ..importing.import_options import ImportOptions
from ..importing.import_plan import make_plan
from ..importing.import_report import ImportReport
from ..importing.message_records import MessageRecords
from ..importing.record_file import Instruments

__all__ = ["Bad", "Growing", "opened"]

Bad = list[tuple[int, str]]  # line number and reason
_KEPT_DROPPED = 1_000


class Growing(Protocol):
    """Reads blocks of whole lines, from the first line on and in order; what comes out depends on nothing else."""

    def read(self, block: bytes, first_line: int) -> tuple[list[RecordArray], Bad]:
        """Return the records of a block in order, and its bad lines. Raises ImportFileError: it cannot be read on."""

    def save(self) -> list[SeriesState] | None:
        """Return what the lines to come depend on; None if that is too much: who reads on reads all of it again."""

    def restore(self, states: list[SeriesState]) -> None:
        """Go on behind the lines after which `save` has returned this."""


def opened(path: Path, head: bytes, options: ImportOptions, instruments: Instruments, now: Callable[[], int]) -> Growing | None:
    """Return the reader of a file, given its whole lines so far; None if these do not say yet what it holds.

    Raises:
        ImportFileError: it is packed, or is no such file, or an option is missing.
    """
    if head.startswith((b"\x1f\x8b", b"PAR1", b"BZh", b"PK\x03\x04", b"\x28\xb5\x2f\xfd")):
        raise ImportFileError(f"{path.name} is packed; such a file does not grow line by line: import it with `import`.", file=str(path))
    first = head.split(b"\n", 1)[0]
    stamp, _, message = first.partition(b" ")
    if first.startswith(b"{") or (stamp.isdigit() and message.startswith(b"{")):
        return _Messages(path, options, instruments, now)
    needed = 1 if options.names else 2  # a header, and a row that shows how times are written
    return _Rows(path, options, instruments) if head.count(b"\n") >= needed else None


class _Rows:
    def __init__(self, path: Path, options: ImportOptions, instruments: Instruments) -> None:
        self._file = CsvFile(path, delimiter=options.delimiter, names=options.names, chunk_bytes=options.chunk_bytes, checked=False)
        first = next(self._file.chunks())
        plan = make_plan(path.name, self._file.header, first.columns, options)
        plan.require()
        self._report = ImportReport(file=str(path), sha256="")
        self._conversion = Conversion(plan, instruments, self._report)

    def read(self, block: bytes, first_line: int) -> tuple[list[RecordArray], Bad]:
        self._report.refusals.clear()
        array = self._conversion.convert(self._file.chunk_of(block, first_line))
        bad = [(one.line, one.reason + (f" ({one.detail})" if one.detail else "")) for one in self._report.refusals]
        return [array] if len(array) else [], bad

    def save(self) -> list[SeriesState] | None:
        return self._conversion.save()

    def restore(self, states: list[SeriesState]) -> None:
        self._conversion.restore(states)


class _Messages:
    def __init__(self, path: Path, options: ImportOptions, instruments: Instruments, now: Callable[[], int]) -> None:
        self._options, self._instruments, self._now = options, instruments, now
        self._venue = options.venue if options.venue is not None else read_file_name(path.name).venue or "BINANCE"
        self._records = MessageRecords(0)
        self._sequences: dict[str, BookSequence] = {}
        self._numbers: dict[str, int] = {}

    def read(self, block: bytes, first_line: int) -> tuple[list[RecordArray], Bad]:
        ready: list[tuple[int, Message | Placed]] = []
        bad: Bad = []
        for line, text in enumerate(block.splitlines(), first_line):
            if not text.strip():
                continue
            try:
                ready += self._placed(text, line)
            except ValueError as error:
                bad.append((line, str(error)))
        made, runs = self._records.convert(ready)
        begins = dict.fromkeys(made, 0)
        arrays = []
        for record_type, count in runs:
            if count:
                begin = begins[record_type]
                begins[record_type] = begin + count
                arrays.append(picked(made[record_type], slice(begin, begin + count)))
        return arrays, bad

    def save(self) -> list[SeriesState] | None:
        return None  # books, and the changes that wait for one

    def restore(self, states: list[SeriesState]) -> None:
        raise ImportFileError("Lines of messages are read from the first one on.")

    def _placed(self, text: bytes, line: int) -> list[tuple[int, Message | Placed]]:
        found = parse_message(text, self._now(), line) if text.startswith(b"{") else read_message(text, line)
        if found is None or not isinstance(found, Message):
            raise ValueError("the message is of a stream that no record is made of")
        if isinstance(found, Snapshot):
            if len(self._numbers) != 1:
                raise ValueError("a snapshot names no symbol, and the lines before it are not of one symbol alone")
            symbol = next(iter(self._numbers))
        else:
            symbol = found.symbol
        if symbol not in self._numbers:
            self._numbers[symbol] = self._instruments.number(self._options.symbol or symbol, self._venue)
            self._sequences[symbol] = BookSequence()
        if isinstance(found, (Trade, BestQuote)):
            return [(self._numbers[symbol], found)]  # only what makes a book waits for its beginning
        sequence = self._sequences[symbol]
        placed = sequence.feed(found)
        del sequence.dropped[:-_KEPT_DROPPED]
        return [(self._numbers[symbol], one) for one in placed]
