"""What an import is going to do: the user's options, completed from the file where that is safe, and what is still to be asked."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

import msgspec
import numpy as np

from gcg_quant.clock import NS_PER_DAY
from gcg_quant.errors import EventError, ImportFileError
from gcg_quant.periods import PERIODS, period_ns

from ..zones import LocalZone
from .column_map import ColumnMap, detect_kind, map_columns
from .file_name import ZONES, FileHints, read_file_name
from .import_options import QUESTIONS, ImportOptions
from .import_times import TimeFormat, find_time_format, parse_times
from .row_times import RowTimes, time_cells

__all__ = ["ImportPlan", "make_plan"]

_FEWEST_SPACINGS = 10
_STATED = "the times state their offset or count from 1970"
_BARS = ("bars", "quote_bars")
# Fields that are read as text: days and sequence numbers, too, which are no doubles.
_TEXTS = frozenset(("time", "date", "trading_day", "symbol", "venue", "exchange", "condition", "suspicious", "venue_seq", "trade_id")) | {
    "aggressor",
    "count",
}


class ImportPlan(msgspec.Struct, kw_only=True):
    """The options in force. `inferred` says why, for each one that nobody stated; `missing` names those that must be asked for,
    with the question. A plan with `missing` cannot be run. `record` is the class of a file of exported records, which needs no option.
    """

    file: str
    kind: str
    options: ImportOptions
    columns: ColumnMap
    time_format: TimeFormat
    symbol: str | None = None
    venue: str = ""
    market: str | None = None
    period: str = ""
    zone: str = ""
    stamp: str = "start"
    volume_kind: str = ""
    record: str = ""
    inferred: dict[str, str] = {}
    missing: dict[str, str] = {}

    @property
    def terms(self) -> str | None:
        """The market whose usual terms a new instrument gets: a stated one, or one of China's, whose symbols say all."""
        stated = self.options.market is not None
        return self.market if stated or (self.market or "").startswith("cn_") else None

    @property
    def number_columns(self) -> frozenset[str]:
        """The file's columns that hold numbers only."""
        return frozenset(name for field, name in self.columns.columns.items() if field not in _TEXTS)

    def row_times(self) -> RowTimes:
        """Return the reader of this plan's time columns."""
        stated = self.inferred.get("timezone") == _STATED
        return RowTimes(self.time_format, LocalZone(self.zone), ambiguous=self.options.ambiguous, stated=stated)

    def settings(self) -> dict[str, Any]:
        """Return the options in force, for the report."""
        if self.record:
            return {"kind": self.kind, "record": self.record}
        chosen: dict[str, Any] = {"kind": self.kind, "timezone": self.zone, "time_format": self.time_format.name}
        chosen["symbol"] = self.symbol if self.symbol is not None else f"column {self.columns.columns['symbol']!r}"
        if self.venue or "venue" not in self.columns.columns:
            chosen["venue"] = self.venue
        else:
            chosen["venue"] = f"column {self.columns.columns['venue']!r}"
        if self.market:
            chosen["market"] = self.market
        if self.kind in _BARS:
            chosen |= {"period": self.period, "stamp": self.stamp}
        if self.volume_kind:
            chosen["volume_kind"] = self.volume_kind
        chosen["columns"] = self.columns.columns
        return chosen

    def require(self) -> None:
        """Raise ImportFileError for the first option that is still to be asked for."""
        for option, question in self.missing.items():
            raise ImportFileError(
                f"{self.file}: the option {option} is missing, and the file does not say it. {question}",
                file=self.file,
                option=option,
                question=question,
            )


def make_plan(path: str, header: tuple[str, ...], first_rows: dict[str, Any], options: ImportOptions) -> ImportPlan:
    """Complete `options` for a file with these columns; `first_rows` are the columns of its first chunk.

    Raises:
        ImportFileError: the kind of the rows, a column or the time format cannot be told.
    """
    inferred: dict[str, str] = {}
    kind = options.kind or detect_kind(header, options.columns)
    if kind is None:
        raise ImportFileError(
            f"{path}: the columns {', '.join(header)} do not say what a row holds. {QUESTIONS['kind']}",
            file=path,
            option="kind",
            question=QUESTIONS["kind"],
        )
    if options.kind is None:
        inferred["kind"] = "by the names of the columns"
    columns = map_columns(kind, header, options.columns)
    first = {field: first_rows[name] for field, name in columns.columns.items()}
    style = _time_format(path, first, options, inferred)
    plan = ImportPlan(file=path, kind=kind, options=options, columns=columns, time_format=style, inferred=inferred)
    hints = read_file_name(PurePath(path).name)
    _name_instrument(plan, hints)
    _choose_zone(plan, first)
    if kind in _BARS:
        _choose_period(plan, hints, first)
    if kind in ("ticks", "quotes"):
        _choose_volume_kind(plan)
    return plan


