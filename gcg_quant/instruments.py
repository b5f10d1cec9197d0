"""Instruments: what a symbol at a venue is, and the terms it trades on.

All rounding of prices and quantities happens here and nowhere else: risk, matching and accounts compare the integer ticks and
lots that `Instrument.ticks` and `Instrument.lots` return. A price that lies between two ticks is refused with the nearest
valid one, unless the caller rounds it on purpose (`round_price`).
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal

import msgspec

from gcg_quant.calendar import Calendar
from gcg_quant.clock import day_of
from gcg_quant.errors import InstrumentError, nearest
from gcg_quant.market_terms import market_of, terms_of

__all__ = ["Instrument", "preset", "usual_terms"]

Rounding = Literal["nearest", "down", "up"]


class Instrument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One symbol at one venue with the terms of the day. The defaults let every price and quantity pass and charge nothing.

    Quantities are in units of the instrument (shares, contracts, coins, units of the base currency), `tick_size` in the
    currency, fees as stated beside each field. `preset` fills in a market's usual terms.
    """

    symbol: str
    venue: str
    kind: str = ""  # "stock", "etf", "future", "fx", "crypto", "index"
    market: str = "sim"  # "fx", "cn_stock", "cn_future", "us", "hk", "crypto", "sim"
    currency: str = "USD"
    tick_size: float = 1e-8
    lot_size: float = 1e-8
    min_quantity: float = 0.0
    multiplier: float = 1.0  # value of one unit at price 1
    margin_rate: float = 1.0  # share of the value that a position ties up; 1 = paid in full
    maker_fee: float = 0.0  # fraction of the value
    taker_fee: float = 0.0  # fraction of the value
    fee_per_unit: float = 0.0  # currency a unit
    fee_per_order: float = 0.0  # currency an order, charged with its first fill
    min_fee: float = 0.0  # currency an order, charged with its first fill
    stamp_duty: float = 0.0  # fraction of the value, on sales
    t_plus_one: bool = False  # what was bought today is sold tomorrow at the earliest
    price_limit: float | None = None  # furthest move from the previous close, as a fraction
    calendar: str = "24/7"
    timezone: str = "UTC"
    description: str = ""
    legs: bool = False  # long and short positions are held apart, and an order says whether it opens or closes
    today_apart: bool = False  # an order that closes says whether it closes today's lots or earlier ones
    close_today_fee: float | None = None  # fraction of the value, where closing today's lots has a fee of its own
    close_today_fee_per_unit: float | None = None  # currency a unit, likewise
    larger_side: bool = False  # of a long and a short position that are held apart, only the larger one ties up margin
    inverse: bool = False  # a contract of `multiplier` units of the price's currency, paid in the other one: worth multiplier / price

    def __post_init__(self) -> None:
        """Refuse terms that make no sense, with an InstrumentError that names the field."""
        for field, least, most in (("symbol", 1, 80), ("venue", 0, 32)):
            text = getattr(self, field)
            if not least <= len(text.encode()) <= most:
                raise InstrumentError(
                    f"An instrument's {field} must have {least} to {most} bytes, found {text!r}.", field=field, value=text
                )
        if "@" in self.venue:
            raise InstrumentError(f"A venue must not contain '@', found {self.venue!r}.", field="venue", value=self.venue)
        for field in ("tick_size", "lot_size", "multiplier", "margin_rate"):
            self._check(field, above=0.0, strict=True)
        for field in ("min_quantity", "taker_fee", "fee_per_unit", "fee_per_order", "min_fee", "stamp_duty"):
            self._check(field, above=0.0, strict=False)
        self._check("maker_fee", above=-1.0, strict=True)
        if self.price_limit is not None:
            self._check("price_limit", above=0.0, strict=True)
        for field in ("close_today_fee", "close_today_fee_per_unit"):
            if getattr(self, field) is not None:
                self._check(field, above=0.0, strict=False)
        if self.today_apart and not self.legs:
            raise InstrumentError(f"{self.symbol}: today_apart needs legs: only what is held apart is closed by its day.", field="legs")
        if self.larger_side and not self.legs:
            raise InstrumentError(f"{self.symbol}: larger_side needs legs: a net position has one side.", field="legs")
        if self.inverse and self.kind != "future" and self.margin_rate == 1.0:
            raise InstrumentError(f'{self.symbol}: inverse is for contracts: it needs kind = "future".', field="inverse")

    @property
    def name(self) -> str:
        """The symbol and its venue, such as "BTC/USDT@SIM"."""
        return f"{self.symbol}@{self.venue}" if self.venue else self.symbol

    @property
    def decimals(self) -> int:
        """How many decimals a price is shown with."""
        return _decimals(self.tick_size)

    @property
    def quantity_decimals(self) -> int:
        """How many decimals a quantity is shown with."""
        return _decimals(self.lot_size)

    def ticks(self, price: float) -> int:
        """Return the price in whole ticks; raise InstrumentError naming the nearest valid prices if it lies between two."""
        return self._count(price, self.tick_size, "price", "tick size")

    def price(self, ticks: int) -> float:
        """Return the price of so many ticks: the float nearest to the decimal value."""
        numerator, denominator = _ratio(self.tick_size)
        return ticks * numerator / denominator

    def round_price(self, price: float, rounding: Rounding = "nearest") -> float:
        """Return the valid price nearest to `price`, or the next one below ("down") or above ("up")."""
        return self.price(_whole(_finite(price, "price", self), self.tick_size, rounding))

    def lots(self, quantity: float) -> int:
        """Return the quantity in whole lots (signed); raise InstrumentError naming the nearest valid quantities if it is none."""
        return self._count(quantity, self.lot_size, "quantity", "lot size")

    def quantity(self, lots: int) -> float:
        """Return the quantity of so many lots."""
        numerator, denominator = _ratio(self.lot_size)
        return lots * numerator / denominator

    def round_quantity(self, quantity: float, rounding: Rounding = "down") -> float:
        """Return the quantity in whole lots, by default the largest that does not exceed it (towards zero)."""
        lots = _whole(abs(_finite(quantity, "quantity", self)), self.lot_size, rounding)
        return math.copysign(self.quantity(lots), quantity) if lots else 0.0

    def check_order(self, quantity: float, price: float | None = None, *, held: float = 0.0) -> None:
        """Raise InstrumentError, naming the nearest valid value, if an order of this size and price cannot be placed.

        `held` is the position that the order reduces: an odd remainder may be closed, but only whole.
        """
        if _finite(quantity, "quantity", self) <= 0:
            raise InstrumentError(
                f"An order's quantity must be above 0, found {quantity:g} {self.symbol}.", symbol=self.symbol, quantity=quantity
            )
        if quantity != abs(held):
            self.lots(quantity)
            if quantity < self.min_quantity:
                raise InstrumentError(
                    f"The quantity {quantity:g} of {self.symbol} is below its minimum; the nearest valid one is {self.min_quantity:g}.",
                    symbol=self.symbol,
                    quantity=quantity,
                    nearest=self.min_quantity,
                )
        if price is not None:
            self.ticks(price)

    def order_lots(self, quantity: float) -> int:
        """Return the lots of an order of this size; raise InstrumentError, as `check_order` does, if it cannot be placed."""
        if self.min_quantity <= quantity < math.inf and quantity > 0:
            count, _, is_whole = _counted(quantity, self.lot_size)
            if is_whole:
                return count
        self.check_order(quantity)  # says what is wrong
        return self.lots(quantity)

    def value(self, quantity: float, price: float) -> float:
        """Return what a quantity is worth at a price, in the instrument's currency, whichever side it is of.

        An inverse contract is worth multiplier / price, and NaN at a price that is not above 0.
        """
        if self.inverse:
            return abs(quantity) * self.multiplier / price if price > 0.0 else math.nan
        return abs(quantity) * price * self.multiplier

    def profit(self, quantity: float, entry: float, leave: float) -> float:
        """Return the profit of a signed quantity from one price to another, in the instrument's currency, before fees.

        Of an inverse contract it is (1 / entry - 1 / leave) * quantity * multiplier: Binance, "COIN-M Futures contract specifications";
        OKX, "Crypto-margined contracts".
        """
        if self.inverse:
            return (1.0 / entry - 1.0 / leave) * quantity * self.multiplier if entry > 0.0 and leave > 0.0 else math.nan
        return (leave - entry) * quantity * self.multiplier

    def paid(self, quantity: float, price: float) -> float:
        """Return what buying a signed quantity adds to a sum of purchases, so that a whole round trip sums up to its loss.

        Whoever buys an inverse contract is owed what it is worth in coins: its sign is the other one.
        """
        value = self.value(quantity, price)
        return value if (quantity < 0.0) == self.inverse else -value

    def average(self, held: float, average: float, added: float, price: float) -> float:
        """Return the average price of two quantities above 0, at which their profit is that of both: the harmonic one if it is inverse."""
        if self.inverse:
            return (held + added) / (held / average + added / price) if average > 0.0 and price > 0.0 else math.nan
        return (average * held + price * added) / (held + added)

    def fee(self, quantity: float, price: float, *, sell: bool, maker: bool = False, first: bool = True, today: float = 0.0) -> float:
        """Return the fee of one fill in the instrument's currency.

        Args:
            quantity: what was traded.
            price: at which price.
            sell: whether it was sold.
            maker: whether the order had been resting.
            first: whether it is the order's first fill.
            today: the part of the quantity that closes lots which were opened today.
        """
        value, rate = self.value(quantity, price), self.maker_fee if maker else self.taker_fee
        if today:
            others, own_rate, own_per_unit = abs(quantity) - today, self.close_today_fee, self.close_today_fee_per_unit
            fee = self.value(others, price) * rate + others * self.fee_per_unit
            fee += self.value(today, price) * (rate if own_rate is None else own_rate)
            fee += today * (self.fee_per_unit if own_per_unit is None else own_per_unit)
        else:
            fee = value * rate + abs(quantity) * self.fee_per_unit
        if first:
            fee = max(fee + self.fee_per_order, self.min_fee)
        return fee + (value * self.stamp_duty if sell else 0.0)

    def price_bounds(self, previous_close: float) -> tuple[float, float] | None:
        """Return the lowest and the highest price allowed today, or None without a price limit.

        Like the exchanges do, the limits are rounded half up to the tick.
        """
        if self.price_limit is None:
            return None
        numerator, denominator = _ratio(self.tick_size)
        close, limit = Fraction(repr(float(previous_close))), Fraction(repr(self.price_limit))
        tick = Fraction(numerator, denominator)
        low, high = (math.floor(close * share / tick + Fraction(1, 2)) for share in (1 - limit, 1 + limit))
        return self.price(low), self.price(high)

    def trading_day(self, ns: int) -> int:
        """Return the trading day YYYYMMDD that a moment belongs to.

        Where it decides money (T+1, lots of today and of yesterday) the calendar says so: a night session belongs to the next day.
        Elsewhere, and where nobody knows the calendar, it is the date in the market's time zone.
        """
        if self.calendar == "24/7":
            return day_of(ns)
        if self.t_plus_one or self.legs:
            calendar = _calendar(self.calendar)
            if calendar is not None:
                return calendar.trading_day(ns)
        return day_of(ns, self.timezone)

    def _check(self, field: str, *, above: float, strict: bool) -> None:
        value = getattr(self, field)
        if not math.isfinite(value) or value < above or (strict and value == above):
            rule = "above" if strict else "at least"
            raise InstrumentError(f"{self.symbol}: {field} must be {rule} {above:g}, found {value!r}.", field=field, value=value)

    def _count(self, value: float, unit: float, what: str, unit_name: str) -> int:
        if not math.isfinite(value):
            _finite(value, what, self)
        count, valid, is_whole = _counted(value, unit)
        if not is_whole:
            raise InstrumentError(
                f"The {what} {value!r} of {self.symbol} is not a multiple of its {unit_name} {unit:g}; the nearest valid one is {valid!r}.",
                symbol=self.symbol,
                value=value,
                nearest=valid,
            )
        return count


