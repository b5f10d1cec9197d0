"""What the system did, from the database: orders, fills, positions, accounts, signals, strategies, backtests, alerts, logs.

The newest state of each order or position comes from the tables of states, everything else row by row. Records and events come back
as the objects that were published; cold events with their id, time, cause and source.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from sqlalchemy import Connection, RowMapping, Table, select

from gcg_quant.events import (
    AccountEvent,
    AlertEvent,
    ColdEvent,
    CorporateAction,
    Fill,
    Funding,
    GapEvent,
    Lane,
    LogEvent,
    OrderEvent,
    OrderStatus,
    PositionEvent,
    Record,
    SignalEvent,
    StrategyStatusEvent,
)

from ..schema.models import COLD_TABLES, RECORD_TABLES, STATE_TABLES, backtest_runs, buses, sources
from ..sql.names import Names

if TYPE_CHECKING:
    from ..sql.database import Database

__all__ = ["BacktestRow", "Ledger", "backtest_row"]

Hot = TypeVar("Hot", bound=Record)
Cold = TypeVar("Cold", bound=ColdEvent)
_OPEN = tuple(
    int(status)
    for status in (
        OrderStatus.NEW,
        OrderStatus.RISK_CHECKED,
        OrderStatus.SUBMITTING,
        OrderStatus.ACCEPTED,
        OrderStatus.PARTLY_FILLED,
        OrderStatus.CANCELLING,
    )
)


class BacktestRow(msgspec.Struct, frozen=True):
    """A backtest: what was asked for and, once `finished_ns` is not 0, what came of it."""

    run: str
    requested_ns: int | None
    request: dict[str, Any]
    finished_ns: int
    ok: bool | None
    error: str
    results: dict[str, Any]
    report: str
    inputs: dict[str, Any]


class Ledger:
    """Trading and system events of one bus, or of all. Any thread may ask; `limit` keeps the newest so many, oldest first."""

    def __init__(self, database: Database, *, bus_id: str | None = None) -> None:
        self._database = database
        self._names = Names(database)
        self._bus_id = bus_id

    def orders(self, *, only_open: bool = False, limit: int | None = None) -> list[OrderEvent]:
        """Return the newest OrderEvent of each order."""
        return self._states(OrderEvent, limit, {"status": _OPEN} if only_open else {})

    def positions(self, *, account: str | None = None) -> list[PositionEvent]:
        """Return the newest PositionEvent of each position."""
        return self._states(PositionEvent, None, {} if account is None else {"account": (account,)})

    def accounts(self) -> list[AccountEvent]:
        """Return the newest AccountEvent of each account and currency."""
        return self._states(AccountEvent, None, {})

    def strategies(self) -> list[StrategyStatusEvent]:
        """Return the newest status of each strategy."""
        with self._database.reading() as connection:
            return self._cold_rows(connection, StrategyStatusEvent, STATE_TABLES[StrategyStatusEvent][0], None, {})

    def fills(self, symbol: str | None = None, *, venue: str | None = None, limit: int | None = None) -> list[Fill]:
        """Return fills in the order in which they were published. Raises InstrumentError for an unknown symbol."""
        return self._records(Fill, symbol, venue, limit)

    def order_events(self, request: int, *, limit: int | None = None) -> list[OrderEvent]:
        """Return what happened to the order of the request with this id."""
        with self._database.reading() as connection:
            return self._record_rows(connection, OrderEvent, RECORD_TABLES[OrderEvent].table, limit, {"request": (request,)})

    def account_history(self, account: str, *, limit: int | None = None) -> list[AccountEvent]:
        """Return an account's states over time."""
        with self._database.reading() as connection:
            return self._record_rows(connection, AccountEvent, RECORD_TABLES[AccountEvent].table, limit, {"account": (account,)})

    def signals(self, symbol: str | None = None, *, venue: str | None = None, limit: int | None = None) -> list[SignalEvent]:
        """Return the strategies' signals. Raises InstrumentError for an unknown symbol."""
        return self._cold(SignalEvent, symbol, venue, limit)

    def gaps(self, symbol: str | None = None, *, venue: str | None = None, limit: int | None = None) -> list[GapEvent]:
        """Return where market data is known to be missing. Raises InstrumentError for an unknown symbol."""
        return self._cold(GapEvent, symbol, venue, limit)

    def corporate_actions(self, symbol: str | None = None, *, venue: str | None = None) -> list[CorporateAction]:
        """Return splits, dividends and the like. Raises InstrumentError for an unknown symbol."""
        return self._cold(CorporateAction, symbol, venue, None)

    def funding(self, symbol: str | None = None, *, venue: str | None = None, limit: int | None = None) -> list[Funding]:
        """Return funding rates. Raises InstrumentError for an unknown symbol."""
        return self._cold(Funding, symbol, venue, limit)

    def alerts(self, *, limit: int | None = 100) -> list[AlertEvent]:
        """Return alerts."""
        return self._cold(AlertEvent, None, None, limit)

    def logs(self, *, limit: int | None = 100) -> list[LogEvent]:
        """Return log lines."""
        return self._cold(LogEvent, None, None, limit)

    def backtests(self, *, limit: int | None = None) -> list[BacktestRow]:
        """Return backtests in the order in which they were asked for."""
        table = backtest_runs
        query = select(*(table.c[name] for name in BacktestRow.__struct_fields__)).order_by(table.c.requested_ns.desc(), table.c.run.desc())
        with self._database.reading() as connection:
            found = connection.execute(self._of_bus(query, table).limit(limit)).mappings().all()
        return [backtest_row(row) for row in reversed(found)]

    # ---- inside

    def _states(self, kind: type[Hot], limit: int | None, equal: dict[str, tuple[Any, ...]]) -> list[Hot]:
        with self._database.reading() as connection:
            return self._record_rows(connection, kind, STATE_TABLES[kind][0], limit, equal)

    def _records(self, kind: type[Hot], symbol: str | None, venue: str | None, limit: int | None) -> list[Hot]:
        with self._database.reading() as connection:
            equal = {} if symbol is None else {"instrument": (self._names.number(connection, symbol, venue),)}
            return self._record_rows(connection, kind, RECORD_TABLES[kind].table, limit, equal)

    def _cold(self, kind: type[Cold], symbol: str | None, venue: str | None, limit: int | None) -> list[Cold]:
        with self._database.reading() as connection:
            equal = {} if symbol is None else {"instrument": (self._names.number(connection, symbol, venue),)}
            return self._cold_rows(connection, kind, COLD_TABLES[kind].table, limit, equal)

    def _record_rows(
        self, connection: Connection, kind: type[Hot], table: Table, limit: int | None, equal: dict[str, tuple[Any, ...]]
    ) -> list[Hot]:
        names = {0: ("", ""), **self._names.all(connection)}
        make: Callable[..., Hot] = kind
        found = []
        for row in self._rows(connection, table, limit, equal):
            symbol, venue = names[row["instrument"]]
            fields = {field.name: row[field.name] for field in RECORD_TABLES[kind].fields if field.name != "instrument"}
            found.append(make(symbol=symbol, venue=venue, **fields))
        return found

    def _cold_rows(
        self, connection: Connection, kind: type[Cold], table: Table, limit: int | None, equal: dict[str, tuple[Any, ...]]
    ) -> list[Cold]:
        names = {0: ("", ""), **self._names.all(connection)}
        publishers = {row.number: row.name for row in connection.execute(select(sources))}
        found = []
        for row in self._rows(connection, table, limit, equal):
            fields = {name: _json(row[name]) if form == "json" else row[name] for name, form in COLD_TABLES[kind].columns}
            if "instrument" in row:
                fields["symbol"], fields["venue"] = names[row["instrument"]]
            event_id = (Lane(kind.LANE) << 60) | row["seq"]
            head = {"id": event_id, "time_ns": row["time_ns"], "cause": row["cause"], "source": publishers[row["source"]]}
            found.append(msgspec.convert({**fields, **head}, kind))
        return found

    def _rows(self, connection: Connection, table: Table, limit: int | None, equal: dict[str, tuple[Any, ...]]) -> list[RowMapping]:
        # Newest first, so that a limit keeps the newest; handed on oldest first.
        query = select(table).order_by(table.c.time_ns.desc(), table.c.seq.desc()).limit(limit)
        for name, values in equal.items():
            query = query.where(table.c[name].in_(values))
        return list(reversed(connection.execute(self._of_bus(query, table)).mappings().all()))

    def _of_bus(self, query: Any, table: Table) -> Any:
        if self._bus_id is None:
            return query
        return query.where(table.c.bus.in_(select(buses.c.number).where(buses.c.bus_id == self._bus_id)))


def backtest_row(row: RowMapping) -> BacktestRow:
    """Return a row of `backtest_runs` with its JSON read."""
    return BacktestRow(**{**row, **{name: _json(row[name]) for name in ("request", "results", "inputs")}})


def _json(text: str) -> Any:
    return msgspec.json.decode(text)
