"""Positions as targets: what a strategy must send to hold what it wants to hold, and how large a position is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gcg_quant.errors import OrderError
from gcg_quant.events import Offset, OrderFlag, OrderType, PositionSide, Side

from .account_view import AccountView
from .session import OrderTerms

if TYPE_CHECKING:
    from .session import Session

__all__ = ["Targets"]

_AT_ONCE = frozenset({OrderType.MARKET, OrderType.LIMIT})


class Targets:
    """What `Strategy` can ask of its positions. Everything is read from the portfolio and the instrument's terms; nothing is kept here."""

    @property
    def _session(self) -> Session:
        raise NotImplementedError

    def quantity_worth(self, value: float, price: float, symbol: str | None = None) -> float:
        """Return the quantity that is worth `value`, in the instrument's currency, at a price: whole lots, the least order at least.

        Raises:
            OrderError: the price is not above 0. InstrumentError: an unknown symbol.
        """
        if not price > 0:
            raise OrderError(f"A quantity worth {value:g} needs a price above 0, not {price!r}.", price=price)
        terms = self._session.instrument(symbol)
        return max(terms.round_quantity(value / (price * terms.multiplier)), terms.min_quantity, terms.lot_size)

    def equity_share(self, percent: float, symbol: str | None = None) -> float:
        """Return what `percent` of the account's equity is worth in the currency of a symbol's instrument: a value for `quantity_worth`.

        NaN before the trading engine has told the account, and where no market tells what a currency of the account is worth.

        Raises:
            InstrumentError: an unknown symbol.
        """
        currency = self._session.instrument(symbol).currency
        return AccountView(self._session, currency).equity * percent / 100.0

    def quantity_of_equity(self, percent: float, price: float, symbol: str | None = None) -> float:
        """Return the quantity that is worth `percent` of the account's equity at a price: whole lots, the least order at least.

        0 where the equity is not known (see `equity_share`) or not above 0. An order for all that an account has is refused when the
        price has risen a little meanwhile, or there is a fee: 95 percent leave room for both.

        Raises:
            OrderError: the price is not above 0. InstrumentError: an unknown symbol.
        """
        share = self.equity_share(percent, symbol)
        return self.quantity_worth(share, price, symbol) if share > 0 else 0.0

    def sellable(self, symbol: str | None = None) -> float:
        """Return how much of a long position may be sold now: of a T+1 instrument what was bought before the trading day, else all."""
        held = max(self._session.position(symbol).quantity, 0.0)
        terms = self._session.instrument(symbol)
        if not held or not terms.t_plus_one:
            return held
        return terms.round_quantity(max(held - self._bought_today(symbol, PositionSide.NET), 0.0))

    def order_target(self, quantity: float, symbol: str | None = None, *, tag: str = "") -> str | None:
        """Ask at the market for what brings the position to `quantity` (signed), and return the client id.

        None if nothing can be sent now: the position is there within half a lot, a market or limit order of the symbol is still working,
        less than the least order is missing, or what is held of a T+1 instrument was bought today. So a strategy may ask again at
        each bar: what was refused is sent again, and nothing is sent twice. A T+1 instrument is never sold short.

        Where long and short positions are held apart (China's futures) it takes an order for each offset: one for lots of the days before,
        one for today's where the exchange tells them apart, and one that opens. The id is that of the last one.

        Raises:
            StrategyError: it is not running, or warming up. InstrumentError: an unknown symbol.
        """
        session = self._session
        if any(order.order_type in _AT_ONCE for order in session.open_orders(symbol)):
            return None
        terms, held = session.instrument(symbol), session.position(symbol).quantity
        target = max(quantity, 0.0) if terms.t_plus_one else quantity
        turns = held * target < 0.0
        if terms.legs and held and (turns or abs(target) < abs(held)):
            pieces = self._closing(symbol, held, abs(held) if turns else abs(held - target))
            pieces += [(abs(target), Offset.OPEN)] if turns else []
        else:
            missing = abs(held - target)
            pieces = [(min(missing, self.sellable(symbol)) if terms.t_plus_one and target < held else missing, Offset.NONE)]
        side, sent = Side.BUY if target > held else Side.SELL, None
        reduces = OrderFlag.REDUCE_ONLY if not turns and abs(target) < abs(held) else OrderFlag.NONE
        for size, offset in pieces:
            # An odd remainder may be closed, but only whole.
            lots = size if size == abs(held) else terms.round_quantity(size, "nearest")
            if lots and (lots >= terms.min_quantity or lots == abs(held)):
                flags = reduces if offset is Offset.NONE else OrderFlag.NONE
                sent = session.order(side, lots, symbol, OrderTerms(flags=flags, offset=offset, tag=tag))
        return sent

    def _closing(self, symbol: str | None, held: float, size: float) -> list[tuple[float, Offset]]:
        if self._session.instrument(symbol).today_apart:
            older = abs(held) - self._bought_today(symbol, PositionSide.LONG if held > 0.0 else PositionSide.SHORT)
            if 0.0 < older < size:
                return [(older, Offset.CLOSE_YESTERDAY), (size - older, Offset.CLOSE_TODAY)]
        return [(size, Offset.NONE)]

    # What was opened on the trading day of now; of a day that is over it counts no longer.
    def _bought_today(self, symbol: str | None, side: PositionSide) -> float:
        session = self._session
        told, terms = session.position(symbol).side(side), session.instrument(symbol)
        if told is None or terms.trading_day(told.event_ns) != terms.trading_day(session.now_ns):
            return 0.0
        return abs(told.today)