@lru_cache(maxsize=16_384)  # orders ask for the same few prices and quantities again and again
def _counted(value: float, unit: float) -> tuple[int, float, bool]:
    # The nearest count of units, what it is worth, and whether that is the value.
    numerator, denominator = _ratio(unit)
    count = _whole(value, unit, "nearest")
    valid = count * numerator / denominator
    # What arithmetic on floats leaves behind is no error; a thousandth of a tick is one.
    return count, valid, abs(value - valid) <= unit * 1e-6 + 4 * math.ulp(value)


def preset(market: str, symbol: str, venue: str, *, price: float | None = None, **overrides: Any) -> Instrument:
    """Return an instrument with the usual terms of its market, any of them overridden by name.

    Args:
        market: "fx", "cn_stock", "cn_future", "us", "hk" or "crypto" (`gcg_quant.market_terms.market_of` guesses it).
        symbol: as the venue writes it; for futures the product is taken from its first letters.
        venue: where it trades.
        price: about what it costs; chooses the tick size of a Hong Kong share.
        overrides: fields of Instrument; kind="future" makes a CME contract of a symbol in market "us".
    """
    terms = terms_of(market, symbol, price, overrides.get("kind"))
    try:
        return Instrument(symbol=symbol, venue=venue, **{**terms, **overrides})
    except TypeError as error:
        known = Instrument.__struct_fields__
        wrong = next((name for name in overrides if name not in known), "")
        raise InstrumentError(f"An instrument has no field {wrong!r}.{nearest(wrong, known)}", field=wrong) from error


