"""The tables of the database. Times are integer nanoseconds since the Unix epoch, UTC; docs/database.md explains every table.

The tables of records and events are made from the classes themselves (`Record.dtype`, msgspec fields), so that a new field
becomes a new column. Three families:

    market   ticks depth book_deltas trade_ticks     key (instrument, event_ns, ordinal, copy)
             bars                                    key (instrument, period, basis, start_ns, source, ordinal, copy)
    events   order_events fills signals alerts ...   key (bus, seq, time_ns): one row for every event
    states   orders positions accounts strategies    one row for every thing, as its newest event left it

Every row of the first two says which event it is: bus (a number of `buses`), epoch, seq, time_ns, cause, source, flags.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Literal, get_args, get_origin

import msgspec
import numpy as np
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy import text as sql_text

from gcg_quant.events import (
    AccountEvent,
    AlertEvent,
    Bar,
    BookDelta,
    ColdEvent,
    CorporateAction,
    Depth,
    Fill,
    Funding,
    GapEvent,
    LogEvent,
    OrderEvent,
    OrderRequest,
    PositionEvent,
    Record,
    RiskVerdict,
    SignalEvent,
    StrategyStatusEvent,
    Tick,
    TradeTick,
)

from .columns import Field, fields_of

__all__ = [
    "BAR_KEY",
    "COLD_TABLES",
    "EVENT_KEY",
    "MARKET_KEY",
    "PROVENANCE",
    "RECORD_TABLES",
    "STATE_TABLES",
    "ColdTable",
    "RecordTable",
    "metadata",
]

metadata = MetaData()
TEXT = Text().with_variant(Text(collation="C"), "postgresql")  # ordered by code point everywhere, whatever the server's language
WIDE = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only for INTEGER

MARKET_KEY = ("instrument", "event_ns", "ordinal", "copy")
BAR_KEY = ("instrument", "period", "basis", "start_ns", "source", "ordinal", "copy")
EVENT_KEY = ("bus", "seq", "time_ns")
PROVENANCE = fields_of(
    np.dtype([("bus", "<i4"), ("epoch", "<i4"), ("seq", "<i8"), ("time_ns", "<i8"), ("cause", "<u8"), ("source", "<i4"), ("flags", "<u2")])
)
COPY = fields_of(np.dtype([("copy", "<i4")]))[0]

meta = Table("meta", metadata, Column("name", TEXT, primary_key=True), Column("value", TEXT, nullable=False))
alembic_version = Table("alembic_version", metadata, Column("version_num", String(32), primary_key=True))
row_counts = Table("row_counts", metadata, Column("table_name", TEXT, primary_key=True), Column("rows", BigInteger, nullable=False))
buses = Table(
    "buses",
    metadata,
    Column("number", WIDE, primary_key=True),
    Column("bus_id", TEXT, nullable=False),
    Column("import_number", BigInteger, nullable=False),  # 0: not an import
    Column("world", TEXT, nullable=False),
    UniqueConstraint("bus_id", "import_number"),
)
sources = Table("sources", metadata, Column("number", WIDE, primary_key=True), Column("name", TEXT, nullable=False, unique=True))
instruments = Table(
    "instruments",
    metadata,
    Column("number", WIDE, primary_key=True),
    Column("symbol", TEXT, nullable=False),
    Column("venue", TEXT, nullable=False),
    Column("terms", TEXT, nullable=False),  # JSON: the fields of gcg_quant.instruments.Instrument that are no defaults
    Column("bus", ForeignKey("buses.number"), nullable=False),  # where it was seen first
    UniqueConstraint("symbol", "venue"),
)
recorder_cursors = Table(
    "recorder_cursors",
    metadata,
    Column("recorder", TEXT, primary_key=True),
    Column("bus_id", TEXT, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    *(Column(lane, BigInteger, nullable=False) for lane in ("control", "market", "log")),
    Column("updated_ns", BigInteger, nullable=False),
)
imports = Table(
    "imports",
    metadata,
    Column("number", WIDE, primary_key=True),
    Column("sha256", TEXT, nullable=False, index=True),
    Column("path", TEXT, nullable=False),
    Column("status", TEXT, nullable=False),  # "running", "done", "partial": done, then rows were deleted
    Column("started_ns", BigInteger, nullable=False),
    Column("finished_ns", BigInteger),
    Column("report", TEXT, nullable=False),  # JSON
)
import_ranges = Table(
    "import_ranges",
    metadata,
    Column("import_number", ForeignKey("imports.number"), primary_key=True),
    Column("table_name", TEXT, primary_key=True),
    Column("instrument", BigInteger, primary_key=True),
    Column("first_ns", BigInteger, nullable=False),
    Column("last_ns", BigInteger, nullable=False),
)
backtest_runs = Table(
    "backtest_runs",
    metadata,
    Column("bus", ForeignKey("buses.number"), primary_key=True, autoincrement=False),
    Column("run", TEXT, primary_key=True),
    Column("requested_ns", BigInteger),
    Column("request", TEXT, nullable=False, server_default=sql_text("'{}'")),  # JSON: the BacktestRequestEvent
    Column("finished_ns", BigInteger, nullable=False, server_default=sql_text("0")),  # 0: still running
    Column("ok", Boolean),
    Column("error", TEXT, nullable=False, server_default=sql_text("''")),
    Column("results", TEXT, nullable=False, server_default=sql_text("'{}'")),  # JSON
    Column("report", TEXT, nullable=False, server_default=sql_text("''")),
    Column("inputs", TEXT, nullable=False, server_default=sql_text("'{}'")),  # JSON: digests of code and data
    sqlite_with_rowid=False,
)


@dataclass(frozen=True, slots=True)
class RecordTable:
    """The table of a hot record class: `fields` are the record's, in the order of its dtype."""

    record: type[Record]
    table: Table
    fields: tuple[Field, ...]
    key: tuple[str, ...]

    @property
    def name(self) -> str:
        """The table's name as a plain str: SQLAlchemy's own is a subclass, which msgspec does not encode."""
        return str(self.table.name)

    @property
    def partition_unit(self) -> Literal["M", "Y"] | None:
        """What a server partitions the table by: calendar months, or years for bars, of which there are fewer; events are not."""
        return None if self.key is EVENT_KEY else "Y" if self.key is BAR_KEY else "M"

    @property
    def time_column(self) -> str:
        """The column that orders the rows of one instrument."""
        return "start_ns" if self.key is BAR_KEY else "event_ns"

    @property
    def columns(self) -> tuple[Field, ...]:
        """All columns: the record's fields, the provenance and, for market data, `copy`."""
        return (*self.fields, *PROVENANCE, *(() if self.key is EVENT_KEY else (COPY,)))


