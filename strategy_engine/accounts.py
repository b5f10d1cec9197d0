"""The accounts of one trading engine: cash and positions, settled by fills and by nothing else, in the order of their seq."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gcg_quant.events import AccountEvent, Fill, PositionEvent, Side
from gcg_quant.instruments import Instrument

from .bought import Bought
from .position import Position

__all__ = ["Accounts", "Cash"]


@dataclass(slots=True, eq=False)
class Cash:
    """The money of one currency. `ledger` is the cash if every fill, futures included, were paid in full."""

    currency: str
    cash: float = 0.0
    ledger: float = 0.0
    realised: float = 0.0
    fees: float = 0.0


class Accounts:
    """Positions by (strategy, instrument number) and cash by currency of one account. It belongs to one thread.

    Instruments with a margin rate below 1, and all futures, are margined: a fill moves no cash but its realised profit and fee. All others
    are paid: a purchase takes its value out of the cash, a sale puts it in. Sums run in the order of the fills, so a plain fold over the
    journal's fills gives the same floats.

    Args:
        account: its name.
        currency: the currency that `opening_cash` is in; other currencies begin at 0.
    """

    def __init__(self, account: str, currency: str, opening_cash: float) -> None:
        self.account = account
        self.currency = currency
        self.positions: dict[tuple[str, int], Position] = {}
        self.money: dict[str, Cash] = {currency: Cash(currency, opening_cash, opening_cash)}
        self.bought = Bought()

    def in_currency(self, currency: str) -> Cash:
        """Return the cash of a currency, none of it if it is new."""
        if currency not in self.money:
            self.money[currency] = Cash(currency)
        return self.money[currency]

    def position(self, strategy: str, number: int) -> Position | None:
        """Return a strategy's position in an instrument, or None if it never had any."""
        return self.positions.get((strategy, number))

    def held(self, number: int) -> list[Position]:
        """Return the positions in an instrument that are not flat, of all strategies."""
        return [one for one in self.positions.values() if one.number == number and one.lots]

    def total(self, number: int) -> int:
        """Return the lots held of an instrument, all strategies together."""
        return sum(one.lots for one in self.positions.values() if one.number == number)

    def settle(self, fill: Fill, number: int, instrument: Instrument) -> Position:
        """Settle a fill: position, profit, fee and cash. Return the position.

        Raises:
            InstrumentError: its quantity is no multiple of the lot size.
        """
        key = (fill.strategy, number)
        position = self.positions.get(key)
        if position is None:
            position = self.positions[key] = Position(fill.strategy, number, instrument)
        lots = instrument.lots(fill.quantity)
        self.bought.add(fill, number, instrument, lots)
        sign = 1.0 if fill.side == Side.BUY else -1.0
        own_fee = fill.fee if fill.fee_currency in ("", instrument.currency) else 0.0
        profit = position.apply(lots if fill.side == Side.BUY else -lots, fill.price, own_fee, fill.trading_day, fill.offset)
        paid = sign * fill.quantity * fill.price * instrument.multiplier
        money = self.in_currency(instrument.currency)
        money.cash += profit if is_margined(instrument) else -paid
        money.ledger -= paid
        money.realised += profit
        self._charge(fill.fee_currency or instrument.currency, fill.fee)
        return position

    def mark(self, number: int, price: float) -> list[Position]:
        """Take a price as the last one of an instrument; return the positions that it concerns."""
        held = self.held(number)
        for position in held:
            position.last_price = price
        return held

    # ---- sums of one currency

    def margin(self, currency: str) -> float:
        """Return what the positions of a currency tie up."""
        return sum((one.margin for one in self._in(currency)), 0.0)

    def unrealised(self, currency: str) -> float:
        """Return the unrealised profit of a currency's positions."""
        return sum((one.unrealised for one in self._in(currency)), 0.0)

    def equity(self, currency: str) -> float:
        """Return cash, plus the value of paid positions, plus the unrealised profit of margined ones."""
        worth = sum((one.unrealised if is_margined(one.instrument) else one.value for one in self._in(currency)), 0.0)
        return self.in_currency(currency).cash + worth

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
