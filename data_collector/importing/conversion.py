"""From chunks of rows to arrays of records: instruments, order in time, ordinals, and the account of every row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from gcg_quant.errors import InstrumentError
from gcg_quant.instruments import Instrument, preset

from ..blank import RecordArray, picked
from ..ordinals import Ordinals
from ..zones import Int64Array
from .bar_rows import BarRows
from .built import Built
from .cells import BoolArray, words_of
from .csv_file import RawChunk
from .import_plan import ImportPlan
from .import_report import ImportReport
from .sheet import Sheet
from .tick_rows import TickRows, TradeRows

if TYPE_CHECKING:
    from .record_file import Instruments

__all__ = ["Conversion", "SeriesState"]

_SERIES = 8  # bars of different bases count their equal times apart: instrument * 8 + basis


class SeriesState(msgspec.Struct, frozen=True):
    """Where an instrument's rows stand: the newest time, and of each basis of its bars (0: no bars) how many rows have which time."""

    symbol: str
    venue: str
    newest_ns: int | None
    counts: list[tuple[int, int, int]]  # basis, time, rows


# The words of a column and the number of each row's: "" where the cell is empty.
def _words(sheet: Sheet, field: str) -> tuple[list[str], Int64Array]:
    texts, which = words_of(sheet.cells(field))
    return [word or "" for word in texts.to_pylist()] or [""], which