def _ask(plan: ImportPlan, option: str) -> None:
    plan.missing[option] = QUESTIONS[option]


def _time_format(path: str, first: dict[str, Any], options: ImportOptions, inferred: dict[str, str]) -> TimeFormat:
    if options.time_format is not None:
        return find_time_format(options.time_format, "")
    samples = [text for text in time_cells(first).slice(0, 100).to_pylist() if text]
    if not samples:
        return find_time_format(None, "1970-01-01")  # no row has a time: they will all be refused for that
    error: ImportFileError | None = None
    for sample in samples:
        try:
            style = find_time_format(None, sample)
        except ImportFileError as problem:
            error = error or problem
            continue
        if style.unit:
            inferred["time_format"] = f"{len(sample.split('.')[0])}-digit numbers are {style.unit} since 1970"
        return style
    raise ImportFileError(f"{path}: {error}", file=path, option="time_format", question=QUESTIONS["time_format"])


def _name_instrument(plan: ImportPlan, hints: FileHints) -> None:
    options, columns = plan.options, plan.columns.columns
    plan.symbol, plan.venue, plan.market = options.symbol, options.venue or "", options.market
    if plan.symbol is None and "symbol" not in columns:
        if hints.symbol is None:
            _ask(plan, "symbol")
        else:
            plan.symbol, plan.inferred["symbol"] = hints.symbol, "by the file's name"
    if options.venue is None and "venue" not in columns and hints.venue is not None:
        plan.venue, plan.inferred["venue"] = hints.venue, "by the file's name"
    if plan.market is None and hints.market is not None and hints.venue == plan.venue:
        plan.market, plan.inferred["market"] = hints.market, f"{hints.venue} in the file's name"


def _choose_zone(plan: ImportPlan, first: dict[str, Any]) -> None:
    if plan.options.timezone is not None:
        LocalZone(plan.options.timezone)  # an unknown name is refused here
        plan.zone = plan.options.timezone
        return
    times = parse_times(time_cells(first), plan.time_format)
    if len(times.utc) and times.utc[~times.bad].all() and not times.bad.all():
        plan.zone, plan.inferred["timezone"] = "UTC", _STATED
    elif plan.market in ZONES:
        plan.zone, why = ZONES[plan.market]
        plan.inferred["timezone"] = f"{why} ({plan.market})"
    else:
        _ask(plan, "timezone")


def _choose_period(plan: ImportPlan, hints: FileHints, first: dict[str, Any]) -> None:
    plan.stamp = plan.options.stamp or "start"
    if plan.options.stamp is None:
        _ask(plan, "stamp")
    spaced = _spacing(first, plan.time_format)
    if plan.options.period is not None:
        plan.period = _checked_period(plan.options.period)
    elif hints.period is not None and spaced in (None, hints.period):
        plan.period, plan.inferred["period"] = hints.period, "by the file's name"
    elif hints.period is None and spaced is not None:
        plan.period, plan.inferred["period"] = spaced, "by the spacing of the times"
    else:
        _ask(plan, "period")


def _checked_period(period: str) -> str:
    try:
        period_ns(period)
    except EventError as error:
        raise ImportFileError(error.message, option="period", value=period) from error
    return period


def _spacing(first: dict[str, Any], style: TimeFormat) -> str | None:
    # The period that most neighbouring rows are apart, if that is beyond doubt: a known one, the smallest, and all others multiples of it.
    times = parse_times(time_cells(first), style)
    gaps = np.diff(np.unique(times.ns[~times.bad]))
    if len(gaps) < _FEWEST_SPACINGS:
        return None
    lengths, counts = np.unique(gaps, return_counts=True)
    common = int(lengths[np.argmax(counts)])
    names = [name for name, length in PERIODS.items() if length == common]
    regular = common >= NS_PER_DAY or not (gaps % common).any()
    return names[0] if names and counts.max() * 2 >= len(gaps) and lengths[0] == common and regular else None


def _choose_volume_kind(plan: ImportPlan) -> None:
    if "volume" not in plan.columns.columns and "turnover" not in plan.columns.columns:
        return
    if plan.options.volume_kind is not None:
        plan.volume_kind = plan.options.volume_kind
    elif plan.columns.plain_volume:
        _ask(plan, "volume_kind")
    else:
        plan.volume_kind, plan.inferred["volume_kind"] = "day", "by the column's name"