@dataclass(frozen=True, slots=True)
class ColdTable:
    """The table of a cold event class: `columns` are (name, kind), symbol and venue having become `instrument`."""

    event: type[ColdEvent]
    table: Table
    columns: tuple[tuple[str, Literal["plain", "json"]], ...]

    @property
    def name(self) -> str:
        """The table's name as a plain str."""
        return str(self.table.name)


def _field_column(field: Field, default: Any) -> Column[Any]:
    if field.kind == "blob":
        return Column(field.name, LargeBinary)
    if field.kind == "text":
        return Column(field.name, TEXT, nullable=False, server_default=sql_text("''"))
    if field.kind == "real":
        absent = default != default
        return Column(field.name, Double, server_default=None if absent else sql_text(repr(float(default))))
    return Column(field.name, BigInteger, nullable=False, server_default=sql_text(str(int(default))))


def _provenance_columns() -> list[Column[Any]]:
    keys = {"bus": "buses.number", "source": "sources.number"}
    found = []
    for field in PROVENANCE:
        where = [ForeignKey(keys[field.name])] if field.name in keys else []
        found.append(Column(field.name, BigInteger, *where, nullable=False, server_default=sql_text("0")))
    return found


def _record_table(record: type[Record], name: str, key: tuple[str, ...], *indexes: tuple[str, ...]) -> RecordTable:
    fields = fields_of(record.dtype)
    empty = record()
    made = {field.name: _field_column(field, getattr(empty, field.name)) for field in fields}
    if key is not EVENT_KEY:
        made["instrument"] = Column("instrument", ForeignKey("instruments.number"), nullable=False)
        made["copy"] = Column("copy", BigInteger, nullable=False, server_default=sql_text("0"))
    made |= {column.name: column for column in _provenance_columns()}
    ordered = [made.pop(column) for column in key] + list(made.values())
    for column in ordered[: len(key)]:
        column.primary_key = True
        column.autoincrement = False
    extra = [Index(f"{name}_by_{'_'.join(columns)}", *columns) for columns in indexes]
    table = Table(name, metadata, *ordered, *extra, sqlite_with_rowid=False)
    if key is not EVENT_KEY:
        # A server looks a foreign key up by a trigger for each row, which takes four times as long as the row itself.
        for constraint in table.foreign_key_constraints:
            constraint.ddl_if(dialect="sqlite")
    return RecordTable(record, table, fields, key)


