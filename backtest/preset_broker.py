"""`PresetBroker`: stock matching on the terms of real markets: their fees and ticks, T+1, lots, and price limits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gcg_quant.errors import InstrumentError

from .broker import EventDrivenBroker
from .conversion.comminfo import FuturesCommission, InstrumentCommission, comminfo_of
from .conversion.facts import bounds_of, place_of
from .conversion.order_terms import limit_price

if TYPE_CHECKING:
    from gcg_quant.instruments import Instrument

__all__ = ["PresetBroker"]


@dataclass(slots=True)
class _Market:
    """One feed's terms, and what of its day decides whether an order may trade."""

    terms: Instrument
    commission: InstrumentCommission
    day: int = 0  # the trading day of the newest bar
    bars: int = 0  # how many it has had; bars that do nothing to orders may be passed over
    close: float = 0.0  # of the newest bar
    base: float = 0.0  # the last close of the trading day before; 0 if there was none
    opened_day: int = 0  # the newest day on which the position grew
    opened: float = 0.0  # and by how much of what is held


class PresetBroker(EventDrivenBroker):
    """An `EventDrivenBroker` with stock matching whose orders trade on the terms of their instruments.

    - Fees are those of `Instrument.fee`, futures are margined and have their multiplier. Lots that were opened on the same trading day
      cost their own fee to close; the oldest are closed first.
    - What takes the price there is (market orders, triggered stops) trades `slippage_ticks` worse, within the bar.
    - An order is rejected, with the reason in `order.info.reason`, if its size is no lot of the instrument, if its limit price is outside
      of the day's price limits, or if it sells, of a T+1 instrument, more than what was bought before the trading day and is not in other
      open orders. An order's time is the end of the bar on which it is given, as for the risk check of the TradingEngine; so what was
      bought at the open of a daily bar may be sold on the next day's.
    - While all of a bar stands at the day's upper limit nothing is bought, at the lower nothing is sold: such orders wait. So do the
      children of a bracket that would sell what was bought on the same day.

    Limits are counted from the last close of the day before (for futures the exchanges take the settlement, which bars do not tell).

    Args:
        terms: by (symbol, venue) of every feed.
        slippage_ticks: ticks of the instrument.
    """

    def __init__(self, terms: Mapping[tuple[str, str], Instrument], slippage_ticks: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self._terms = dict(terms)
        self._slippage_ticks = slippage_ticks
        self._markets: dict[Any, _Market] = {}
        self._refused: dict[int, str] = {}

    def start(self) -> None:
        """Begin a run (called by Cerebro)."""
        super().start()
        self._markets.clear()
        self._refused.clear()
        for data in self.cerebro.datas:
            self._market(data)
        self._tell_schemes()
        if self._slippage_ticks:
            self.p.slip_open = self.p.slip_limit = self.p.slip_match = True
            self.p.slip_perc, self.p.slip_out = 0.0, False

    def getcommissioninfo(self, data: Any) -> Any:
        """Return the commission scheme of a feed's instrument."""
        return self._market(data).commission

    def setcommission(self, *args: Any, **kwargs: Any) -> None:
        """Take a commission scheme as Backtrader does; what is traded keeps that of its instrument."""
        super().setcommission(*args, **kwargs)
        self._tell_schemes()

    def addcommissioninfo(self, *args: Any, **kwargs: Any) -> None:
        """Take a commission scheme as Backtrader does; what is traded keeps that of its instrument."""
        super().addcommissioninfo(*args, **kwargs)
        self._tell_schemes()

    def transmit(self, order: Any, check: bool = True) -> Any:
        """Send an order; what must not trade is rejected before the next bar is matched."""
        refusal = self._refusal(order)
        if not refusal:
            return super().transmit(order, check=check)
        self._refused[order.ref] = refusal
        order.submit()
        self.submitted.append(order)
        self.orders.append(order)
        self.notify(order)
        return order

    # The margin of a position was taken from the cash at its price. Backtrader counts it back at the market's, which is right only for
    # its fixed margins: with one that is a share of the price the account would gain with every point more than the point.
    def _get_value(self, datas: Any = None, lever: bool = False) -> Any:
        margined = [(data, one.commission) for data, one in self._markets.items() if isinstance(one.commission, FuturesCommission)]
        for data, commission in margined:
            position = self.positions.get(data)
            commission.margin_price = position.price if position else None
        try:
            return super()._get_value(datas=datas, lever=lever)
        finally:
            for _, commission in margined:
                commission.margin_price = None

    def next(self) -> None:
        """Match the pending orders against the bar."""
        self.before_matching()
        super().next()

    # --- what the fast path calls around its own methods ---------------------------------------------------------------------

    def before_matching(self) -> None:
        """Look at the bar, and reject what was refused since the last one."""
        for data, market in self._markets.items():
            self._follow(data, market)
        if self._refused:
            self._reject()

    def pass_over(self, upto: int = 0) -> None:
        """Note what `before_matching` would have noted of bars for which it was not called: up to the one `upto` from the one shown.

        The days of a feed follow each other, so the first bar of a day is found by halving.
        """
        for data, market in self._markets.items():
            shown = len(data)
            last = shown + upto
            if last <= market.bars:
                continue
            day = market.terms.trading_day(bounds_of(data, upto)[0])
            if day != market.day:
                before, within = market.bars, last
                while within - before > 1:
                    middle = (before + within) // 2
                    if market.terms.trading_day(bounds_of(data, middle - shown)[0]) == day:
                        within = middle
                    else:
                        before = middle
                market.base = market.close if before == market.bars else float(data.close[before - shown])
                market.day = day
            market.close, market.bars = float(data.close[upto]), last

    @contextlib.contextmanager
    def charging(self, order: Any, ago: Any, position: Any) -> Iterator[None]:
        """Charge for one execution of an order (or, without `ago`, for what it would cost), and note what it has opened."""
        market, own = self._market(order.data), self.positions[order.data]
        held = (position or own).size if ago is None else own.size
        with market.commission.execution(held, min(abs(held), self._bought(market, market.day)), first=not order.executed.size):
            yield
        if ago is not None and own.size != held:
            self._note(market, held, own.size)

    # --- what is refused -----------------------------------------------------------------------------------------------------

    def _refusal(self, order: Any) -> str:
        market = self._market(order.data)
        terms, held = market.terms, self.positions[order.data].size
        size = abs(order.created.size)
        try:
            terms.check_order(size, held=held if held * order.created.size < 0 else 0.0)
        except InstrumentError as error:
            return error.message
        day = terms.trading_day(bounds_of(order.data)[1])
        return self._beyond_limits(order, market, day) or self._too_early(order, market, day, size, held)

    def _beyond_limits(self, order: Any, market: _Market, day: int) -> str:
        price, bounds = limit_price(order), _bounds(market, market.close if day > market.day else market.base)
        if price is None or bounds is None:
            return ""
        nearest = min(max(price, bounds[0]), bounds[1])
        return "" if price == nearest else f"price {price:g} is outside of the day's limits, of which {nearest:g} is the nearest"

    def _too_early(self, order: Any, market: _Market, day: int, size: float, held: float) -> str:
        if not market.terms.t_plus_one or order.isbuy() or order.parent is not None:
            return ""
        free = max(0.0, held - self._bought(market, day) - self._offered(order))
        return f"sells {size:g} and {free:g} of what was bought before today is left (T+1)" if size > free else ""

    # What other open orders may sell; of those that cancel each other only the largest.
    def _offered(self, order: Any) -> float:
        groups: dict[Any, float] = {}
        own = self._group(order)
        for other in (*self.pending, *self.submitted):
            if other is None or other.data is not order.data or other.isbuy() or other.ref in self._refused or not other.active():
                continue
            group = self._group(other)
            if group != own:
                groups[group] = max(groups.get(group, 0.0), abs(other.executed.remsize))
        return sum(groups.values())

    def _group(self, order: Any) -> Any:
        if order.parent is not None:
            return "bracket", order.parent.ref
        return "oco", self._ocos.get(order.ref, order.ref)

    def _reject(self) -> None:
        for order in [one for one in self.submitted if one.ref in self._refused]:
            self.submitted.remove(order)
            order.addinfo(reason=self._refused[order.ref])
            order.reject(self)
            self.notify(order)
            self._ococheck(order)
            self._pchildren.pop(order.ref, None)  # its children are rejected for having no parent
        self._refused.clear()

    # --- what waits, and what it costs ---------------------------------------------------------------------------------------

    def _try_exec(self, order: Any) -> None:
        market = self._market(order.data)
        if self._waits(order, market):
            self._let_follow(order)
            return
        self.p.slip_fixed = self._slippage_ticks * market.terms.tick_size
        super()._try_exec(order)

    # What Backtrader does with an order that a bar does not fill: a trailing stop follows the close, a Close order notes it.
    def _let_follow(self, order: Any) -> None:
        close, kind = order.data.close[0], order.exectype
        if kind == order.Close:
            order.pannotated = close
        elif kind == order.StopTrail or (kind == order.StopTrailLimit and not order.triggered):
            order.trailadjust(close)

    def _waits(self, order: Any, market: _Market) -> bool:
        data, bounds = order.data, _bounds(market, market.base)
        if bounds is not None:
            low, high = bounds
            if data.low[0] >= high if order.isbuy() else data.high[0] <= low:
                return True
        if not market.terms.t_plus_one or order.isbuy():
            return False
        return bool(abs(order.executed.remsize) > self.positions[data].size - self._bought(market, market.day))

    def _execute(self, order: Any, ago: Any = None, price: Any = None, cash: Any = None, position: Any = None, dtcoc: Any = None) -> Any:
        with self.charging(order, ago, position):
            return super()._execute(order, ago=ago, price=price, cash=cash, position=position, dtcoc=dtcoc)

    def _note(self, market: _Market, before: float, after: float) -> None:
        if market.opened_day != market.day:
            market.opened_day, market.opened = market.day, 0.0
        grown = abs(after) - abs(before) if before * after > 0 else abs(after)
        market.opened = min(market.opened + max(0.0, grown), abs(after)) if before * after >= 0 else abs(after)

    def _bought(self, market: _Market, day: int) -> float:
        return market.opened if market.opened_day >= day else 0.0

    # --- the day -------------------------------------------------------------------------------------------------------------

    def _market(self, data: Any) -> _Market:
        market = self._markets.get(data)
        if market is None:
            place = place_of(data)
            if place not in self._terms:
                raise InstrumentError(f"The preset broker has no terms of {'@'.join(filter(None, place))}: name them.", symbol=place[0])
            terms = self._terms[place]
            market = self._markets[data] = _Market(terms, comminfo_of(terms))
        return market

    def _follow(self, data: Any, market: _Market) -> None:
        if not len(data):
            return
        day = market.terms.trading_day(bounds_of(data)[0])
        if day != market.day:
            market.day, market.base = day, market.close
        market.close, market.bars = float(data.close[0]), len(data)

    # Where Backtrader keeps them by the names of feeds, and the fast path looks for them.
    def _tell_schemes(self) -> None:
        for data, market in self._markets.items():
            self.comminfo[data._name] = market.commission


def _bounds(market: _Market, base: float) -> tuple[float, float] | None:
    return market.terms.price_bounds(base) if base > 0 else None
