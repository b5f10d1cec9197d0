"""The market as the strategies of one process see it: last prices, last ticks, instruments."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING

from gcg_quant.calendar import Calendar
from gcg_quant.errors import InstrumentError
from gcg_quant.events import Bar, Tick, TradeTick

from ..accounts.currencies import CurrencyRates

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus
    from gcg_quant.instruments import Instrument

__all__ = ["Market", "middle"]


def middle(tick: Tick) -> float:
    """Return the price between bid and ask, or NaN where a side is missing."""
    return (tick.bid_price + tick.ask_price) / 2.0


class Market:
    """What all strategies share. Written by the manager's thread as events come; read by strategies."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._numbers: dict[str, int] = {}
        self._prices: dict[int, float] = {}
        self._ticks: dict[int, Tick] = {}
        self._rates: dict[str, CurrencyRates] = {}

    def instrument(self, text: str) -> Instrument:
        """Return the terms behind "BTC/USDT" or "BTC/USDT@SIM".

        Raises InstrumentError, with the nearest symbol, if the bus knows none, or knows several venues and none is named.
        """
        instruments = self._bus.instruments
        number = self._numbers.get(text)
        if number is None:
            found = instruments.get(text)
            number = self._numbers[text] = instruments.number(found.symbol, found.venue)
        return instruments[number]

    def find(self, text: str) -> Instrument | None:
        """Return the terms of a symbol, or None if the bus does not know it yet. Raises InstrumentError if several venues have it."""
        try:
            return self.instrument(text)
        except InstrumentError:
            if "@" not in text and any(one.symbol == text for one in self._bus.instruments):
                raise
            return None

    def knows(self, text: str) -> bool:
        """Return whether the bus has the instrument, or several of that symbol; a pattern is always known."""
        if text in self._numbers or any(sign in text for sign in "*?["):
            return True
        return any(text in (one.symbol, one.name) for one in self._bus.instruments)

    def sessions(self, symbol: str, venue: str) -> Calendar | None:
        """Return the calendar of an instrument whose bars within the day are aligned to its sessions; by the clock, none is needed."""
        try:
            name = self._bus.instruments.get(symbol, venue).calendar
            return Calendar(name) if ":" in name else None
        except InstrumentError:
            return None

    def note_tick(self, tick: Tick) -> None:
        """Remember a tick and its price: the last one, else the middle; a one-sided tick without a last price changes no price."""
        number = tick.instrument
        self._ticks[number] = tick
        price = tick.last_price
        if price != price:
            price = middle(tick)
            if price != price:
                return
        self._prices[number] = price

    def note_trade(self, trade: TradeTick) -> None:
        """Remember a trade's price."""
        self._prices[trade.instrument] = trade.price

    def note_bar(self, bar: Bar) -> None:
        """Take a bar's close as the price where no tick or trade has told one."""
        if bar.instrument not in self._ticks:
            self._prices[bar.instrument] = bar.close

    def last_price(self, text: str) -> float:
        """Return the last price seen of a symbol, NaN if there was none."""
        number = self._number(text)
        return self._prices.get(number, nan) if number is not None else nan

    def rates(self, currency: str) -> CurrencyRates:
        """Return what other currencies are worth in `currency`, by the last prices seen."""
        if currency not in self._rates:
            self._rates[currency] = CurrencyRates(currency, self._bus.instruments, lambda number: self._prices.get(number, nan))
        return self._rates[currency]

    def tick(self, text: str) -> Tick | None:
        """Return the last tick seen of a symbol, or None."""
        number = self._number(text)
        return self._ticks.get(number) if number is not None else None

    def _number(self, text: str) -> int | None:
        return self._numbers[text] if text in self._numbers or self.find(text) is not None else None
