"""The accounts of one trading engine: cash and positions, settled by fills and funding and by nothing else, in the order of their seq."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gcg_quant.events import AccountEvent, Fill, FundingPayment, Offset, PositionEvent, PositionSide, Side
from gcg_quant.instruments import Instrument

from .bought import Bought
from .funding_book import FundingBook
from .margin import tied_up
from .position import Position

__all__ = ["Accounts", "Cash", "Profit"]


@dataclass(slots=True, eq=False)
class Cash:
    """The money of one currency. `ledger` is the cash if every fill, futures included, were paid in full."""

    currency: str
    cash: float = 0.0
    ledger: float = 0.0
    realised: float = 0.0
    fees: float = 0.0


@dataclass(slots=True)
class Profit:
    """What positions of one currency have brought: `fees` are those paid in it, `margin` is what they tie up now."""

    realised: float = 0.0
    unrealised: float = 0.0
    fees: float = 0.0
    margin: float = 0.0

    @property
    def net(self) -> float:
        """Realised and unrealised profit less the fees."""
        return self.realised + self.unrealised - self.fees


class Accounts:
    """Positions by (strategy, instrument number, side) and cash by currency of one account. It belongs to one thread.

    Most instruments have one net position a strategy. Where the market holds long and short apart (`Instrument.legs`) there are two: a
    buy opens the long one and closes the short one.

    Instruments with a margin rate below 1, and all futures, are margined: a fill moves no cash but its realised profit and fee. All others
    are paid: a purchase takes its value out of the cash, a sale puts it in. Sums run in the order of the fills, so a plain fold over the
    journal's fills gives the same floats.

    Args:
        account: its name.
        currency: the currency that `opening_cash` is in; other currencies begin at 0.

    Attributes:
        funding: what a venue has paid; None if it pays none, or tells none.
    """

    def __init__(self, account: str, currency: str, opening_cash: float) -> None:
        self.account = account
        self.currency = currency
        self.positions: dict[tuple[str, int, PositionSide], Position] = {}
        self.money: dict[str, Cash] = {currency: Cash(currency, opening_cash, opening_cash)}
        self.bought = Bought()
        self.funding: FundingBook | None = None

    def in_currency(self, currency: str) -> Cash:
        """Return the cash of a currency, none of it if it is new."""
        if currency not in self.money:
            self.money[currency] = Cash(currency)
        return self.money[currency]

    def position(self, strategy: str, number: int, side: PositionSide = PositionSide.NET) -> Position | None:
        """Return a strategy's position in an instrument, net or of one side, or None if it never had any."""
        return self.positions.get((strategy, number, side))

    def held(self, number: int) -> list[Position]:
        """Return the positions in an instrument that are not flat, of all strategies."""
        return [one for one in self.positions.values() if one.number == number and one.lots]

    def total(self, number: int) -> int:
        """Return the lots held of an instrument, all strategies and sides together."""
        return sum(one.lots for one in self.positions.values() if one.number == number)

    def settle(self, fill: Fill, number: int, instrument: Instrument) -> list[Position]:
        """Settle a fill: position, profit, fee and cash. Return the positions it moved: two if it closed one side and opened the other.

        Raises:
            InstrumentError: its quantity is no multiple of the lot size.
        """
        lots = instrument.lots(fill.quantity)
        self.bought.add(fill, number, instrument, lots)
        sign = 1 if fill.side == Side.BUY else -1
        fee = fill.fee if fill.fee_currency in ("", instrument.currency) else 0.0
        profit = 0.0
        moved: list[Position] = []
        for side, part in self._parts(fill, number, instrument, lots):
            position = self._position(fill.strategy, number, instrument, side)
            profit += position.apply(sign * part, fill.price, 0.0 if moved else fee, fill.trading_day, fill.offset)
            moved.append(position)
            if self.funding is not None:
                self.funding.add_fill(fill, number, side, sign * part)
        paid = instrument.paid(float(sign) * fill.quantity, fill.price)
        money = self.in_currency(instrument.currency)
        money.cash += profit if is_margined(instrument) else -paid
        money.ledger -= paid
        money.realised += profit
        self._charge(fill.fee_currency or instrument.currency, fill.fee)
        return moved

    def fund(self, event: FundingPayment, number: int) -> list[Position]:
        """Book what positions paid or were paid for funding, as realised profit; return these positions.

        In another currency than the instrument's it is profit of the account, and of no position.
        """
        if self.funding is not None:
            self.funding.add(event)
        money, moved = self.in_currency(event.currency), []
        for strategy, side, _, amount in event.payments:
            position = self.positions[strategy, number, PositionSide(side)]
            if event.currency == position.instrument.currency:
                position.realised += amount
            money.cash += amount
            money.ledger += amount
            money.realised += amount
            moved.append(position)
        return moved

    def closes_today(self, fill: Fill, number: int, instrument: Instrument) -> float:
        """Return which part of a fill's quantity, not settled yet, closes what was opened on its trading day."""
        for side, part in self._parts(fill, number, instrument, instrument.lots(fill.quantity)):
            position = self.position(fill.strategy, number, side)
            if position is not None and position.lots and (position.lots > 0) == (fill.side == Side.SELL):
                return instrument.quantity(position.of_today(min(part, abs(position.lots)), fill.trading_day, fill.offset))
        return 0.0

    def mark(self, number: int, price: float) -> list[Position]:
        """Take a price as the last one of an instrument; return the positions that it concerns."""
        held = self.held(number)
        for position in held:
            position.last_price = price
        return held

    # ---- sums of one currency: in the order of the positions, one by one, as whoever checks them adds, too

    def margin(self, currency: str) -> float:
        """Return what the positions of a currency tie up."""
        return tied_up(self._in(currency))

    def unrealised(self, currency: str) -> float:
        """Return the unrealised profit of a currency's positions."""
        total = 0.0
        for one in self._in(currency):
            total += one.unrealised
        return total

    def equity(self, currency: str) -> float:
        """Return cash, plus the value of paid positions, plus the unrealised profit of margined ones."""
        worth = 0.0
        for one in self._in(currency):
            worth += one.unrealised if is_margined(one.instrument) else one.value
        return self.in_currency(currency).cash + worth

    def profits(self, strategy: str | None = None) -> dict[str, Profit]:
        """Return what all positions, or a strategy's, have brought since the account began, by currency.

        Fees that are charged in another currency than the instrument's are no position's: `in_currency(...).fees` has them all.
        """
        found: dict[str, Profit] = {}
        own = [one for one in self.positions.values() if strategy is None or one.strategy == strategy]
        for one in own:
            sums = found.setdefault(one.instrument.currency, Profit())
            sums.realised += one.realised
            sums.unrealised += one.unrealised
            sums.fees += one.fees
        for currency, sums in found.items():
            sums.margin = tied_up(one for one in own if one.lots and one.instrument.currency == currency)
        return found

    # ---- as events

    def position_event(self, position: Position, event_ns: int, frozen_lots: int = 0) -> PositionEvent:
        """Return a position as an event; `frozen_lots` are tied up by orders that would close it."""
        instrument = position.instrument
        return PositionEvent(
            symbol=instrument.symbol,
            venue=instrument.venue,
            event_ns=event_ns,
            recv_ns=event_ns,
            account=self.account,
            strategy=position.strategy,
            position_side=position.side,
            quantity=position.quantity,
            today=instrument.quantity(position.today_lots),
            yesterday=instrument.quantity(position.yesterday_lots),
            frozen=instrument.quantity(min(frozen_lots, abs(position.lots))),
            average_price=position.average_price,
            last_price=position.last_price,
            realised_pnl=position.realised,
            unrealised_pnl=position.unrealised,
            fees=position.fees,
            margin=position.margin,
            currency=instrument.currency,
        )

    def account_event(self, currency: str, event_ns: int) -> AccountEvent:
        """Return a currency's sums as an event."""
        money = self.in_currency(currency)
        equity, margin = self.equity(currency), self.margin(currency)
        return AccountEvent(
            event_ns=event_ns,
            recv_ns=event_ns,
            account=self.account,
            currency=currency,
            cash=money.cash,
            equity=equity,
            margin=margin,
            available=equity - margin,
            realised_pnl=money.realised,
            unrealised_pnl=self.unrealised(currency),
            fees=money.fees,
        )

    def _parts(self, fill: Fill, number: int, instrument: Instrument, lots: int) -> list[tuple[PositionSide, int]]:
        # Which positions a fill moves by how many lots. One of a net order closes first; what an order closes beyond what is held here
        # opens the other side, so that the sum of both is always what was bought and sold.
        if not instrument.legs:
            return [(PositionSide.NET, lots)]
        own, other = (PositionSide.LONG, PositionSide.SHORT) if fill.side == Side.BUY else (PositionSide.SHORT, PositionSide.LONG)
        opposite = self.position(fill.strategy, number, other)
        closing = 0 if opposite is None or fill.offset == Offset.OPEN else min(lots, abs(opposite.lots))
        return [(side, part) for side, part in ((other, closing), (own, lots - closing)) if part]

    def _position(self, strategy: str, number: int, instrument: Instrument, side: PositionSide) -> Position:
        key = (strategy, number, side)
        if key not in self.positions:
            self.positions[key] = Position(strategy, number, instrument, side=side)
        return self.positions[key]

    def _in(self, currency: str) -> Iterable[Position]:
        return (one for one in self.positions.values() if one.lots and one.instrument.currency == currency)

    def _charge(self, currency: str, fee: float) -> None:
        money = self.in_currency(currency)
        money.cash -= fee
        money.ledger -= fee
        money.fees += fee


def is_margined(instrument: Instrument) -> bool:
    """Return whether a position in it moves cash by its profit only, and not by its price."""
    return instrument.margin_rate < 1.0 or instrument.kind == "future"
