"""The risk check of one account: the face of native/include/gcg/risk.h, with sentences for what it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan, nan
from typing import NamedTuple

from gcg_quant import _native
from gcg_quant.errors import InstrumentError
from gcg_quant.events import (
    MarketDataEvent,
    OrderCommand,
    OrderRequest,
    OrderType,
    RiskReason,
    RiskVerdict,
)
from gcg_quant.instruments import Instrument

from ..orders.order import WholeTerms, price_ticks
from ..orders.reasons import fitted
from ..orders.trail import TRAILING, read_trail
from .limits import LIMIT_NAMES, RULE_NAMES, Limit, RiskRules, native_limits
from .market_hours import MarketHours

__all__ = ["Finding", "RiskEngine", "read_terms", "summary"]

_PLAIN = frozenset({OrderType.LIMIT, OrderType.MARKET})
_PRICED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP_LIMIT})
_NET, _BOTH, _LARGER = 0, 1, 2  # Sides in risk.h
_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})

# What a refusal says: {v} the value found, {l} the limit, {s} the symbol.
_SENTENCES = {
    RiskReason.ORDER_SIZE: "order quantity {v} is above max_order_quantity {l}",
    RiskReason.ORDER_VALUE: "order value {v} is above max_order_value {l}",
    RiskReason.POSITION_SIZE: "position would be {v}, above max_position_quantity {l}",
    RiskReason.POSITION_VALUE: "position value would be {v}, above max_position_value {l}",
    RiskReason.DAILY_LOSS: "loss of the day {v} has reached max_daily_loss {l}: only closing orders pass",
    RiskReason.ORDER_RATE: "{v} orders within a second are above max_orders_per_second {l}",
    RiskReason.OPEN_ORDERS: "{v} open orders are above max_open_orders {l}",
    RiskReason.CONCENTRATION: "position would be {v} of the equity, above max_concentration {l}",
    RiskReason.PRICE_BAND: "price is {v} of the last price away, above price_band {l}",
    RiskReason.SELF_TRADE: "would trade at {v} with an own order at {l}",
    RiskReason.T_PLUS_ONE: "sells {v} and {l} of what was bought before today is left (T+1)",
    RiskReason.BUYING_POWER: "needs {v} and {l} is available",
    RiskReason.KILL_SWITCH: "kill switch is on",
    RiskReason.NO_MARKET: "no price of {s} is known yet",
    RiskReason.UNKNOWN_INSTRUMENT: "no instrument {s} is known",
    RiskReason.PRICE_LIMIT: "price {v} is outside of the day's limits, of which {l} is the nearest",
}
_PERCENT = (RiskReason.PRICE_BAND, RiskReason.CONCENTRATION)


class Finding(NamedTuple):
    """One reason against an order, with the value that was found, the limit that it breaks, and a sentence."""

    reason: RiskReason
    value: float
    limit: float
    sentence: str


def summary(findings: Sequence[Finding]) -> str:
    """Return one text for all reasons: sentences, or name, value and limit alone if those would not fit a verdict."""
    text = "; ".join(finding.sentence for finding in findings)
    if len(text.encode()) <= 160:
        return text
    return fitted("; ".join(map(_in_short, findings)))


def _in_short(finding: Finding) -> str:
    name = (finding.reason.name or "").lower()
    return name if isnan(finding.value) else f"{name} {finding.value:g}>{finding.limit:g}"


def read_terms(request: OrderRequest, instrument: Instrument) -> tuple[WholeTerms, list[Finding]]:
    """Return a request's quantity and prices in whole lots and ticks, and what is wrong with them."""
    quantity, kind = request.quantity, request.order_type
    key = None
    if kind in _PLAIN:
        price = request.price if kind in _PRICED else None
        key = (instrument.tick_size, instrument.lot_size, instrument.min_quantity, quantity, price)
        known = _known.get(key)
        if known is not None:
            return known, []
    whole, found = _read(request, quantity, kind, instrument)
    if key is not None and not found and (whole.price_ticks is None or whole.price_ticks > 0):
        if len(_known) >= _KNOWN:
            _known.clear()
        _known[key] = whole
    return whole, found