def usual_terms(symbol: str, venue: str, **overrides: Any) -> Instrument:
    """Return an instrument of which only the symbol need be known: its market's usual terms, any of them overridden by name.

    Raises:
        InstrumentError: a term makes no sense, or there is no such market or field.
    """
    market = overrides.pop("market", None) or market_of(symbol)
    if market == "sim":
        return Instrument(symbol=symbol, venue=venue, **overrides)
    return preset(market, symbol, venue, **overrides)


@lru_cache(maxsize=64)
def _calendar(name: str) -> Calendar | None:
    try:
        return Calendar(name)
    except InstrumentError:
        return None


@lru_cache(maxsize=1024)
def _ratio(unit: float) -> tuple[int, int]:
    # 0.01 is no binary fraction: as 1/100 in integers, price(ticks) is the correctly rounded quotient.
    return Fraction(repr(float(unit))).as_integer_ratio()


@lru_cache(maxsize=1024)
def _decimals(unit: float) -> int:
    exponent = Decimal(repr(float(unit))).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _finite(value: float, what: str, instrument: Instrument) -> float:
    if not math.isfinite(value):
        raise InstrumentError(
            f"The {what} of {instrument.symbol} must be a number, found {value!r}.", symbol=instrument.symbol, value=value
        )
    return value


def _whole(value: float, unit: float, rounding: Rounding) -> int:
    numerator, denominator = _ratio(unit)
    exact = value * denominator / numerator
    count = round(exact)
    if rounding == "nearest" or abs(exact - count) <= 1e-6 + 4 * math.ulp(exact):
        return count
    return math.floor(exact) if rounding == "down" else math.ceil(exact)
