"""What is missing in stored market data: what collectors have told of, and what the market's sessions show.

Three kinds of gaps, by `reason`:

    recorded    a collector said so (table `gaps`), and it has not been filled in since
    silent      no rows for at least `min_gap_ns` of session time
    sessions    the same, and one or more whole sessions lie in it

A stretch in which the market is closed is no gap. Bars of a liquid instrument follow each other without a hole; where one trades so seldom
that minutes without a bar are natural, `min_gap_ns` has to be longer than its pauses.

Where an event `REFILLED` says that all there is has been filled in, nothing is missing. A recorded gap is also filled in where rows lie in
it that were imported or filled in (BACKFILL), or are the venue's own bars: these cover their interval, ticks all from the first to the
last of them. What such rows leave of a gap counts from `min_gap_ns` on. A bar that we made ourselves while data was missing covers nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, select

from gcg_quant.asking import BASES, ROWS
from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_DAY, NS_PER_MINUTE
from gcg_quant.cold_events import REFILLED
from gcg_quant.enumerations import BarBasis, BarOrigin, EventFlag
from gcg_quant.errors import EventError
from gcg_quant.events import Bar, GapEvent
from gcg_quant.moments import Moment, first_ns, last_ns
from gcg_quant.open_time import OpenTime
from gcg_quant.periods import period_ns
from gcg_quant.stretches import Stretch, joined, without

from ..schema.models import COLD_TABLES, RECORD_TABLES, import_ranges
from .bar_query import BarQuery

if TYPE_CHECKING:
    from gcg_quant.instruments import Instrument

    from ..sql.database import Database
    from .history import DatabaseHistory

__all__ = ["MIN_GAP_NS", "Gap", "find_gaps"]

MIN_GAP_NS = 10 * NS_PER_MINUTE
_TABLES = {"tick": "ticks", "trade": "trade_ticks", "depth": "depth", "delta": "book_deltas"}


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch from `start_ns` to `end_ns` in which rows of `what` are missing (a bar period, "tick", "trade", "depth" or "delta").

    `open_ns` is the session time in it, `sessions` how many lie in it as a whole, `rows_expected` how many bars fit in (None for ticks).
    """

    symbol: str
    venue: str
    what: str
    start_ns: int
    end_ns: int
    reason: str
    open_ns: int
    sessions: int
    rows_expected: int | None = None
    detail: str = ""

    @property
    def text(self) -> str:
        """What is missing, in words."""
        if self.reason == "recorded":
            return f"recorded: {self.detail}"
        minutes = f"no rows for {self.open_ns / NS_PER_MINUTE:g} minutes of session"
        return f"{minutes}, {self.sessions} whole {'session' if self.sessions == 1 else 'sessions'}" if self.sessions else minutes


def find_gaps(
    history: DatabaseHistory,
    symbol: str,
    period: str | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    venue: str | None = None,
    min_gap_ns: int = MIN_GAP_NS,
) -> list[Gap]:
    """Return the gaps of a symbol, by `what` and time; they do not overlap.

    Args:
        period: which bars, or "tick", "trade", "depth", "delta"; bars that are not stored are looked for in those that they are made of.
            None: everything that is stored of the symbol.
        start, end: as for a history; without one the first or the last stored row.
        min_gap_ns: session time without rows from which on it is a gap.

    Raises:
        InstrumentError: an unknown symbol. EventError: no such period or time.
    """
    if period is not None and period not in ROWS:
        period_ns(period)
    if min_gap_ns <= 0:
        raise EventError(f"min_gap_ns must be above 0 nanoseconds, not {min_gap_ns!r}.", min_gap_ns=min_gap_ns)
    terms = history.instrument(symbol, venue)
    told: dict[str, Any] = {"zone": terms.timezone, "calendar": terms.calendar}
    start_ns = None if start is None else first_ns(start, **told)
    end_ns = None if end is None else last_ns(end, **told)
    if start_ns is not None and end_ns is not None and start_ns >= end_ns:
        raise EventError(f"start ({start}) is not before end ({end}).", start=start, end=end)
    with history.database.reading() as connection:
        search = _Search(history.database, connection, history.number(connection, symbol, venue), terms, min_gap_ns)
        wanted = search.stored() if period is None else search.of_period(period)
        return [gap for what, basis in wanted for gap in search.gaps(what, basis, start_ns, end_ns)]