# Orders come at the same few prices and sizes: the terms of those without a stop that nothing was wrong with, whatever the instrument.
_known: dict[tuple[float, float, float, float, float | None], WholeTerms] = {}
_KNOWN = 16_384


def _read(request: OrderRequest, quantity: float, kind: OrderType, instrument: Instrument) -> tuple[WholeTerms, list[Finding]]:
    found: list[Finding] = []
    lots, price, stop = 0, None, None
    try:
        lots = instrument.order_lots(quantity)
    except InstrumentError as error:
        found.append(Finding(RiskReason.BAD_QUANTITY, quantity, nan, error.message))
    try:
        if kind in _PRICED:
            price = price_ticks(instrument, request.price, "limit price")
        if kind in _STOPS:
            stop = price_ticks(instrument, request.stop_price, "stop price")
        if kind in TRAILING:
            read_trail(request, instrument)
            if not isnan(request.stop_price):
                stop = price_ticks(instrument, request.stop_price, "stop price")
    except InstrumentError as error:
        found.append(Finding(RiskReason.BAD_PRICE, request.price, nan, error.message))
    return WholeTerms(lots, price, stop), found


class _Numbers(dict[str, int]):
    # Numbers names in the order in which they are asked for: a name that is known costs a look-up.

    def __missing__(self, name: str) -> int:
        number = self[name] = len(self) + 1
        return number


