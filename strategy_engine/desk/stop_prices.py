"""What market data says to stops that are held here: whether they are reached, and where a trailing one goes."""

from __future__ import annotations

import math
from dataclasses import replace
from math import isnan

from gcg_quant.events import Bar, BarBasis, Depth, MarketDataEvent, Side, Tick, TradeTick
from gcg_quant.instruments import Instrument

from ..orders.order import Order, WholeTerms
from ..orders.trail import Trail, read_trail

__all__ = ["StopPrices", "followed", "is_reached"]


class StopPrices:
    """Chooses the prices of market data that count for stops, by the rules of native/include/gcg/matching.h.

    Trades and last prices count; quotes only where no trade was ever seen, and then those of the opposite side; bars only where there
    is nothing finer, with their range if they began after the order's last change, else with their close alone.
    """

    def __init__(self) -> None:
        self._traded: set[int] = set()  # instruments that have shown a trade or a last price
        self._fine: set[int] = set()  # ... or anything but bars

    def note(self, event: MarketDataEvent) -> None:
        """Take in what an event says of its instrument."""
        number = event.instrument
        if number in self._traded or isinstance(event, Bar):
            return
        self._fine.add(number)
        if isinstance(event, TradeTick) or (isinstance(event, Tick) and not isnan(event.last_price)):
            self._traded.add(number)

    def of(self, event: MarketDataEvent, order: Order) -> tuple[float, ...]:
        """Return the prices that an order has to look at, in turn: of a bar the worst, the best and the worst again."""
        sells = order.side == Side.SELL
        if isinstance(event, Tick):
            if not isnan(event.last_price):
                return (event.last_price,)
            quote = event.bid_price if sells else event.ask_price
            return () if event.instrument in self._traded or isnan(quote) else (quote,)
        if isinstance(event, TradeTick):
            return (event.price,)
        if isinstance(event, Bar):
            return self._of_bar(event, order, sells)
        if isinstance(event, Depth) and event.instrument not in self._traded:
            quote = event.bid_prices[0] if sells else event.ask_prices[0]
            return () if isnan(quote) else (quote,)
        return ()

    def _of_bar(self, bar: Bar, order: Order, sells: bool) -> tuple[float, ...]:
        if bar.instrument in self._fine or bar.basis == (BarBasis.ASK if sells else BarBasis.BID):
            return ()
        if bar.start_ns < order.report.event_ns:
            return (bar.close,)
        return (bar.low, bar.high, bar.low) if sells else (bar.high, bar.low, bar.high)


def is_reached(order: Order, price: float) -> bool:
    """Return whether a price has reached an order's stop."""
    stop = order.whole.stop_ticks
    if stop is None:
        return False
    exact = _exact(order.instrument, price)
    return exact <= stop + _slack(exact) if order.side == Side.SELL else exact >= stop - _slack(exact)


def followed(order: Order, price: float) -> WholeTerms:
    """Return a trailing order's terms after a price: its stop comes nearer, never further away, and its limit keeps the distance."""
    whole, sells, instrument = order.whole, order.side == Side.SELL, order.instrument
    exact = _exact(instrument, price)
    ticks = math.floor(exact + _slack(exact)) if sells else math.ceil(exact - _slack(exact))
    away = _away(read_trail(order.terms, instrument), ticks)
    stop = ticks - away if sells else ticks + away
    old = whole.stop_ticks
    if old is None:
        return replace(whole, stop_ticks=stop)
    if stop <= old if sells else stop >= old:
        return whole
    limit = whole.price_ticks
    return replace(whole, stop_ticks=stop, price_ticks=None if limit is None else limit + stop - old)


def _away(trail: Trail, ticks: int) -> int:
    # Rounded half up, at least a tick.
    return trail.ticks or max(1, (abs(ticks) * trail.millionths + 500_000) // 1_000_000)


def _exact(instrument: Instrument, price: float) -> float:
    return price / instrument.tick_size


def _slack(exact: float) -> float:
    return 1e-6 + abs(exact) * 1e-15  # what floating point leaves behind; as Grid in native/include/gcg/trading.h
