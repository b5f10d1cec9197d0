"""`Memory`: what a fake venue knows over a restart of its process, in its state file.

Orders, fills, balances, positions and listen keys are there as they were when the process was killed; a market has its trades and bars, and
has gone on meanwhile (up to 600 steps): resting orders may have been filled while nobody could be told.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

from fakes.account import Account, Payment, Position
from fakes.candles import Candle
from fakes.market import Market, Trade
from fakes.orders import Fill, Order
from fakes.store import Store

if TYPE_CHECKING:
    from fakes.exchange import Exchange

MOST_STEPS = 600  # of a market, for the time when the process was dead
KEPT_TRADES = 10_000  # of a market, when the file is written anew
JUMP = 10_000  # how far update ids are ahead after a restart: those before are never used again


class Memory:
    """Writes each change before anybody hears of it. One process a file."""

    def __init__(self, exchange: Exchange, store: Store) -> None:
        self._exchange = exchange
        self._store = store

    def recall(self, step_ms: int, moves: int) -> None:
        """Bring back what was, let the markets make up for the time that has passed, and begin to write."""
        exchange, last_ms = self._exchange, 0
        for kind, value in self._store.lines():
            last_ms = max(last_ms, getattr(self, f"_take_{kind}")(value) or 0)
        for market in exchange.markets.values():
            if market.trade_id:
                self._revive(market)
        self._store.rewrite(self._lines())
        exchange.order_listeners.insert(0, self._changed)
        exchange.key_listeners.append(lambda: self._store.write("keys", exchange.listen_keys))
        exchange.memory = self
        if step_ms and last_ms:
            self._make_up(last_ms, step_ms, moves)

    def note(self, market: Market) -> None:
        """Write a market's new trades, and where it is."""
        if market.fresh:
            rows = [[one.id, one.group, one.time_ms, one.ticks, one.lots, one.side] for one in market.fresh]
            self._store.write("trades", [market.terms.symbol, market.book.update_id, market.mark, rows])

    def note_payment(self, account: Account, payment: Payment) -> None:
        """Write what an account paid for funding."""
        self._store.write("payment", {"payment": payment, "account": summary(account)})

    def _changed(self, account: Account, order: Order, fill: Fill | None, what: str) -> None:
        self._store.write("change", {"order": order, "fill": fill, "account": summary(account)})

    # Reading; each returns the time of what it read, if it has one

    def _take_founded(self, value: int) -> None:
        self._exchange.founded_ms = value
        for market in self._exchange.markets.values():
            market.candles.found(value)

    def _take_change(self, value: dict[str, Any]) -> int:
        order = msgspec.convert(value["order"], Order)
        exchange = self._exchange
        exchange.orders[order.id] = order
        if order.client_id:
            exchange.by_client_id[order.account, order.client_id] = order.id
        exchange.open[order.account].pop(order.id, None)
        if order.is_open:
            exchange.open[order.account][order.id] = order
        exchange.next_order = max(exchange.next_order, order.id + 1)
        self._take_account(value["account"])
        if value["fill"] is not None:
            self._take_fill(value["fill"])
        return order.updated_ms

    def _take_account(self, value: dict[str, Any]) -> None:
        account = self._exchange.accounts.get(value["key"])
        if account is not None:
            told = msgspec.convert(value, Account)
            for name in ("total", "locked", "positions", "leverage", "changed_ms"):
                setattr(account, name, getattr(told, name))

    def _take_fill(self, value: dict[str, Any]) -> None:
        fill = msgspec.convert(value, Fill)
        self._exchange.next_fill = max(self._exchange.next_fill, fill.number + 1)
        if fill.account in self._exchange.accounts:
            self._exchange.accounts[fill.account].fills.append(fill)

    def _take_payment(self, value: dict[str, Any]) -> int:
        payment = msgspec.convert(value["payment"], Payment)
        self._exchange.next_fill = max(self._exchange.next_fill, payment.number + 1)
        self._take_account(value["account"])
        if value["account"]["key"] in self._exchange.accounts:
            self._exchange.accounts[value["account"]["key"]].payments.append(payment)
        return payment.time_ms

    def _take_order(self, value: dict[str, Any]) -> None:
        self._take_change({"order": value, "fill": None, "account": {"key": ""}})

    def _take_trades(self, value: list[Any]) -> int:
        symbol, update_id, mark, rows = value
        market = self._exchange.markets.get(symbol)
        if market is None:
            return 0
        for row in rows:
            one = Trade(*row)
            market.trades.append(one)
            market.trade_id, market.group_id = one.id, one.group
            market.candles.trade(one.time_ms, one.ticks, one.lots, one.side, one.id)
        market.book.update_id, market.restart_ticks = update_id, mark
        return int(rows[-1][2]) if rows else 0

    def _take_bars(self, value: list[Any]) -> None:
        market = self._exchange.markets.get(value[0])
        if market is not None:
            market.candles.minutes = {row[0]: Candle(*row) for row in value[1]}

    def _take_keys(self, value: dict[str, Any]) -> None:
        self._exchange.listen_keys = {key: (owner, until) for key, (owner, until) in value.items()}

    # Coming back

    def _revive(self, market: Market) -> None:
        # A new crowd around the old price; whoever of it would stand against a client's order stays away.
        market.book.update_id += JUMP
        market.wake()
        for orders in self._exchange.open.values():
            for order in orders.values():
                if order.symbol == market.terms.symbol:
                    while (best := market.book.best(-order.side)) is not None and order.side * (order.ticks - best) >= 0:
                        market.book.offer(-order.side, best, 0)
                    market.book.add(order.side, order.ticks, order.left, order)

    def _make_up(self, last_ms: int, step_ms: int, moves: int) -> None:
        now = self._exchange.now_ms()
        steps = min(MOST_STEPS, max(0, now - last_ms) // step_ms)
        for market in [one for one in self._exchange.markets.values() if one.awake]:
            for number in range(steps):
                market.step(now - (steps - number) * step_ms, moves)
                self._exchange.settle(market)
            self.note(market)
            market.fresh.clear()

    def _lines(self) -> list[tuple[str, object]]:
        # All that is known, in as few lines as it needs.
        exchange = self._exchange
        lines: list[tuple[str, object]] = [("founded", exchange.founded_ms)]
        for market in exchange.markets.values():
            if not market.trade_id:
                continue
            symbol = market.terms.symbol
            trades = deque(market.trades, KEPT_TRADES)
            rows = [[one.id, one.group, one.time_ms, one.ticks, one.lots, one.side] for one in trades]
            lines.append(("trades", [symbol, market.book.update_id, market.mark, rows]))
            lines.append(("bars", [symbol, [list(vars(bar).values()) for bar in market.candles.minutes.values()]]))
        for order in exchange.orders.values():
            lines.append(("order", order))
        for account in exchange.accounts.values():
            lines.append(("account", summary(account)))
            lines += [("fill", fill) for fill in account.fills]
            lines += [("payment", {"payment": one, "account": summary(account)}) for one in account.payments]
        lines.append(("keys", exchange.listen_keys))
        return lines


def summary(account: Account) -> dict[str, Any]:
    """Return an account without its bills, and without its secrets."""
    names = ("key", "total", "locked", "leverage", "changed_ms")
    positions: dict[str, Position] = account.positions
    return {**{name: getattr(account, name) for name in names}, "secret": "", "positions": positions}
