"""The tables of the page's drawer (strategies, orders, positions, fills, log, accounts), the kill switch, the page's configuration."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from gcg_quant.clock import NS_PER_DAY
from gcg_quant.events import (
    AccountEvent,
    AlertAcknowledgeEvent,
    AlertEvent,
    Applied,
    ChartConfigEvent,
    ConfigChangeEvent,
    Event,
    Fill,
    GatewayStatus,
    LogEvent,
    OrderEvent,
    PositionEvent,
    StrategyStatusEvent,
)
from gcg_quant.instruments import Instrument
from gcg_quant.kill_switch import KillSwitch
from gcg_quant.packing import pack_event
from gcg_quant.reader import BusReader

from .adapter import EventToChartAdapter, Row
from .config.chart_config import ChartConfigManager
from .pages.attention import Attention

__all__ = ["TABLES", "Ledger"]

TABLES = ("strategies", "orders", "positions", "fills", "log", "accounts")
_KEPT = 500
_adapter = EventToChartAdapter


class _Table:
    # Rows by key in the order in which they came; the oldest leave.

    def __init__(self, keep: int = _KEPT) -> None:
        self.rows: dict[str, Row] = {}
        self.changed: set[str] = set()
        self._keep = keep

    def put(self, row: Row) -> bool:
        """Add or replace a row; return whether its key is new."""
        key = row["key"]
        fresh = key not in self.rows
        self.rows[key] = row
        self.changed.add(key)
        if len(self.rows) > self._keep:
            oldest = next(iter(self.rows))
            del self.rows[oldest]
            self.changed.discard(oldest)
        return fresh

    def take(self) -> list[Row]:
        """Return the rows that changed since the last call, in their order."""
        rows = [row for key, row in self.rows.items() if key in self.changed] if self.changed else []
        self.changed.clear()
        return rows


class Ledger:
    """What the drawer shows. One thread at a time: the bridge holds its lock.

    Args:
        terms: returns an instrument, by symbol and venue.
    """

    VERSION: ClassVar[int] = 2
    VITAL: ClassVar[bool] = False

    def __init__(self, terms: Callable[[str, str], Instrument]) -> None:
        self.saw_the_beginning = True  # the journal was read from its first event on
        self.kill = KillSwitch()
        self.config = ChartConfigManager()
        self.attention = Attention()
        self._kill_changed = False
        self._terms = terms
        self._tables = {name: _Table() for name in TABLES}
        self._positions: dict[str, PositionEvent] = {}
        self._fill_counts: dict[str, int] = {}
        self._equity: dict[str, float] = {}
        self._day: dict[str, tuple[int, float]] = {}
        self._loaded = False
        self._steps: dict[type[Event], Callable[[Any], None]] = {
            StrategyStatusEvent: self.on_strategy,
            OrderEvent: self.on_order,
            Fill: self.on_fill,
            PositionEvent: self.on_position,
            AccountEvent: self.on_account,
            LogEvent: self.on_log,
            AlertEvent: self.on_log,
            ConfigChangeEvent: self.on_kill,
            Applied: self.on_kill,
            ChartConfigEvent: self.config.apply,
            AlertAcknowledgeEvent: self.attention.apply,
            GatewayStatus: self.attention.apply,
        }

    # ---- as a fold

    def listen(self, reader: BusReader) -> None:
        """Let a reader pass the events that are shown."""
        if not self._loaded:
            self.saw_the_beginning = reader.cursor.market == 1
        reader.add_rule(tuple(self._steps), None, None, True)

    def apply(self, event: Event) -> None:
        """Take in the next event."""
        self._steps[type(event)](event)

    def dump(self) -> Any:
        """Return every row and what they are made of as plain values and packed events."""
        return {
            "saw_the_beginning": self.saw_the_beginning,
            "tables": self.all(),
            "positions": [(key, pack_event(event)) for key, event in self._positions.items()],
            "fill_counts": self._fill_counts,
            "equity": self._equity,
            "day": self._day,
            "kill": self.kill.dump(),
            "config": self.config.dump(),
            "attention": self.attention.dump(),
        }

    def load(self, state: Any) -> None:
        """Take over what `dump` returned; this ledger is new."""
        self._loaded, self.saw_the_beginning = True, state["saw_the_beginning"]
        for name, rows in state["tables"].items():
            self._tables[name].rows.update({row["key"]: row for row in rows})
        self._positions.update(state["positions"])
        self._fill_counts, self._equity = state["fill_counts"], state["equity"]
        self._day = {key: (day, equity) for key, (day, equity) in state["day"].items()}
        self.kill.load(state["kill"])
        parts: dict[str, ChartConfigManager | Attention] = {"config": self.config, "attention": self.attention}
        for name, part in parts.items():
            if name in state:  # older snapshots have none
                part.load(state[name])

    # ---- events

    def on_strategy(self, status: StrategyStatusEvent) -> None:
        """Take a strategy's state; one that is unloaded stays in the table, as such."""
        self._tables["strategies"].put(_adapter.strategy(status) | self._sums(status.strategy))

    def on_order(self, order: OrderEvent) -> None:
        """Take an order's state."""
        self._tables["orders"].put(_adapter.order(order))

    def on_fill(self, fill: Fill) -> None:
        """Take a fill; one that is known already changes nothing."""
        row = _adapter.fill(fill)
        if row["key"] in self._tables["fills"].rows:
            return
        self._tables["fills"].put(row)
        self._fill_counts[fill.strategy] = self._fill_counts.get(fill.strategy, 0) + 1
        self._refresh_strategy(fill.strategy)

    def on_position(self, position: PositionEvent) -> None:
        """Take a position."""
        row = _adapter.position(position)
        self._positions[row["key"]] = position
        self._tables["positions"].put(row)
        self._refresh_strategy(position.strategy)

    def on_account(self, account: AccountEvent) -> None:
        """Take an account's book of one currency; its profit of today counts from the last equity before this UTC day."""
        key, day = f"{account.account}|{account.currency}", (account.event_ns or account.time_ns) // NS_PER_DAY
        if key not in self._day or self._day[key][0] < day:
            self._day[key] = (day, self._equity.get(key, self._first_equity(account)))
        self._equity[key] = account.equity
        self._tables["accounts"].put(_adapter.account(account, account.equity - self._day[key][1]))

    def on_log(self, event: LogEvent | AlertEvent) -> None:
        """Take a log line or an alert, debug lines left out."""
        self.attention.apply(event)
        if event.level != "debug":
            self._tables["log"].put(_adapter.log(event))

    def on_kill(self, event: ConfigChangeEvent | Applied) -> None:
        """Take what is said of the kill switch."""
        self._kill_changed = self.kill.apply(event) or self._kill_changed

    def on_prices(self, prices: dict[str, float]) -> None:
        """Value the open positions of these instruments (by the page's name) at their last prices."""
        for key, position in self._positions.items():
            row = self._tables["positions"].rows.get(key)
            if row is None or not position.quantity or row["name"] not in prices:
                continue
            last = prices[row["name"]]
            profit = self._terms(position.symbol, position.venue).profit(position.quantity, position.average_price, last)
            if last == row["last"] or math.isnan(profit):
                continue
            self._tables["positions"].put(row | {"last": last, "open": profit})
            self._refresh_strategy(position.strategy)

    # ---- rows

    def take(self) -> dict[str, list[Row]]:
        """Return the changed rows by table since the last call."""
        changed = {name: table.take() for name, table in self._tables.items()}
        return {name: rows for name, rows in changed.items() if rows}

    def take_kill(self) -> KillSwitch | None:
        """Return the kill switch if it has changed since the last call."""
        changed, self._kill_changed = self._kill_changed, False
        return self.kill if changed else None

    def all(self) -> dict[str, list[Row]]:
        """Return every row by table."""
        return {name: list(table.rows.values()) for name, table in self._tables.items()}

    def users_of(self, name: str) -> list[str]:
        """Return who needs an instrument (by the page's name): running strategies, and "an open position"."""
        known = {name, name.rpartition("@")[0] or name}
        running = [row for row in self._tables["strategies"].rows.values() if row["state"] == "running"]
        users = [row["key"] for row in running if known & set(row["symbols"])]
        held = any(row["name"] == name and row["quantity"] for row in self._tables["positions"].rows.values())
        return [*users, "an open position"] if held else users

    # ---- inside

    def _first_equity(self, account: AccountEvent) -> float:
        # What a book had before its first event here. One that is really new begins with the event of its first trade.
        made = account.realised_pnl + account.unrealised_pnl - account.fees
        return account.equity - made if self.saw_the_beginning else account.equity

    def _refresh_strategy(self, strategy: str) -> None:
        table = self._tables["strategies"]
        if strategy in table.rows:
            table.put(table.rows[strategy] | self._sums(strategy))

    def _sums(self, strategy: str) -> Row:
        rows = [self._tables["positions"].rows[key] for key, one in self._positions.items() if one.strategy == strategy]
        one_currency = len({row["currency"] for row in rows}) < 2  # money of two does not add up
        return {
            "position": self._position(rows),
            "open": _total(row["open"] for row in rows if row["quantity"]) if one_currency else math.nan,
            "realised": _total(row["realised"] for row in rows) if one_currency else math.nan,
            "fees": _total(row["fees"] for row in rows) if one_currency else math.nan,
            "fills": self._fill_counts.get(strategy, 0),
        }

    def _position(self, rows: list[Row]) -> float | None:
        # One number only where one instrument is held; several do not add up.
        held = [row for row in rows if row["quantity"]]
        if len({row["name"] for row in held}) > 1:
            return None
        return _total(row["quantity"] for row in held)


def _total(values: Iterable[float]) -> float:
    return sum(value for value in values if value == value)
