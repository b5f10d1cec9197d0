"""The books of one account: accounts and risk, which must see the same fills, orders and prices."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan

from gcg_quant.clock import NS_PER_DAY
from gcg_quant.events import (
    AccountEvent,
    Fill,
    FundingPayment,
    Liquidity,
    Offset,
    OrderCommand,
    OrderRequest,
    OrderType,
    PositionEvent,
    PositionSide,
    Side,
    TimeInForce,
)
from gcg_quant.instruments import Instrument

from ..accounts.accounts import Accounts
from ..accounts.currencies import CurrencyRates
from ..accounts.position import Position
from ..orders.manager import Publish
from ..orders.order import Order, WholeTerms
from ..risk.engine import RiskEngine
from .claims import Claims
from .offsets import opens

__all__ = ["Books"]

_LIMIT = OrderType.LIMIT
_AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)  # what these do not get at once they never get: they rest in no book


class Books:
    """Keeps accounts and risk in step and publishes what they show. It belongs to the trading engine's thread.

    A PositionEvent and an AccountEvent follow each fill; price changes publish them at most every `mark_interval_ns` of event time for an
    instrument or currency. The first event of a UTC day publishes every currency, and is where the day's profit counts from.

    Args:
        accounts: positions and cash.
        risk: the risk check.
        rates: for sums over currencies.
        publish: how events leave.
        warn: how words leave.
        mark_interval_ns: the least event time between two marks.
    """

    def __init__(
        self,
        accounts: Accounts,
        risk: RiskEngine,
        rates: CurrencyRates,
        publish: Publish,
        warn: Callable[[str], None],
        mark_interval_ns: int,
    ) -> None:
        self.accounts = accounts
        self.risk = risk
        self.day = -1
        self._rates = rates
        self._publish = publish
        self._warn = warn
        # Where every moment is told (1 ns) its last word counts: a day's first event, fills and other instruments may share it.
        self._account_interval_ns = mark_interval_ns if mark_interval_ns > 1 else 0
        self._native = risk.native
        self._account_ns: dict[str, int] = {}
        self._claims = Claims(accounts)
        self._without_rate: set[str] = set()

    # ---- instruments and orders

    def set_terms(self, number: int, instrument: Instrument) -> None:
        """Take the terms of an instrument number; none of its orders and positions is open."""
        self.risk.set_terms(number, instrument)
        instrument.trading_day(0)  # loads the calendar now, and not while an order waits
        for position in self.accounts.positions.values():
            if position.number == number:
                position.instrument = instrument

    def count(self, strategy: str, number: int, event_ns: int) -> None:
        """Count an order for the limit of orders a second."""
        self._native.count_order(self.risk.strategies[strategy], number, event_ns)

    def open(self, order: Order) -> None:
        """Count an order that may fill from now on."""
        lots = order.left_lots
        self._native.open_order(self.risk.strategies[order.strategy], order.number, order.terms.side, lots)
        if order.instrument.legs:
            self.tie(order, lots)

    def open_again(self, order: Order) -> None:
        """Count an order that is held, or that was open before a restart, and note where it rests."""
        self.open(order)
        self.rest(order)

    def rest(self, order: Order, *asked: WholeTerms) -> None:
        """Note at which price an order may be found in the book by our other orders, if it rests at all.

        `asked` are changes that the venue was asked for: until it answers, any of the prices may be the one, so the nearest one counts.
        """
        nearest, terms = order.whole.price_ticks, order.terms
        if nearest is None or terms.time_in_force in _AT_ONCE or order.held or order.waits or order.is_final:
            return
        if order.triggered or terms.order_type == _LIMIT:
            for one in asked:
                if one.price_ticks is not None:
                    nearest = max(nearest, one.price_ticks) if terms.side == Side.BUY else min(nearest, one.price_ticks)
            self._native.rest(order.request_id, order.number, terms.side, nearest)

    def open_more(self, order: Order, lots: int) -> None:
        """Count `lots` more (or, if negative, less) of an open order."""
        self._native.reduce_order(self._strategy(order), order.number, order.side, -lots)
        self.tie(order, lots)

    def reduce(self, order: Order, lots: int) -> None:
        """Count `lots` less of an order after a fill, and the order as done if it is."""
        self._native.reduce_order(self._strategy(order), order.number, order.side, lots)
        self.tie(order, -lots)
        if order.is_final:
            self.close(order, order.left_lots)

    def close(self, order: Order, open_lots: int | None = None) -> None:
        """Count an order as done, `open_lots` of it unfilled."""
        self._native.lift(order.request_id)
        left = order.left_lots if open_lots is None else open_lots
        self._native.close_order(self._strategy(order), order.number, order.side, left)
        self.tie(order, -left)

    def tie(self, order: Order, lots: int) -> None:
        """Count `lots` more of an order where sides are held apart; 0 counts it anew, with the offset that it has now."""
        instrument = order.instrument
        if instrument.legs:
            self._claims.count(order, lots)
            self._tell_sides(order.strategy, order.number, instrument)

    def measure(
        self, terms: OrderRequest | OrderCommand, number: int, instrument: Instrument, lots: int, replaces: Order | None = None
    ) -> tuple[int, int] | None:
        """Return what the risk check has to know of an order where sides are held apart, None elsewhere; see `Claims.measure`."""
        return self._claims.measure(terms, number, instrument, lots, replaces) if instrument.legs else None

    # ---- fills and prices

    def refresh_rate(self, currency: str) -> float:
        """Look up what a currency is worth in the account's own and return it; without a market for it 1, with a warning once."""
        if currency == self._rates.currency:
            return 1.0
        rate = self._rates.rate(currency)
        if rate is None:
            rate = 1.0
            if currency not in self._without_rate:
                self._without_rate.add(currency)
                self._warn(
                    f"No market tells what a {currency} is worth in {self._rates.currency}: limits over all currencies count it 1:1."
                )
        self._native.set_rate(self.risk.currency_number(currency), rate)
        return rate

    def fee(self, fill: Fill, number: int, instrument: Instrument, *, first: bool) -> float:
        """Return what the fee schedule takes for a fill that is not settled yet; `first` is True for its order's first one."""
        sell, maker = fill.side == Side.SELL, fill.liquidity == Liquidity.MAKER
        today = self.accounts.closes_today(fill, number, instrument) if instrument.legs else 0.0
        return instrument.fee(fill.quantity, fill.price, sell=sell, maker=maker, first=first, today=today)

    def settle(self, fill: Fill, number: int, instrument: Instrument, cause: int) -> None:
        """Settle a fill in accounts and risk, and publish positions and account."""
        moved = self.accounts.settle(fill, number, instrument)
        last = self._native.last_price(number)
        for position in moved:
            if not isnan(last):
                position.last_price = last
        lots = instrument.lots(fill.quantity)
        self._native.move_position(self.risk.strategy_number(fill.strategy), number, lots if fill.side == Side.BUY else -lots)
        if instrument.legs:
            self._tell_sides(fill.strategy, number, instrument)
        if instrument.t_plus_one:
            self._native.set_bought(number, *self.accounts.bought[number])
        self._native.set_last_price(number, fill.price)  # a position without any price would be worth nothing
        self._take_ledgers()
        for position in moved:
            self._publish(self._position_event(position, fill.event_ns), cause=cause)
        if fill.offset not in (Offset.NONE, Offset.OPEN) and any(position.side == opens(fill.side) for position in moved):
            self._warn(f"Fill {fill.trade_id} of {fill.symbol} closes more than {fill.strategy} held: the rest counts as opened.")
        self.publish_account(instrument.currency, fill.event_ns, cause)
        if fill.fee_currency not in ("", instrument.currency):
            self.publish_account(fill.fee_currency, fill.event_ns, cause)

    def fund(self, event: FundingPayment, number: int, cause: int) -> None:
        """Book funding, and publish positions and account."""
        moved = self.accounts.fund(event, number)
        self._take_ledgers()
        for position in moved:
            self._publish(self._position_event(position, event.event_ns), cause=cause)
        self.publish_account(event.currency, event.event_ns, cause)

    def mark(self, number: int, event_ns: int, cause: int) -> None:
        """Publish what an instrument's new price makes of its positions and their currency."""
        for position in self.accounts.mark(number, self._native.last_price(number)):
            position.roll(position.instrument.trading_day(event_ns))
            self._publish(self._position_event(position, event_ns), cause=cause)
            currency = position.instrument.currency
            if event_ns - self._account_ns.get(currency, 0) >= self._account_interval_ns:
                self.publish_account(currency, event_ns, cause)

    def begin_day(self, day: int, event_ns: int, cause: int) -> None:
        """Begin a UTC day (counted from 1970) if it is a new one: publish every currency and count the day's profit from here."""
        if day <= self.day:
            return
        self.day = day
        for currency in list(self.accounts.money):
            self.publish_account(currency, event_ns, cause)
        self._native.set_day_base(self._native.equity)

    def publish_position(self, position: Position, event_ns: int, cause: int) -> None:
        """Publish a position as it stands."""
        self._publish(self._position_event(position, event_ns), cause=cause)

    def publish_account(self, currency: str, event_ns: int, cause: int) -> None:
        """Publish a currency's sums as they stand."""
        self._account_ns[currency] = event_ns
        self.refresh_rate(currency)
        self._publish(self.accounts.account_event(currency, event_ns), cause=cause)

    # ---- after a restart

    def resume(self, base_of_day: dict[str, AccountEvent]) -> None:
        """Bring risk to where the accounts are; `base_of_day` holds each currency's first event of the newest day recorded."""
        for position in self.accounts.positions.values():
            strategy = self.risk.strategy_number(position.strategy)
            self._native.move_position(strategy, position.number, position.lots)
            self._native.set_last_price(position.number, position.last_price)
            self._native.set_bought(position.number, *self.accounts.bought[position.number])
            if position.instrument.legs:
                self._tell_sides(position.strategy, position.number, position.instrument)
        self._take_ledgers()
        base = 0.0
        for currency, event in base_of_day.items():
            self.day = event.event_ns // NS_PER_DAY
            base += event.equity * self.refresh_rate(currency)
        if base_of_day:
            self._native.set_day_base(base)

    # ---- inside

    def _strategy(self, order: Order) -> int:
        return self.risk.strategies[order.strategy]

    def _tell_sides(self, strategy: str, number: int, instrument: Instrument) -> None:
        held = [self.accounts.position(strategy, number, side) for side in (PositionSide.LONG, PositionSide.SHORT)]
        lots = [0 if one is None else abs(one.lots) for one in held]
        opening = [self._claims.opening(strategy, number, instrument, side) for side in (Side.BUY, Side.SELL)]
        self._native.set_sides(self.risk.strategies[strategy], number, *lots, *opening)

    def _take_ledgers(self) -> None:
        for currency, money in self.accounts.money.items():
            self._native.set_ledger(self.risk.currency_number(currency), money.ledger)

    def _position_event(self, position: Position, event_ns: int) -> PositionEvent:
        closing = Side.SELL if position.lots > 0 else Side.BUY
        if position.side == PositionSide.NET:
            frozen = self._native.open_lots(self.risk.strategy_number(position.strategy), position.number, closing)
        else:
            frozen = self._claims.closing(position.strategy, position.number, closing)
        return self.accounts.position_event(position, event_ns, frozen)
