"""One row for every order, position, account, strategy and backtest: as its newest event left it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from gcg_quant.events import BacktestRequestEvent, BacktestResultEvent, ColdEvent, Lane, OrderEvent, OrderRequest, Record

from ..schema.columns import Rows, column_values
from ..schema.models import PROVENANCE, RECORD_TABLES, STATE_TABLES, backtest_runs
from ..sql.database import Database
from ..sql.insertion import Insertion
from .cold_writer import Encoded

__all__ = ["StateWriter"]

_NEWER = ("time_ns", "seq")


class StateWriter:
    """Keeps the tables of states. Writing an event twice, or an older one after a newer one, changes nothing. One thread."""

    def __init__(self, database: Database) -> None:
        self._updates = {}
        for kind, (table, key) in STATE_TABLES.items():
            names = [column.name for column in table.columns]
            changing = [name for name in names if name not in key and name != "created_ns"]
            self._updates[kind] = Insertion(database, table.name, names, key, changing, _NEWER)
        orders, key = STATE_TABLES[OrderEvent]
        self._new_order = Insertion(database, orders.name, [column.name for column in orders.columns], key)
        self._blank_order = _blank_order()
        run_key = ("bus", "run")
        self._request = Insertion(
            database,
            backtest_runs.name,
            ["bus", "run", "requested_ns", "request"],
            run_key,
        )
        result = ["finished_ns", "ok", "error", "results", "report", "inputs"]
        self._result = Insertion(database, backtest_runs.name, [*run_key, *result], run_key, result, ("finished_ns",))

    def write_records(self, connection: Connection, kind: type[Record], rows: Rows) -> None:
        """Bring the states up to date with rows of `stored_dtype`, in their order; classes without a state are passed over."""
        if kind is not OrderRequest and kind not in STATE_TABLES:
            return
        values = {field.name: column_values(rows, field) for field in RECORD_TABLES[kind].columns}
        values["created_ns"] = values["time_ns"]
        if kind is OrderRequest:
            self._write_requests(connection, values, len(rows))
        else:
            self._write_last(connection, kind, values, len(rows))

    def write_cold(self, connection: Connection, kind: type[ColdEvent], rows: Encoded) -> None:
        """Bring the states up to date with cold events, in their order."""
        if kind in STATE_TABLES:
            self._write_last(connection, kind, rows.values, rows.count)

    def write_backtest(self, connection: Connection, event: ColdEvent, bus: int) -> None:
        """Store a backtest's request or its result."""
        if isinstance(event, BacktestRequestEvent):
            request = msgspec.json.encode({name: getattr(event, name) for name in _own_fields(event)}).decode()
            row = {"bus": bus, "run": event.run, "requested_ns": event.time_ns, "request": request}
            self._request.run(connection, {name: [value] for name, value in row.items()}, 1)
        elif isinstance(event, BacktestResultEvent):
            row = {"bus": bus, "run": event.run, "finished_ns": event.time_ns, "ok": event.ok, "error": event.error, "report": event.report}
            row["results"] = msgspec.json.encode(event.results).decode()
            row["inputs"] = msgspec.json.encode(event.inputs).decode()
            self._result.run(connection, {name: [value] for name, value in row.items()}, 1)

    def _write_last(self, connection: Connection, kind: type[Record] | type[ColdEvent], values: dict[str, list[Any]], count: int) -> None:
        _, key = STATE_TABLES[kind]
        last = {one: index for index, one in enumerate(zip(*(values[name] for name in key), strict=True))}
        if kind is OrderEvent:
            last = {one: index for one, index in last.items() if one[1]}  # request 0: an order of somebody else at the venue
        self._updates[kind].run(connection, _picked(values, list(last.values())), len(last))

    def _write_requests(self, connection: Connection, requests: dict[str, list[Any]], count: int) -> None:
        values = {name: requests.get(name, [blank] * count) for name, blank in self._blank_order.items()}
        values |= {field.name: requests[field.name] for field in PROVENANCE}
        values["request"] = [(Lane.MARKET << 60) | seq for seq in requests["seq"]]
        values["created_ns"] = requests["created_ns"]
        self._new_order.run(connection, values, count)


def _picked(values: dict[str, list[Any]], indexes: Sequence[int]) -> dict[str, list[Any]]:
    return {name: [column[index] for index in indexes] for name, column in values.items()}


def _blank_order() -> dict[str, Any]:
    # The columns of an order that only its events fill in.
    empty = OrderEvent()
    blank: dict[str, Any] = {}
    for field in RECORD_TABLES[OrderEvent].fields:
        value = getattr(empty, field.name)
        blank[field.name] = int(value) if field.kind == "integer" else None if value != value else value
    return blank


def _own_fields(event: ColdEvent) -> list[str]:
    return [name for name in event.__struct_fields__ if name not in ColdEvent.__struct_fields__]
