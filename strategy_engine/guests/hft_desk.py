"""The desk of a tick strategy on a session: the same calls as in the tick engine, answered by what trades on paper and live."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np

from gcg_quant.events import BookDelta, Depth, Offset, OrderFlag, OrderType, Side, TimeInForce

from ..hft.book_view import BookView
from ..hft.desk import OpenOrder
from ..strategy.account_view import AccountView
from ..strategy.session import OrderTerms, Session
from .hft_order import check_order, check_terms

if TYPE_CHECKING:
    from gcg_quant.instruments import Instrument

    from ..strategy.portfolio import OrderView

    Levels = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["SessionDesk"]


class SessionDesk:
    """What `hft.Desk` promises, on a session.

    A symbol without a venue is that of the venue where it was last seen. Cash and equity are those that the account has told last, in its
    own currency; NaN before.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._places: dict[str, str] = {}
        self._books: dict[int, BookView] = {}

    # ---- what the host tells it

    def saw(self, symbol: str, venue: str) -> None:
        """Note where a symbol is traded."""
        self._places[symbol] = f"{symbol}@{venue}" if venue else symbol

    def note_book(self, event: Depth | BookDelta) -> None:
        """Take in a snapshot or a change of an order book."""
        book = self._books.get(event.instrument)
        if book is None:
            book = self._books[event.instrument] = BookView()
        book.apply(event)

    # ---- orders

    def instrument(self, symbol: str, /) -> Instrument:
        """Return a symbol's terms."""
        return self._session.instrument(self._place(symbol))

    def send(
        self,
        symbol: str,
        side: Side,
        price: float | None,
        volume: float,
        type: OrderType,
        time_in_force: TimeInForce,
        offset: Offset,
        stop_price: float | None,
        trail_amount: float | None,
        trail_percent: float | None,
        expire_ns: int,
        post_only: bool,
        reduce_only: bool,
        tag: str,
        /,
    ) -> str:
        """Send an order as a request."""
        flags = OrderFlag.POST_ONLY if post_only else OrderFlag.NONE
        terms = OrderTerms(
            price=price,
            stop_price=stop_price,
            order_type=type,
            time_in_force=time_in_force,
            expire_ns=None if expire_ns < 0 else expire_ns,
            offset=offset,
            flags=flags | OrderFlag.REDUCE_ONLY if reduce_only else flags,
            trail_amount=trail_amount,
            trail_percent=trail_percent,
            tag=tag,
        )
        check_order(volume, terms, self.instrument(symbol), reduces=reduce_only)
        return self._session.order(side, float(volume), self._place(symbol), terms)

    def cancel(self, order_id: str, /) -> bool:
        """Ask for a cancellation."""
        return self._session.cancel(order_id)

    def modify(self, order_id: str, volume: float | None, price: float | None, stop_price: float | None, /) -> bool:
        """Ask for other terms."""
        order = self._session.portfolio.orders.get(order_id)
        if order is None:
            return False
        check_terms(volume, price, stop_price, self.instrument(f"{order.symbol}@{order.venue}" if order.venue else order.symbol))
        return self._session.modify(order_id, volume, price, stop_price)

    def open_orders(self, symbol: str | None, /) -> list[OpenOrder]:
        """Return the open orders, oldest first."""
        return [_open(one) for one in self._session.open_orders(None if symbol is None else self._place(symbol))]

    # ---- what it has

    def position(self, symbol: str, /) -> float:
        """Return the strategy's position."""
        self.instrument(symbol)  # an unknown symbol is an error here, too
        return self._session.position(self._place(symbol)).quantity

    def positions(self) -> dict[str, float]:
        """Return the positions that are not flat; of a symbol that two venues have, by name and venue."""
        views = [one for one in self._session.portfolio.positions.values() if one.quantity]
        symbols = [one.symbol for one in views]
        return {one.symbol if symbols.count(one.symbol) == 1 else f"{one.symbol}@{one.venue}": one.quantity for one in views}

    @property
    def cash(self) -> float:
        """The account's cash."""
        return self._account.cash

    @property
    def equity(self) -> float:
        """The account's equity."""
        return self._account.equity

    # ---- the market

    @property
    def now_ns(self) -> int:
        """The time of the event being handled."""
        return self._session.now_ns

    def last(self, symbol: str, /) -> float:
        """Return the last price."""
        self.instrument(symbol)
        return self._session.last_price(self._place(symbol))

    def best_bid(self, symbol: str, /) -> float:
        """Return the best bid of the book, where the strategy sees one, else of the last quote."""
        return self._best(symbol, 0)

    def best_ask(self, symbol: str, /) -> float:
        """Return the best ask, as `best_bid`."""
        return self._best(symbol, 1)

    def book(self, symbol: str, levels: int, /) -> tuple[Levels, Levels]:
        """Return the levels of the book, or the one of the last quote where the strategy sees no book."""
        terms = self.instrument(symbol)
        book = self._books.get(self._session.host.bus.instruments.number(terms.symbol, terms.venue))
        if book is not None:
            return book.levels(levels)
        tick = self._session.host.market.tick(self._place(symbol))
        if tick is None:
            return _rows(nan, nan), _rows(nan, nan)
        return _rows(tick.bid_price, tick.bid_size), _rows(tick.ask_price, tick.ask_size)

    # ---- timers and words

    def set_timer(self, name: str, interval_ns: int, repeat: bool, /) -> None:
        """Set a timer."""
        self._session.host.set_timer(self._session, name, interval_ns, repeat)

    def cancel_timer(self, name: str, /) -> None:
        """Forget a timer."""
        self._session.host.cancel_timer(self._session, name)

    def plot(self, name: str, value: float, symbol: str | None, place: str, /) -> None:
        """Draw a point on the chart."""
        self._session.plot(name, value, None if symbol is None else self._place(symbol), place)

    def log(self, text: str, /) -> None:
        """Write to the system's log."""
        self._session.log(text)

    # ---- inside

    def _place(self, symbol: str) -> str:
        return self._places.get(symbol, symbol)

    def _best(self, symbol: str, side: int) -> float:
        rows = self.book(symbol, 1)[side]
        return float(rows[0, 0]) if len(rows) else nan

    @property
    def _account(self) -> AccountView:
        account = AccountView(self._session)
        return account.in_currency(account.currencies[0]) if account.known else account


def _open(view: OrderView) -> OpenOrder:
    return OpenOrder(view.client_id, view.symbol, view.side, view.quantity, view.price, view.filled, view.order_type, view.status, view.tag)


def _rows(price: float, size: float) -> Levels:
    return np.array([(price, size)] if price == price else [], dtype=np.float64).reshape(-1, 2)