def _cold_column(field: msgspec.structs.FieldInfo) -> tuple[Column[Any], Literal["plain", "json"]]:
    kinds = [kind for kind in get_args(field.type) if kind is not type(None)] if type(None) in get_args(field.type) else [field.type]
    kind, optional = kinds[0], len(kinds) < len(get_args(field.type) or kinds)
    if get_origin(kind) in (dict, list):
        return Column(field.name, TEXT, nullable=False), "json"
    if kind is float:
        return Column(field.name, Double, nullable=optional), "plain"
    if kind is bool:
        return Column(field.name, Boolean, nullable=optional), "plain"
    if kind is int or (isinstance(kind, type) and issubclass(kind, IntEnum)):
        return Column(field.name, BigInteger, nullable=optional), "plain"
    return Column(field.name, TEXT, nullable=optional), "plain"


def _cold_table(event: type[ColdEvent], name: str, *indexes: tuple[str, ...]) -> ColdTable:
    own = [field for field in msgspec.structs.fields(event) if field.name not in ColdEvent.__struct_fields__]
    names = {field.name for field in own}
    made = [_cold_column(field) for field in own if field.name not in ("symbol", "venue")]
    columns = [column for column, _ in made]
    if "symbol" in names:
        columns.insert(0, Column("instrument", BigInteger, nullable=False))  # 0: none
    provenance = [column for column in _provenance_columns() if column.name != "flags"]
    for column in provenance:
        column.primary_key = column.name in EVENT_KEY
        column.autoincrement = False
    provenance.sort(key=lambda column: EVENT_KEY.index(column.name) if column.primary_key else len(EVENT_KEY))
    extra = [Index(f"{name}_by_{'_'.join(wanted)}", *wanted) for wanted in indexes]
    table = Table(name, metadata, *provenance, *columns, *extra, sqlite_with_rowid=False)
    return ColdTable(event, table, tuple((str(column.name), kind) for column, kind in made))


def _state_table(name: str, of: Table, key: tuple[str, ...], *extra: str) -> Table:
    columns = [Column(one, BigInteger, nullable=False, server_default=sql_text("0")) for one in extra]
    columns += [Column(one.name, one.type, nullable=one.nullable, server_default=one.server_default) for one in of.columns]
    by_name = {column.name: column for column in columns}
    for column in key:
        by_name[column].primary_key = True
        by_name[column].autoincrement = False
    ordered = [by_name.pop(column) for column in key] + list(by_name.values())
    return Table(name, metadata, *ordered, sqlite_with_rowid=False)


RECORD_TABLES: dict[type[Record], RecordTable] = {
    one.record: one
    for one in (
        _record_table(Tick, "ticks", MARKET_KEY),
        _record_table(Depth, "depth", MARKET_KEY),
        _record_table(BookDelta, "book_deltas", MARKET_KEY),
        _record_table(TradeTick, "trade_ticks", MARKET_KEY),
        _record_table(Bar, "bars", BAR_KEY),
        _record_table(OrderRequest, "order_requests", EVENT_KEY),
        _record_table(RiskVerdict, "risk_verdicts", EVENT_KEY, ("request",)),
        _record_table(OrderEvent, "order_events", EVENT_KEY, ("request",)),
        _record_table(Fill, "fills", EVENT_KEY, ("instrument", "event_ns"), ("request",)),
        _record_table(PositionEvent, "position_events", EVENT_KEY),
        _record_table(AccountEvent, "account_events", EVENT_KEY, ("account", "event_ns")),
    )
}
COLD_TABLES: dict[type[ColdEvent], ColdTable] = {
    one.event: one
    for one in (
        _cold_table(SignalEvent, "signals", ("instrument", "event_ns")),
        _cold_table(GapEvent, "gaps", ("instrument", "start_ns")),
        _cold_table(CorporateAction, "corporate_actions", ("instrument", "ex_day")),
        _cold_table(Funding, "funding", ("instrument", "event_ns")),
        _cold_table(StrategyStatusEvent, "strategy_events"),
        _cold_table(AlertEvent, "alerts", ("time_ns",)),
        _cold_table(LogEvent, "logs", ("time_ns",)),
    )
}
# Event class -> (its state table, the key): one row for every order, position, account and strategy.
STATE_TABLES: dict[type[Record] | type[ColdEvent], tuple[Table, tuple[str, ...]]] = {
    OrderEvent: (
        _state_table("orders", RECORD_TABLES[OrderEvent].table, ("bus", "request"), "created_ns"),
        ("bus", "request"),
    ),
    PositionEvent: (
        _state_table("positions", RECORD_TABLES[PositionEvent].table, ("bus", "account", "strategy", "instrument", "position_side")),
        ("bus", "account", "strategy", "instrument", "position_side"),
    ),
    AccountEvent: (
        _state_table("accounts", RECORD_TABLES[AccountEvent].table, ("bus", "account", "currency")),
        ("bus", "account", "currency"),
    ),
    StrategyStatusEvent: (
        _state_table("strategies", COLD_TABLES[StrategyStatusEvent].table, ("bus", "strategy")),
        ("bus", "strategy"),
    ),
}