class RiskEngine:
    """Checks every order of one account before a command for the venue exists. It belongs to one thread.

    `native` is fed with market data, fills and open orders by the trading desk; the rules are changed by `set_rules` at any time.
    """

    def __init__(
        self,
        rules: RiskRules | None = None,
        *,
        currency: str = "USD",
        mark_interval_ns: int = 1_000_000_000,
        native: _native.RiskEngine | None = None,
    ) -> None:
        self.native = native or _native.RiskEngine(mark_interval_ns)  # the tick engine has one of its own
        self._measure = self.native.check
        self.rules = rules or RiskRules()
        self.strategies = _Numbers()  # by name, 1 or more
        self._currencies: dict[str, int] = {currency: 0}
        self._instruments: dict[int, Instrument] = {}
        self._hours = MarketHours(self.native)
        self._dated = self._hours.dated
        self.set_rules(self.rules)

    # ---- names and numbers

    def strategy_number(self, strategy: str) -> int:
        """Return the number of a strategy's name, 1 or more."""
        return self.strategies[strategy]

    def currency_number(self, currency: str) -> int:
        """Return the number of a currency; 0 is the account's own."""
        return self._currencies.setdefault(currency, len(self._currencies))

    def knows(self, number: int) -> bool:
        """Return whether the terms of an instrument number were given."""
        return number in self._instruments

    def set_terms(self, number: int, instrument: Instrument) -> None:
        """Take the terms of an instrument number; they may change only while none of its orders is open."""
        self._instruments[number] = instrument
        self.native.set_terms(
            instrument=number,
            tick_size=instrument.tick_size,
            lot_size=instrument.lot_size,
            multiplier=instrument.multiplier,
            margin_rate=instrument.margin_rate,
            fee_rate=instrument.taker_fee,
            currency=self.currency_number(instrument.currency),
            calendar=self._hours.number(instrument.calendar),
            price_limit=instrument.price_limit,
            by_settlement=instrument.kind == "future",
            t_plus_one=instrument.t_plus_one,
            sides=(_LARGER if instrument.larger_side else _BOTH) if instrument.legs else _NET,
            inverse=instrument.inverse,
        )
        self._hours.set_dated(number, instrument if instrument.t_plus_one or instrument.price_limit is not None else None)
        if any(override.symbol for override in self.rules.overrides):
            self.set_rules(self.rules)

    # ---- the rules

    def set_rules(self, rules: RiskRules) -> None:
        """Put rules in force for the next order on."""
        self.rules = rules
        native, limits = self.native, rules.limits
        native.clear_limits()
        plain: dict[str, Limit] = {name: getattr(limits, name) for name in (*LIMIT_NAMES, *RULE_NAMES)}
        native.set_limits(strategy=0, instrument=0, **native_limits(plain, everywhere=True))
        for (strategy, number), own in self._special_limits(rules).items():
            native.set_limits(strategy=strategy, instrument=number, **native_limits(own, everywhere=False))
        native.set_daily_loss(nan if limits.max_daily_loss is None else limits.max_daily_loss)
        native.set_buying_power(limits.buying_power)
        native.set_kill_switch(limits.kill_switch)
        if rules.uses("session"):
            self._hours.load()

    def _special_limits(self, rules: RiskRules) -> dict[tuple[int, int], dict[str, Limit]]:
        special: dict[tuple[int, int], dict[str, Limit]] = {}
        for override in rules.overrides:
            strategy = self.strategy_number(override.strategy) if override.strategy else 0
            numbers = [0] if not override.symbol else self._numbers(override.symbol)
            for number in numbers:
                special.setdefault((strategy, number), {}).update(override.limits)
        return special

    def _numbers(self, symbol: str) -> list[int]:
        return [number for number, one in self._instruments.items() if symbol in (one.symbol, one.name)]

    # ---- the check

    def on_market(self, event: MarketDataEvent) -> int:
        """Take in a market data record; return what it asks for (bits of market_signal in risk.h)."""
        return self.native.on_market(event)

    def check(
        self,
        request: OrderRequest | OrderCommand,
        number: int,
        whole: WholeTerms,
        now_ns: int,
        *,
        replaces_lots: int = 0,
        sides: tuple[int, int] | None = None,
    ) -> tuple[int, list[Finding]]:
        """Return how many rules were measured and every reason against an order of these terms.

        `sides` says how many of its lots open, and how many it adds to what may tie up margin, where long and short are held apart.
        """
        lots, price, stop = whole.lots, whole.price_ticks, whole.stop_ticks
        day = self._hours.trading_day(number, now_ns) if number in self._dated else 0
        strategy, side = self.strategies[request.strategy], request.side
        if sides is None:
            rules, rows = self._measure(strategy, number, side, lots, price, stop, replaces_lots, now_ns, day)
        else:
            rules, rows = self._measure(strategy, number, side, lots, price, stop, replaces_lots, now_ns, day, *sides)
        if not rows:
            return rules, []
        return rules, [self._finding(RiskReason(reason), value, limit, number) for reason, value, limit in rows]

    def _finding(self, reason: RiskReason, value: float, limit: float, number: int) -> Finding:
        instrument = self._instruments[number]
        if reason == RiskReason.SESSION_CLOSED:
            return Finding(reason, value, limit, self._hours.closed(instrument, limit))
        texts = [f"{number:.2%}" if reason in _PERCENT else f"{number:.10g}" for number in (value, limit)]
        return Finding(reason, value, limit, _SENTENCES[reason].format(v=texts[0], l=texts[1], s=instrument.symbol))

    @staticmethod
    def verdict(
        terms: OrderRequest | OrderCommand,
        account: str,
        client_id: str,
        request: int,
        event_ns: int,
        rules: int,
        findings: Sequence[Finding],
    ) -> RiskVerdict:
        """Return the verdict on a request as an event: passed if nothing was found; `value` and `limit` are those of the first reason."""
        ordered = sorted(findings, key=lambda finding: finding.reason) if findings else ()
        verdict = terms.recast(
            RiskVerdict,
            event_ns=event_ns,
            recv_ns=event_ns,
            request=request,
            account=account,
            client_id=client_id,
            rules=rules,
            passed=0 if ordered else 1,
        )
        if not ordered:
            return verdict
        reasons, first = sum({int(finding.reason) for finding in ordered}), ordered[0]
        return verdict.replace(reasons=reasons, value=first.value, limit=first.limit, message=summary(ordered))