class _Search:
    def __init__(self, database: Database, connection: Connection, number: int, terms: Instrument, min_gap_ns: int) -> None:
        self._database = database
        self._connection = connection
        self._number = number
        self._terms = terms
        self._min_gap_ns = min_gap_ns
        self._open = OpenTime(Calendar(terms.calendar))

    # Of each kind of rows the name, and of bars the basis.
    def stored(self) -> list[tuple[str, BarBasis]]:
        found = [(what, BarBasis.LAST) for what in _TABLES if self._ends(what, BarBasis.LAST, None, None) is not None]
        seen: dict[str, BarBasis] = {}
        for basis in BASES:
            for period in BarQuery(self._database, self._connection, self._number, basis).periods():
                seen.setdefault(period, basis)
        return found + sorted(seen.items(), key=lambda one: period_ns(one[0]))

    def of_period(self, period: str) -> list[tuple[str, BarBasis]]:
        if period in ROWS:
            return [(period, BarBasis.LAST)]
        for basis in BASES:
            source = BarQuery(self._database, self._connection, self._number, basis).source_of(period)
            if source is not None:
                return [(source, basis)]
        return [(period, BarBasis.LAST)]

    def gaps(self, what: str, basis: BarBasis, start_ns: int | None, end_ns: int | None) -> list[Gap]:
        ends = self._ends(what, basis, start_ns, end_ns)
        first_ns = start_ns if start_ns is not None else ends[0] if ends else None
        last_ns = end_ns if end_ns is not None else ends[1] if ends else None
        if first_ns is None or last_ns is None:
            return []
        told, closed = self._recorded(what, basis, first_ns, last_ns)
        known = joined([*closed, *(stretch for stretch, _ in told)])
        found = [self._gap(what, stretch, "recorded", detail) for stretch, detail in told]
        for hole in self._holes(what, basis, ends, first_ns, last_ns):
            for stretch in without(hole, known):
                if self._open.between(*stretch) >= self._min_gap_ns:
                    found.append(self._gap(what, stretch, "sessions" if self._open.whole_sessions(*stretch) else "silent"))
        return sorted(found, key=lambda gap: gap.start_ns)

    def _gap(self, what: str, stretch: Stretch, reason: str, detail: str = "") -> Gap:
        start_ns, end_ns = self._open.within(*stretch)
        open_ns = self._open.between(start_ns, end_ns)
        expected = None
        if what not in ROWS:
            length = period_ns(what)
            expected = -(-open_ns // length) if length < NS_PER_DAY else -(-self._open.days(start_ns, end_ns) // (length // NS_PER_DAY))
        return Gap(
            symbol=self._terms.symbol,
            venue=self._terms.venue,
            what=what,
            start_ns=start_ns,
            end_ns=end_ns,
            reason=reason,
            open_ns=open_ns,
            sessions=self._open.whole_sessions(start_ns, end_ns),
            rows_expected=expected,
            detail=detail,
        )

    # ---- holes: the time between rows, and before the first and behind the last one

    def _holes(self, what: str, basis: BarBasis, ends: Stretch | None, first_ns: int, last_ns: int) -> list[Stretch]:
        if ends is None:
            return [(first_ns, last_ns)]
        begin, over = self._times(what)
        table, where, values = self._rows(what, basis, first_ns, last_ns)
        mark = self._database.mark
        pairs = f'SELECT "{begin}" AS begun, LAG("{over}") OVER (ORDER BY "{begin}", "{over}") AS ended FROM "{table}" AS m WHERE {where}'
        text = f"SELECT ended, begun FROM ({pairs}) AS pairs WHERE begun - ended >= {mark} ORDER BY begun"
        found = self._connection.exec_driver_sql(text, (*values, self._min_gap_ns)).all()
        holes = [(first_ns, ends[0]), *((int(ended), int(begun)) for ended, begun in found), (ends[1], last_ns)]
        return [hole for hole in holes if hole[0] < hole[1]]

    def _ends(self, what: str, basis: BarBasis, start_ns: int | None, end_ns: int | None) -> Stretch | None:
        begin, over = self._times(what)
        table, where, values = self._rows(what, basis, start_ns, end_ns)
        row = self._connection.exec_driver_sql(f'SELECT MIN("{begin}"), MAX("{over}") FROM "{table}" AS m WHERE {where}', values).one()
        return None if row[0] is None else (int(row[0]), int(row[1]))

    def _times(self, what: str) -> tuple[str, str]:
        return ("event_ns", "event_ns") if what in ROWS else ("start_ns", "event_ns")

    def _rows(self, what: str, basis: BarBasis, start_ns: int | None, end_ns: int | None) -> tuple[str, str, tuple[Any, ...]]:
        # Table, condition and values of the rows that touch a stretch.
        mark = self._database.mark
        begin, over = self._times(what)
        where = [f"m.instrument = {mark}"]
        values: list[Any] = [self._number]
        if what not in ROWS:
            where += [f"m.period = {mark}", f"m.basis = {mark}", "m.close IS NOT NULL"]
            values += [what, int(basis)]
        for bound, text in ((start_ns, f"m.{over} >= {mark}"), (end_ns, f"m.{begin} <= {mark}")):
            if bound is not None:
                where.append(text)
                values.append(bound)
        table = _TABLES[what] if what in ROWS else RECORD_TABLES[Bar].name
        return table, " AND ".join(where), tuple(values)

    # ---- what collectors told of, without what has been filled in since

    def _recorded(self, what: str, basis: BarBasis, first_ns: int, last_ns: int) -> tuple[list[tuple[Stretch, str]], list[Stretch]]:
        # Each with its kind, and the stretches of which a source has said that it has told all.
        columns = COLD_TABLES[GapEvent].table.c
        told = select(columns.kind, columns.start_ns, columns.end_ns, columns.detail)
        told = told.where(columns.instrument == self._number, columns.end_ns > first_ns, columns.start_ns < last_ns)
        rows = self._connection.execute(told.order_by(columns.start_ns, columns.time_ns)).all()
        closed = joined([(row.start_ns, row.end_ns) for row in rows if row.kind == REFILLED and row.detail == what])
        found: list[tuple[Stretch, str]] = []
        for row in rows:
            if row.kind == REFILLED:
                continue
            whole = max(row.start_ns, first_ns), min(row.end_ns, last_ns)
            filled = self._filled(what, basis, *whole)
            least_ns = self._min_gap_ns if filled else 1
            before = joined([stretch for stretch, _ in found])  # the same one told twice
            for stretch in without(whole, joined([*closed, *filled, *before])):
                if self._open.between(*stretch) >= least_ns:
                    found.append((stretch, row.kind))
        return found, closed

    def _filled(self, what: str, basis: BarBasis, start_ns: int, end_ns: int) -> list[Stretch]:
        table, where, values = self._rows(what, basis, start_ns, end_ns)
        later = f"(buses.import_number > 0 OR (m.flags & {int(EventFlag.BACKFILL)}) <> 0"
        later += ")" if what in ROWS else f" OR m.origin = {int(BarOrigin.VENUE)})"
        tail = f'FROM "{table}" AS m JOIN buses ON buses.number = m.bus WHERE {where} AND {later}'
        if what in ROWS:
            row = self._connection.exec_driver_sql(f"SELECT MIN(m.event_ns), MAX(m.event_ns) {tail}", values).one()
            # An import's rows that were stored already have left no row of its own.
            ranges = import_ranges.c
            mine = select(ranges.first_ns, ranges.last_ns).where(ranges.table_name == table, ranges.instrument == self._number)
            mine = mine.where(ranges.last_ns >= start_ns, ranges.first_ns <= end_ns)
            found = [(int(first), int(last)) for first, last in self._connection.execute(mine)]
            return found if row[0] is None else [*found, (int(row[0]), int(row[1]))]
        rows = self._connection.exec_driver_sql(f"SELECT m.start_ns, m.event_ns {tail}", values)
        return [(int(row[0]), int(row[1])) for row in rows]
