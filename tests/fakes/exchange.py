"""`Exchange`: the markets and accounts behind a fake venue, whatever its wire; it matches, settles and remembers."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from fakes.account import ZERO, Account, Payment
from fakes.market import Market, Trade
from fakes.orders import BUY, CANCELED, EXPIRED, FILLED, OPEN, PREVENTED, Fill, Order, Refused
from fakes.terms import Terms

if TYPE_CHECKING:
    from fakes.memory import Memory

# (account, order, its fill or None, what happened: new | fill | canceled | expired | prevented | amended)
OrderListener = Callable[[Account, Order, Fill | None, str], None]
PaymentListener = Callable[[Account, Payment], None]
BalanceListener = Callable[[Account, set[str], str], None]  # the symbol of a swap's position, "" for spot


class Exchange:
    """Holds all that outlives a connection. One thread."""

    def __init__(self, terms: Iterable[Terms], seed: str = "1") -> None:
        self.offset_ms = 0
        self.founded_ms = self.now_ms()
        self.seed = seed
        self.markets = {one.symbol: Market(one, seed, self.founded_ms) for one in terms}
        self.accounts: dict[str, Account] = {}
        self.orders: dict[int, Order] = {}
        self.by_client_id: dict[tuple[str, str], int] = {}
        self.open: dict[str, dict[int, Order]] = defaultdict(dict)  # by account
        self.order_listeners: list[OrderListener] = []
        self.balance_listeners: list[BalanceListener] = []
        self.payment_listeners: list[PaymentListener] = []
        self.listen_keys: dict[str, tuple[str, int]] = {}  # whose (an account's key), until when
        self.key_listeners: list[Callable[[], object]] = []
        self.memory: Memory | None = None
        self.next_order = 1_000_001
        self.next_fill = 1
        self.post_only_refused = True  # False: an order that would take is taken, and ended at once

    def now_ms(self) -> int:
        """Return the venue's clock."""
        return time.time_ns() // 1_000_000 + self.offset_ms

    def list_more(self, terms: Iterable[Terms]) -> None:
        """List more instruments."""
        for one in terms:
            if one.symbol not in self.markets:
                self.markets[one.symbol] = Market(one, self.seed, self.founded_ms)

    def place(self, account: Account, order: Order) -> Order:
        """Take an order, match it, and return it as it then is.

        Raises:
            Refused: symbol, quantity, price, notional, duplicate, balance, post_only, reduce_only or empty.
        """
        market = self.markets.get(order.symbol)
        if market is None:
            raise Refused("symbol", order.symbol)
        market.wake()
        market.now_ms = order.created_ms = order.updated_ms = self.now_ms()
        self._check(account, market, order)
        if order.kind == "market" and not order.lots:
            order.lots = self._lots_for(market, order)
        self._hold(account, market.terms, order, self._need(market, order))
        order.id, self.next_order = self.next_order, self.next_order + 1
        order.account = account.key
        self.orders[order.id] = order
        self.open[account.key][order.id] = order
        if order.client_id:
            self.by_client_id[account.key, order.client_id] = order.id
        self._tell(account, order, None, "new")
        self._match(account, market, order)
        return order

    def cancel(self, order: Order, why: str = CANCELED) -> None:
        """Take an open order out."""
        account, market = self.accounts[order.account], self.markets[order.symbol]
        market.book.remove(order)
        self._end(account, market.terms, order, why)

    def amend(self, order: Order, lots: int, ticks: int) -> None:
        """Change an open order: smaller at the same price keeps its place, else it queues anew and may trade at once.

        Raises:
            Refused: as `place`; the order then stays as it was.
        """
        account, market = self.accounts[order.account], self.markets[order.symbol]
        if lots <= order.filled:
            raise Refused("quantity", "less than what is filled")
        before = order.lots, order.ticks
        market.now_ms = order.updated_ms = self.now_ms()
        hold = order.hold
        self._hold(account, market.terms, order, -hold)
        market_left = order.left
        try:
            order.lots, order.ticks = lots, ticks
            self._check_steps(market, order)
            self._hold(account, market.terms, order, self._need(market, order))
        except Refused:
            order.lots, order.ticks = before
            self._hold(account, market.terms, order, hold)
            raise
        order.amended += 1
        if ticks == before[1] and order.left < market_left:
            market.book.reduce(order, market_left - order.left)
            self._tell(account, order, None, "amended")
            return
        order.lots, order.ticks = before
        market.book.remove(order)
        order.lots, order.ticks = lots, ticks
        self._tell(account, order, None, "amended")
        self._match(account, market, order)

    def step(self, market: Market, moves: int = 1) -> None:
        """Let a market's crowd act, and settle what it did to clients."""
        market.step(self.now_ms(), moves)
        self.settle(market)

    def fund(self, symbol: str, rate: Decimal, late_ms: int = 0, times: int = 1) -> int:
        """Let all who hold a swap pay a rate or be paid, at the mark price; it is listed so much later, and told so often."""
        terms, now, count = self.markets[symbol].terms, self.now_ms(), 0
        for account in self.accounts.values():
            position = account.positions.get(symbol)
            if position is None or not position.lots:
                continue
            amount = -round(terms.notional(self.markets[symbol].mark, position.lots) * rate, 8)
            account.pay(terms.settle, amount)
            payment = Payment(self.next_fill, symbol, amount, terms.settle, position.lots, now, now + late_ms)
            self.next_fill += 1
            account.payments.append(payment)
            count += 1
            if self.memory is not None:
                self.memory.note_payment(account, payment)
            for _ in range(times):
                for listener in self.payment_listeners:
                    listener(account, payment)
        return count

    def settle(self, market: Market) -> None:
        """Book the fills of resting orders that are not booked yet."""
        done, market.done = market.done, []
        for trade, order in done:
            self._fill(self.accounts[order.account], market.terms, order, trade, maker=True)
        prevented, market.prevented = market.prevented, []
        for order in prevented:
            self._end(self.accounts[order.account], market.terms, order, PREVENTED)

    def _match(self, account: Account, market: Market, order: Order) -> None:
        limit = order.ticks if order.kind == "limit" else None
        if order.force == "FOK" and market.book.available(order.side, limit, account.key) < order.left:
            self._end(account, market.terms, order, EXPIRED)
            return
        best = market.book.best(-order.side)
        if order.force == "PO" and best is not None and order.side * (order.ticks - best) >= 0:
            self._end(account, market.terms, order, EXPIRED)
            return
        for trade in market.take(order.side, order.left, limit, account.key):
            self._fill(account, market.terms, order, trade, maker=False)
        self.settle(market)
        if not order.is_open:
            return
        if order.kind == "limit" and order.force in ("GTC", "PO"):
            market.book.add(order.side, order.ticks, order.left, order)
        else:
            self._end(account, market.terms, order, EXPIRED)

    def _fill(self, account: Account, terms: Terms, order: Order, trade: Trade, maker: bool) -> None:
        worth = terms.notional(trade.ticks, trade.lots)
        rate = terms.maker if maker else terms.taker
        pnl = ZERO
        order.filled += trade.lots
        order.worth += worth
        self._release(account, terms, order)
        if terms.swap:
            pnl = account.trade(terms, order.side, trade.ticks, trade.lots, trade.time_ms)
            fee, currency = worth * rate, terms.settle
        elif order.side == BUY:
            account.pay(terms.quote, -worth)
            account.pay(terms.base, terms.quantity(trade.lots))
            fee, currency = terms.quantity(trade.lots) * rate, terms.base
        else:
            account.pay(terms.base, -terms.quantity(trade.lots))
            account.pay(terms.quote, worth)
            fee, currency = worth * rate, terms.quote
        account.pay(currency, -fee)
        order.fee += fee
        order.pnl += pnl
        order.fee_currency = currency
        order.updated_ms = trade.time_ms
        fill = Fill(trade.id, order.id, account.key, order.symbol, order.side, trade.ticks, trade.lots, fee, currency, maker, trade.time_ms)
        fill.pnl = pnl
        fill.number, self.next_fill = self.next_fill, self.next_fill + 1
        account.fills.append(fill)
        if not order.left:
            order.status = FILLED
            self._hold(account, terms, order, -order.hold)
            self.open[account.key].pop(order.id, None)
        self._tell(account, order, fill, "fill")

    def _end(self, account: Account, terms: Terms, order: Order, status: str) -> None:
        order.status = status
        order.updated_ms = self.now_ms()
        self._hold(account, terms, order, -order.hold)
        self.open[account.key].pop(order.id, None)
        self._tell(account, order, None, status)

    def _tell(self, account: Account, order: Order, fill: Fill | None, what: str) -> None:
        terms = self.markets[order.symbol].terms
        account.changed_ms = self.now_ms()
        for listener in self.order_listeners:
            listener(account, order, fill, what)
        for told in self.balance_listeners:
            told(account, {terms.settle} if terms.swap else {terms.base, terms.quote}, terms.symbol if terms.swap and fill else "")

    # What an order needs and holds

    def _need(self, market: Market, order: Order) -> Decimal:
        terms = market.terms
        if terms.swap:
            return ZERO if order.reduce_only else terms.notional(self._worst(market, order), order.left) / self.accounts_leverage(order)
        if order.side == BUY:
            return order.quote if order.quote is not None else terms.notional(self._worst(market, order), order.left)
        return terms.quantity(order.left)

    def accounts_leverage(self, order: Order) -> int:
        """Return how many times its margin an order of this account may be worth."""
        account = self.accounts.get(order.account)
        return account.leverage if account is not None else 10

    @staticmethod
    def _worst(market: Market, order: Order) -> int:
        # The price that a market order will reach, the limit's own otherwise.
        if order.kind == "limit":
            return order.ticks
        left, worst = order.left, market.last
        for ticks, lots, _ in market.book.levels(-order.side):
            worst = ticks
            left -= lots
            if left <= 0:
                break
        return worst

    @staticmethod
    def _lots_for(market: Market, order: Order) -> int:
        # How many lots the quote amount of a market order buys.
        assert order.quote is not None
        left, bought = order.quote, 0
        for ticks, lots, _ in market.book.levels(-order.side):
            some = min(lots, int(left / market.terms.notional(ticks, 1)))
            bought += some
            left -= market.terms.notional(ticks, some)
            if some < lots:
                break
        if not bought:
            raise Refused("notional", "the amount buys nothing")
        return bought

    def _hold(self, account: Account, terms: Terms, order: Order, amount: Decimal) -> None:
        currency = terms.settle if terms.swap else terms.quote if order.side == BUY else terms.base
        if amount > 0 and account.free(currency) - self._margin(account, currency) < amount:
            raise Refused("balance", currency)
        account.lock(currency, amount)
        order.hold += amount

    def _margin(self, account: Account, currency: str) -> Decimal:
        # What open positions bind.
        bound = ZERO
        for symbol, position in account.positions.items():
            terms = self.markets[symbol].terms
            if terms.settle == currency:
                bound += terms.notional(self.markets[symbol].mark, abs(position.lots)) / account.leverage
        return bound

    def _release(self, account: Account, terms: Terms, order: Order) -> None:
        # After a fill an order holds what the rest of it needs.
        if order.kind == "limit" and order.lots:
            if terms.swap:
                rest = ZERO if order.reduce_only else terms.notional(order.ticks, order.left) / account.leverage
            elif order.side == BUY:
                rest = terms.notional(order.ticks, order.left)
            else:
                rest = terms.quantity(order.left)
        else:
            rest = order.hold * order.left / order.lots
        self._hold(account, terms, order, min(ZERO, rest - order.hold))

    # What it must be like

    def _check(self, account: Account, market: Market, order: Order) -> None:
        if order.client_id and (known := self.by_client_id.get((account.key, order.client_id))) is not None and self.orders[known].is_open:
            raise Refused("duplicate", order.client_id)
        order.account = account.key
        self._check_steps(market, order)
        best = market.book.best(-order.side)
        if best is None and order.kind == "market":
            raise Refused("empty", order.symbol)
        if self.post_only_refused and order.force == "PO" and best is not None and order.side * (order.ticks - best) >= 0:
            raise Refused("post_only")
        if order.reduce_only:
            position = account.positions.get(order.symbol)
            if position is None or position.lots * order.side >= 0:
                raise Refused("reduce_only")
            order.lots = min(order.lots, abs(position.lots))

    @staticmethod
    def _check_steps(market: Market, order: Order) -> None:
        if order.lots <= 0 and order.quote is None:
            raise Refused("quantity", "not positive")
        if order.kind == "limit":
            if order.ticks <= 0:
                raise Refused("price", "not positive")
            if market.terms.notional(order.ticks, order.lots) < market.terms.min_notional:
                raise Refused("notional", str(market.terms.min_notional))

    def find(self, account: Account, order_id: int | None = None, client_id: str = "") -> Order:
        """Return an account's order by the venue's number or by its own; the number wins.

        Raises:
            Refused: with the reason unknown.
        """
        number = order_id if order_id is not None else self.by_client_id.get((account.key, client_id), 0)
        order = self.orders.get(number)
        if order is None or order.account != account.key:
            raise Refused("unknown")
        return order

    def of(self, account: Account, symbol: str | None = None, only_open: bool = False) -> list[Order]:
        """Return an account's orders, the oldest first."""
        found = self.open[account.key].values() if only_open else (o for o in self.orders.values() if o.account == account.key)
        return [order for order in found if symbol is None or order.symbol == symbol]


__all__ = ["OPEN", "Exchange"]
