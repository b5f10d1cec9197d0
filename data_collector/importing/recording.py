"""The import of a recording of a venue's streams: its instruments, the records onto the bus in the order of receipt, and the account."""

from __future__ import annotations

from collections.abc import Iterator

from gcg_quant.instruments import preset

from ..blank import RecordArray, picked
from .binance_file import BinanceFile
from .column_map import ColumnMap
from .file_name import read_file_name
from .import_options import ImportOptions
from .import_plan import ImportPlan
from .import_report import ImportReport
from .import_times import find_time_format
from .message_records import MessageRecords
from .record_file import Instruments

__all__ = ["Recording"]

_VENUE = "BINANCE"


class Recording:
    """One recording under some options: `symbol` (if it holds one symbol alone), `venue` and `market` say what its instruments are."""

    def __init__(self, source: BinanceFile, options: ImportOptions) -> None:
        self._source = source
        self._options = options
        self._renamed = options.symbol if len(source.symbols) == 1 else None
        self._venue = options.venue if options.venue is not None else read_file_name(source.path.name).venue or _VENUE

    def plan(self) -> ImportPlan:
        """Return the plan: nothing needs to be asked."""
        return ImportPlan(
            file=str(self._source.path),
            kind="messages",
            options=self._options,
            columns=ColumnMap("messages", {}, ()),
            time_format=find_time_format("ns", ""),
            symbol=self._renamed,
            venue=self._venue,
            market=self._options.market,
            record="BookDelta, Tick, TradeTick",
            inferred={"kind": "each line is a receive time and a message of Binance's streams"},
        )

    def convert(self, instruments: Instruments, report: ImportReport) -> Iterator[tuple[int, list[RecordArray]]]:
        """Yield (lines read, arrays of one record type each, in the order of receipt); the account is in the report at the end."""
        numbers = {symbol: self._number(symbol, instruments, report) for symbol in self._source.symbols}
        records = MessageRecords(self._source.lag_ns)
        for line, messages in self._source.batches():
            made, runs = records.convert((numbers[symbol], message) for symbol, message in messages)
            begins = dict.fromkeys(made, 0)
            arrays: list[RecordArray] = []
            for record_type, count in runs:
                begin = begins.get(record_type, 0)
                begins[record_type] = begin + count
                if count:
                    arrays.append(picked(made[record_type], slice(begin, begin + count)))
            for record_type, array in made.items():
                name = record_type.__name__
                report.records[name] = report.records.get(name, 0) + len(array)
                first, last = int(array["event_ns"].min()), int(array["event_ns"].max())
                report.first_ns = first if report.first_ns is None else min(report.first_ns, first)
                report.last_ns = last if report.last_ns is None else max(report.last_ns, last)
            yield line, arrays
        self._account(report)

    def _account(self, report: ImportReport) -> None:
        source = self._source
        refused = source.bad + [
            (message.line, "the update or snapshot is older than the book that it belongs to") for message in source.dropped
        ]
        for line, reason in sorted(refused):
            report.refuse(line, reason)
        report.rows = source.lines
        report.stored_rows = source.lines - report.refused_rows
        report.note(f"the recorder's clock was {source.lag_ns / 1e9:.3f} s behind, and is set forward", int(source.lag_ns > 0))
        report.note("updates of the book are missing; it is built anew from the next snapshot", source.gaps)

    def _number(self, symbol: str, instruments: Instruments, report: ImportReport) -> int:
        symbol = self._renamed or symbol
        report.instruments.append(f"{symbol}@{self._venue}" if self._venue else symbol)
        known = any((one.symbol, one.venue) == (symbol, self._venue) for one in instruments)
        if not known and self._options.market is not None:
            return instruments.add(preset(self._options.market, symbol, self._venue))
        return instruments.number(symbol, self._venue)
