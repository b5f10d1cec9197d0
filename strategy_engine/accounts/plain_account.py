"""One account, folded as plainly as possible: what a journal's fills make of its book, its positions and its cash.

It is a second opinion, so none of the engine's orders, positions or accounts is used here; only instruments, which are what rounds.
Sums run in the order of the events, so that the floats are the engine's to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import isclose, isnan, nan
from typing import Any

from gcg_quant.errors import AuditError
from gcg_quant.events import (
    AccountEvent,
    Fill,
    FundingPayment,
    Offset,
    OrderCommand,
    OrderEvent,
    OrderStatus,
    PositionEvent,
    PositionSide,
    Side,
)
from gcg_quant.instruments import Instrument

__all__ = ["PlainAccount"]

_ENDS = (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.FAILED)
_SEQ = (1 << 60) - 1


@dataclass
class _Holding:
    # Signed lots at an average price. `told` is the last price of its last PositionEvent.
    terms: Instrument
    lots: int = 0
    average: float = nan
    realised: float = 0.0
    fees: float = 0.0
    last: float = nan
    told: float = nan
    today: int = 0
    day: int = 0

    def value(self) -> float:
        if not self.lots:
            return 0.0
        if self.terms.inverse:
            return self.terms.quantity(self.lots) * self.terms.multiplier / self.last
        return self.terms.quantity(self.lots) * self.last * self.terms.multiplier

    def unrealised(self) -> float:
        return self.gain(self.last) * self.terms.quantity(self.lots) * self.terms.multiplier if self.lots else 0.0

    def gain(self, price: float) -> float:
        # Of one unit with a multiplier of 1, up to a price.
        return 1.0 / self.average - 1.0 / price if self.terms.inverse else price - self.average

    def margin(self) -> float:
        return abs(self.value()) * self.terms.margin_rate

    def roll(self, day: int) -> None:
        if day > self.day:
            self.day, self.today = day, 0

    def close(self, lots: int, price: float, *, today_first: bool) -> float:
        yesterday = abs(self.lots) - self.today
        from_today = min(lots, self.today) if today_first else max(0, lots - yesterday)
        sign = 1 if self.lots > 0 else -1
        profit = self.gain(price) * self.terms.quantity(lots) * float(sign) * self.terms.multiplier
        self.today -= from_today
        self.lots -= sign * lots
        if self.lots == 0:
            self.average = nan
        return profit

    def open(self, lots: int, sign: int, price: float) -> None:
        held, added = abs(self.terms.quantity(self.lots)), self.terms.quantity(lots)
        if held == 0.0:
            self.average = price
        elif self.terms.inverse:
            self.average = (held + added) / (held / self.average + added / price)
        else:
            self.average = (self.average * held + price * added) / (held + added)
        self.lots += sign * lots
        self.today += lots


@dataclass
class _Entry:
    # An order in the book.
    commands: int = 0
    lots: int = 0
    value: float = 0.0
    end: OrderStatus | None = None


@dataclass
class _Money:
    cash: float = 0.0
    realised: float = 0.0
    fees: float = 0.0
    moved: bool = False  # a fill has moved it
    told: bool = False  # an AccountEvent has told it
    opened_with: float = 0.0


@dataclass
class PlainAccount:
    """The fold of one account. Every event is compared with what the ones before it add up to.

    Args:
        name: of the account.
        terms: the instrument of a number.
    """

    name: str
    terms: Callable[[int], Instrument]
    compared: int = 0
    fills: int = 0
    book: dict[int, _Entry] = field(default_factory=dict)
    holdings: dict[tuple[str, int, PositionSide], _Holding] = field(default_factory=dict)
    money: dict[str, _Money] = field(default_factory=dict)
    _fill_ids: set[int] = field(default_factory=set)
    _trades: set[tuple[str, str]] = field(default_factory=set)
    _payment_ids: set[str] = field(default_factory=set)

    def apply(self, event: Any) -> None:
        """Take in the account's next event.

        Raises:
            AuditError: it tells something else than the events before it add up to.
        """
        if isinstance(event, Fill):
            self._fill(event)
        elif isinstance(event, FundingPayment):
            self._fund(event)
        elif isinstance(event, OrderCommand):
            self._command(event)
        elif isinstance(event, OrderEvent):
            self._order(event)
        elif isinstance(event, PositionEvent):
            self._position(event)
        elif isinstance(event, AccountEvent):
            self._account(event)

    def restart(self) -> None:
        """Note that an engine has begun: it knows the prices that were told, and no others."""
        for holding in self.holdings.values():
            if not isnan(holding.told):
                holding.last = holding.told

    # ---- what moves it

    def _command(self, event: OrderCommand) -> None:
        entry = self.book.setdefault(event.request, _Entry())
        entry.commands += 1
        self._same(event, f"order {event.client_id}", {"commands": (entry.commands, 1)})

    def _fill(self, event: Fill) -> None:
        trade = (event.client_id, event.trade_id)
        if trade in self._trades:
            raise self._wrong(event, f"order {event.client_id}", f"the trade {event.trade_id} counts twice")
        self._trades.add(trade)
        self._fill_ids.add(event.id)
        self.fills += 1
        terms = self.terms(event.instrument)
        lots = terms.lots(event.quantity)
        entry = self.book.setdefault(event.request, _Entry())
        entry.lots += lots
        entry.value += event.price * terms.quantity(lots)
        profit = self._trade(event, terms, lots)
        sign = 1.0 if event.side == Side.BUY else -1.0
        money = self._money(terms.currency)
        margined = terms.margin_rate < 1.0 or terms.kind == "future"
        money.cash += profit if margined else -(sign * event.quantity * event.price * terms.multiplier)
        money.realised += profit
        fee_money = self._money(event.fee_currency or terms.currency)
        fee_money.cash -= event.fee
        fee_money.fees += event.fee
        money.moved = fee_money.moved = True

    def _fund(self, event: FundingPayment) -> None:
        self._fill_ids.add(event.id)
        if event.payment_id:
            self._fund_by_venue(event)
            return
        # Whoever is long pays a rate above 0, of what the contracts are worth at the price that is told.
        money = self._money(event.currency)
        place = f"{event.symbol}@{event.venue}" if event.venue else event.symbol
        held = {key: one for key, one in self.holdings.items() if one.lots and one.terms.name == place}
        told = {(strategy, side) for strategy, side, _, _ in event.payments}
        name = f"funding of {place}"
        self._same(event, name, {"positions": (sorted(told), sorted((strategy, int(side)) for strategy, _, side in held))})
        for (strategy, _, side), one in held.items():
            quantity, amount = next((lots, paid) for whose, which, lots, paid in event.payments if (whose, which) == (strategy, int(side)))
            units = one.terms.quantity(one.lots)
            value = units * one.terms.multiplier / event.price if one.terms.inverse else units * event.price * one.terms.multiplier
            self._same(event, name, {"quantity": (quantity, units), "amount": (amount, -value * event.rate)})
            one.realised += amount
            money.cash += amount
            money.realised += amount
        money.moved = True

    def _fund_by_venue(self, event: FundingPayment) -> None:
        # The venue tells the sum alone: each has its part by what it held then, and no payment counts twice.
        money = self._money(event.currency)
        place = f"{event.symbol}@{event.venue}" if event.venue else event.symbol
        name = f"funding of {place}"
        if event.payment_id in self._payment_ids:
            raise self._wrong(event, name, f"the payment {event.payment_id} counts twice")
        self._payment_ids.add(event.payment_id)
        known = {(strategy, int(side)): one for (strategy, _, side), one in self.holdings.items() if one.terms.name == place}
        parts = [abs(amount / quantity) for _, _, quantity, amount in event.payments]
        self._same(event, name, {"parts by quantity": (all(isclose(part, parts[0], rel_tol=1e-9) for part in parts), True)})
        for strategy, side, _, amount in event.payments:
            holding = known.get((strategy, side))
            if holding is None:
                raise self._wrong(event, name, f"{strategy} never had a position in it")
            if event.currency == holding.terms.currency:
                holding.realised += amount
            money.cash += amount
            money.realised += amount
        money.moved = True

    def _trade(self, event: Fill, terms: Instrument, lots: int) -> float:
        # Net positions are one holding; where legs are held apart a buy opens the long one and closes the short one.
        buys = event.side == Side.BUY
        own, other = PositionSide.NET, PositionSide.NET
        if terms.legs:
            own, other = (PositionSide.LONG, PositionSide.SHORT) if buys else (PositionSide.SHORT, PositionSide.LONG)
        opposite = self.holdings.get((event.strategy, event.instrument, other))
        closing = 0
        if opposite is not None and (opposite.lots < 0) == buys and not (terms.legs and event.offset == Offset.OPEN):
            closing = min(lots, abs(opposite.lots))
        fee = event.fee if event.fee_currency in ("", terms.currency) else 0.0
        profit = 0.0
        touched = []
        if closing:
            holding = self._holding(event, terms, other)
            profit = holding.close(closing, event.price, today_first=event.offset == Offset.CLOSE_TODAY)
            holding.realised += profit
            touched.append(holding)
        if lots > closing:
            holding = self._holding(event, terms, own)
            holding.open(lots - closing, 1 if buys else -1, event.price)
            touched.append(holding)
        touched[0].fees += fee
        return profit

    def _holding(self, event: Fill, terms: Instrument, side: PositionSide) -> _Holding:
        holding = self.holdings.setdefault((event.strategy, event.instrument, side), _Holding(terms))
        holding.roll(event.trading_day)
        if isnan(holding.last):
            holding.last = event.price
        return holding

    def _money(self, currency: str) -> _Money:
        return self.money.setdefault(currency, _Money())

    # ---- what tells of it

    def _order(self, event: OrderEvent) -> None:
        if not event.request or isnan(event.quantity):
            return  # the answer to a cancel or a change of an order that nobody knows
        entry = self.book.setdefault(event.request, _Entry())
        terms = self.terms(event.instrument)
        filled = terms.quantity(entry.lots)
        average = entry.value / filled if entry.lots else nan
        name = f"order {event.client_id}"
        self._same(event, name, {"filled_quantity": (event.filled_quantity, filled), "average_price": (event.average_price, average)})
        if entry.end is not None:
            self._same(event, name, {"status": (event.status.name, entry.end.name)})
        elif event.status in _ENDS:
            entry.end = event.status
        if event.status == OrderStatus.FILLED:
            self._same(event, name, {"filled in full": (filled >= event.quantity, True)})

    def _position(self, event: PositionEvent) -> None:
        key = (event.strategy, event.instrument, event.position_side)
        name = f"position {event.strategy} {event.symbol}@{event.venue} {event.position_side.name}"
        holding = self.holdings.get(key)
        if holding is None:
            raise self._wrong(event, name, "no fill has made it")
        if event.cause in self._fill_ids:
            holding.last = event.last_price
        else:  # a price has moved all that is held of the instrument
            for (_, number, _), one in self.holdings.items():
                if number == event.instrument and one.lots:
                    one.last = event.last_price
            holding.roll(holding.terms.trading_day(event.event_ns))
        holding.told = event.last_price
        terms = holding.terms
        self._same(
            event,
            name,
            {
                "quantity": (event.quantity, terms.quantity(holding.lots)),
                "today": (event.today, terms.quantity(holding.today)),
                "yesterday": (event.yesterday, terms.quantity(abs(holding.lots) - holding.today)),
                "average_price": (event.average_price, holding.average),
                "realised_pnl": (event.realised_pnl, holding.realised),
                "unrealised_pnl": (event.unrealised_pnl, holding.unrealised()),
                "fees": (event.fees, holding.fees),
                "margin": (event.margin, holding.margin()),
                "currency": (event.currency, terms.currency),
                "frozen within what is held": (0.0 <= event.frozen <= abs(event.quantity), True),
            },
        )

    def _account(self, event: AccountEvent) -> None:
        money = self._money(event.currency)
        name = f"cash in {event.currency}"
        if not money.told and not money.moved:
            money.cash = money.opened_with = event.cash
            opened = [currency for currency, one in self.money.items() if one.opened_with]
            if len(opened) > 1:
                raise self._wrong(event, name, f"an account opens with cash in one currency, found {' and '.join(opened)}")
        money.told = True
        worth = margin = unrealised = 0.0
        larger: dict[int, tuple[float, float]] = {}  # long and short, where the venue asks for the larger side
        for (_, number, side), one in self.holdings.items():
            if one.lots and one.terms.currency == event.currency:
                worth += one.unrealised() if one.terms.margin_rate < 1.0 or one.terms.kind == "future" else one.value()
                unrealised += one.unrealised()
                if one.terms.larger_side:
                    long, short = larger.get(number, (0.0, 0.0))
                    larger[number] = (long, short + one.margin()) if side == PositionSide.SHORT else (long + one.margin(), short)
                else:
                    margin += one.margin()
        for long, short in larger.values():
            margin += long if long > short else short
        equity = money.cash + worth
        self._same(
            event,
            name,
            {
                "cash": (event.cash, money.cash),
                "equity": (event.equity, equity),
                "margin": (event.margin, margin),
                "available": (event.available, equity - margin),
                "realised_pnl": (event.realised_pnl, money.realised),
                "unrealised_pnl": (event.unrealised_pnl, unrealised),
                "fees": (event.fees, money.fees),
            },
        )

    def _same(self, event: Any, what: str, values: dict[str, tuple[Any, Any]]) -> None:
        self.compared += 1
        wrong = [
            f"{name} is {told!r} and the fold has {found!r}"
            for name, (told, found) in values.items()
            if told != found and not (told != told and found != found)  # NaN is absent in both
        ]
        if wrong:
            raise self._wrong(event, what, ", ".join(wrong))

    def _wrong(self, event: Any, what: str, words: str) -> AuditError:
        text = f"Account {self.name} does not add up at {type(event).__name__} {event.id & _SEQ} of the market lane, {what}: {words}."
        return AuditError(text, account=self.name, event=event.id)