class Conversion:
    """Turns the chunks of one file into records, in the order of the file, and keeps the report."""

    def __init__(self, plan: ImportPlan, instruments: Instruments, report: ImportReport) -> None:
        self._plan = plan
        self._instruments = instruments
        self._report = report
        self._times = plan.row_times()
        self._rows = self._builder()
        self._ordinals = Ordinals(sorted_times=not plan.options.allow_unsorted)
        self._newest: dict[int, int] = {}
        self._numbers: dict[tuple[str, str], int] = {}

    def convert(self, chunk: RawChunk) -> RecordArray:
        """Return the records of a chunk; what was refused is in the report."""
        columns = self._plan.columns.columns
        sheet = Sheet(chunk.lines, {field: chunk.columns[name] for field, name in columns.items()}, columns, chunk.text)
        self._find_instruments(sheet)
        built = self._rows.build(sheet)
        if not self._plan.options.allow_unsorted:
            back = self._going_back(sheet, built.order_ns)
            sheet.refuse(back, "the time goes back behind an earlier row (see the option allow_unsorted)", "date", "time")
        records = self._living(sheet, built)
        self._account(chunk, sheet, records)
        return records

    def save(self) -> list[SeriesState] | None:
        """Return what the rows to come depend on; None if that is all that was (`allow_unsorted`)."""
        if self._plan.options.allow_unsorted:
            return None
        counts: dict[int, list[tuple[int, int, int]]] = {}
        for series, time, count in self._ordinals.save():
            counts.setdefault(series // _SERIES, []).append((series % _SERIES, time, count))
        return [
            SeriesState(symbol, venue, self._newest.get(number), counts.get(number, []))
            for (symbol, venue), number in self._numbers.items()
            if number
        ]

    def restore(self, states: list[SeriesState]) -> None:
        """Go on from what `save` has returned; nothing was converted yet."""
        for state in states:
            number = self._number(state.symbol, state.venue)
            if state.newest_ns is not None:
                self._newest[number] = state.newest_ns
            self._ordinals.restore([(number * _SERIES + basis, time, count) for basis, time, count in state.counts])

    def _builder(self) -> BarRows | TickRows | TradeRows:
        if self._plan.kind in ("bars", "quote_bars"):
            return BarRows(self._plan, self._times, self._report)
        if self._plan.kind == "trades":
            return TradeRows(self._plan, self._times)
        return TickRows(self._plan, self._times, self._report)

    def _living(self, sheet: Sheet, built: Built) -> RecordArray:
        kept = sheet.alive[built.rows]
        records, rows, basis = picked(built.records, kept), built.rows[kept], built.series[kept]
        records["instrument"] = sheet.instruments[rows]
        records["ordinal"] = self._ordinals.number(sheet.instruments[rows] * _SERIES + basis, records["event_ns"])
        return records

    def _going_back(self, sheet: Sheet, times: Int64Array) -> BoolArray:
        back: BoolArray = np.zeros(len(sheet), bool)
        first = int(sheet.instruments[0]) if len(sheet) else 0
        if sheet.alive.all() and (sheet.instruments == first).all() and self._goes_on(first, times):
            return back
        for one in np.unique(sheet.instruments[sheet.alive]).tolist():
            rows = np.flatnonzero(sheet.alive & (sheet.instruments == one))
            reached = np.maximum.accumulate(np.concatenate(([self._newest.get(one, np.iinfo(np.int64).min)], times[rows])))
            back[rows] = times[rows] < reached[:-1]
            self._newest[one] = int(reached[-1])
        return back

    # Whether all the times of an instrument are in order; the quick way for what most chunks are.
    def _goes_on(self, instrument: int, times: Int64Array) -> bool:
        if len(times) == 0 or self._newest.get(instrument, int(times[0])) > int(times[0]) or (times[1:] < times[:-1]).any():
            return False
        self._newest[instrument] = int(times[-1])
        return True

    # ---- instruments

    def _find_instruments(self, sheet: Sheet) -> None:
        if self._plan.symbol is not None and (self._plan.venue or not sheet.has("venue")):
            sheet.instruments[:] = self._number(self._plan.symbol, self._plan.venue)
            return
        count = len(sheet)
        symbols, symbol_of = _words(sheet, "symbol") if self._plan.symbol is None else ([self._plan.symbol], np.zeros(count, np.int64))
        venues, venue_of = [self._plan.venue], np.zeros(count, np.int64)
        if not self._plan.venue and sheet.has("venue"):
            venues, venue_of = _words(sheet, "venue")
        pairs, first, pair_of = np.unique(symbol_of * len(venues) + venue_of, return_index=True, return_inverse=True)
        numbers = np.zeros(len(pairs), np.int64)
        for position in np.argsort(first).tolist():  # numbered as they come
            symbol, venue = symbols[pairs[position] // len(venues)], venues[pairs[position] % len(venues)]
            numbers[position] = self._known(symbol, venue) if symbol else 0
        sheet.instruments[:] = numbers[pair_of]
        nameless = np.array([not symbol for symbol in symbols], bool)[symbol_of]
        sheet.refuse(nameless, "symbol is missing", "symbol")
        sheet.refuse(sheet.instruments == 0, "symbol or venue is too long or holds an @", "symbol", "venue")

    def _known(self, symbol: str, venue: str) -> int:
        # 0 for names that no instrument can have; remembered, so that each is tried once.
        key = (symbol, venue)
        if key not in self._numbers:
            try:
                self._numbers[key] = self._number(symbol, venue)
            except InstrumentError:
                self._numbers[key] = 0
        return self._numbers[key]

    def _number(self, symbol: str, venue: str) -> int:
        # A new instrument gets its market's usual terms where the market is known; one that the bus knows keeps those it has.
        key = (symbol, venue)
        if key in self._numbers:
            return self._numbers[key]
        known = any((one.symbol, one.venue) == key for one in self._instruments)
        number = 0
        if not known and self._plan.terms is not None:
            try:
                number = self._instruments.add(preset(self._plan.terms, symbol, venue))
            except InstrumentError as error:
                self._report.note(f"{symbol} keeps the default terms: {error.message}", 1)
        if number == 0:
            Instrument(symbol=symbol, venue=venue)  # refuses what no instrument can be called
            number = self._instruments.number(symbol, venue)
        self._numbers[key] = number
        self._report.instruments.append(f"{symbol}@{venue}" if venue else symbol)
        return number

    # ---- the account

    def _account(self, chunk: RawChunk, sheet: Sheet, records: RecordArray) -> None:
        report = self._report
        refused = [(line, reason, "") for line, reason in chunk.bad] + sheet.refusals()
        for line, reason, detail in sorted(refused):
            report.refuse(line, reason, detail)
        report.rows += len(sheet) + len(chunk.bad)
        report.stored_rows += int(sheet.alive.sum())
        if len(records) == 0:
            return
        name = {"trades": "TradeTick", "bars": "Bar", "quote_bars": "Bar"}.get(self._plan.kind, "Tick")
        report.records[name] = report.records.get(name, 0) + len(records)
        first, last = int(records["event_ns"].min()), int(records["event_ns"].max())
        report.first_ns = first if report.first_ns is None else min(report.first_ns, first)
        report.last_ns = last if report.last_ns is None else max(report.last_ns, last)
        if self._times.resolved:
            report.note(f"a local time that occurred twice was read as the {self._plan.options.ambiguous} one", self._times.resolved)
            self._times.resolved = 0
