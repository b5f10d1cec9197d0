"""The risk limits in force, how much of each is used, and what was refused: the answer of `risk` and GET /api/v1/risk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf, nan
from typing import Any

import msgspec

from gcg_quant.bus import EventBus
from gcg_quant.events import Lane, Offset, OrderEvent, PositionEvent, RiskReason, RiskVerdict, Side, Tick
from gcg_quant.instruments import Instrument
from gcg_quant.sections import RiskSettings

from ...strategy_engine.accounts.currencies import CurrencyRates
from ..changes.risk_change import NOT_LIMITS
from ..views.system_view import SystemView

__all__ = ["risk_report"]

_LOOK_BACK = 200_000  # events of the market lane in which a currency's rate is looked for


def risk_report(view: SystemView, bus: EventBus, *, refusals: int = 20) -> dict[str, Any]:
    """Return the kill switch, the limits with what is used of each, the overrides, and the newest refusals, oldest first.

    `used` is null where a limit is one of each single order. Positions count with the open orders of their worse side, as the check does.
    """
    trading = view.trading
    usage = _usage(view, bus)
    return {
        "kill_switch": trading.kill.facts(),
        "currency": trading.currency,
        "profit_today": _profit_today(view, bus),
        "limits": [
            {"limit": name, "value": trading.limits[name], **usage.get(name, {"used": None, "where": ""})}
            for name in RiskSettings.model_fields
            if name in trading.limits and name not in NOT_LIMITS
        ],
        "overrides": [
            {name: value for name, value in table.items() if value not in (None, "")} for table in trading.limits.get("overrides") or ()
        ],
        "refusals": [refusal_row(one) for one in list(trading.refusals)[-refusals:]] if refusals else [],
    }


def refusal_row(verdict: RiskVerdict) -> dict[str, Any]:
    """Return a refused order with every reason."""
    return {
        "time_ns": verdict.time_ns,
        "account": verdict.account,
        "strategy": verdict.strategy,
        "client_id": verdict.client_id,
        "symbol": verdict.symbol,
        "venue": verdict.venue,
        "reasons": [(reason.name or str(int(reason))).lower() for reason in RiskReason(verdict.reasons)],
        "message": verdict.message,
    }


def _usage(view: SystemView, bus: EventBus) -> dict[str, dict[str, Any]]:
    # Each account is checked by itself: of several, that which uses the most of a limit is shown.
    accounts = {name for name, _ in view.accounts} | {one.account for one in view.positions.values()}
    accounts |= {one.account for one in view.open_orders}
    of_each = [_usage_of(view, bus, account) for account in sorted(accounts) or [""]]
    return {name: max((one[name] for one in of_each), key=_used) for name in of_each[0]}


def _used(row: dict[str, Any]) -> float:
    return float(row["used"])


def _usage_of(view: SystemView, bus: EventBus, account: str) -> dict[str, dict[str, Any]]:
    orders = [one for one in view.open_orders if one.account == account]
    positions = [one for one in view.positions.values() if one.account == account]
    terms = {(one.symbol, one.venue): one for one in bus.instruments}
    exposures = _exposures(orders, positions, terms)
    values = {key: terms[key].value(quantity, price) for key, (quantity, price) in exposures.items() if key in terms}
    rates = _Rates(view.trading.currency, bus)
    equity = sum((one.equity * rates.rate(one.currency) for one in view.accounts.values() if one.account == account), 0.0)
    shares = {key: value * rates.rate(terms[key].currency) / equity for key, value in values.items()} if equity > 0 else {}
    return {
        "max_open_orders": {"used": len(orders), "where": ""},
        "max_daily_loss": {"used": max(0.0, -_profit_today(view, bus, account)), "where": ""},
        "max_position_quantity": _largest({key: quantity for key, (quantity, _) in exposures.items()}),
        "max_position_value": _largest(values),
        "max_concentration": _largest(shares),
    }


def _largest(values: dict[tuple[str, str], float]) -> dict[str, Any]:
    known = {key: value for key, value in values.items() if 0.0 < value < inf}
    if not known:
        return {"used": 0.0, "where": ""}
    (symbol, venue), value = max(known.items(), key=lambda item: item[1])
    return {"used": value, "where": f"{symbol}@{venue}" if venue else symbol}


@dataclass(slots=True)
class _Exposure:
    # What is held of an instrument and what its open orders may add, all strategies together; a price of it.
    long: float = 0.0
    short: float = 0.0
    buys: float = 0.0
    sells: float = 0.0
    price: float = nan

    def quantity(self, instrument: Instrument | None) -> float:
        """Return the largest quantity that could be held if all open orders of one side filled, as the risk check counts it."""
        if instrument is None or not instrument.legs:
            now = self.long - self.short
            return max(abs(now + self.buys), abs(now - self.sells), abs(now))
        long, short = self.long + self.buys, self.short + self.sells
        return max(long, short) if instrument.larger_side else long + short


def _exposures(
    orders: Iterable[OrderEvent], positions: Iterable[PositionEvent], terms: Mapping[tuple[str, str], Instrument]
) -> dict[tuple[str, str], tuple[float, float]]:
    # By symbol and venue the quantity that counts, and a price.
    held: dict[tuple[str, str], _Exposure] = {}
    for one in positions:
        row = held.setdefault((one.symbol, one.venue), _Exposure())
        if one.quantity > 0:
            row.long += one.quantity
        else:
            row.short -= one.quantity
        row.price = one.last_price if one.last_price == one.last_price else row.price
    for order in orders:
        key = (order.symbol, order.venue)
        row = held.setdefault(key, _Exposure())
        row.price = row.price if row.price == row.price else order.price
        instrument, left = terms.get(key), order.quantity - order.filled_quantity
        if instrument is not None and instrument.legs and order.offset != Offset.OPEN:
            continue  # it closes, or closes first
        if order.side == Side.BUY:
            row.buys += left
        else:
            row.sells += left
    return {key: (row.quantity(terms.get(key)), row.price) for key, row in held.items()}


def _profit_today(view: SystemView, bus: EventBus, account: str = "") -> float:
    # In the default account's currency; one whose rate no market tells counts 1:1, as the risk check does.
    trading, rates = view.trading, _Rates(view.trading.currency, bus)
    books = (one for one in view.accounts.values() if account in ("", one.account))
    return sum((trading.today(one) * rates.rate(one.currency) for one in books), 0.0)


class _Rates:
    # Rates to the account's currency from the newest ticks of the pairs; the journal is looked at only for currencies that need it.

    def __init__(self, currency: str, bus: EventBus) -> None:
        self._bus = bus
        self._rates = CurrencyRates(currency, bus.instruments, self._last_price)

    def rate(self, currency: str) -> float:
        found = self._rates.rate(currency)
        return 1.0 if found is None else found

    def _last_price(self, number: int) -> float:
        instrument = self._bus.instruments[number]
        with self._bus.reader(start="begin", events=[Tick], symbols=[instrument.name]) as reader:
            cursor = reader.cursor
            market = max(cursor.market, self._bus.head(Lane.MARKET) - _LOOK_BACK)
            reader.seek(msgspec.structs.replace(cursor, market=market, control=self._bus.head(Lane.CONTROL), log=self._bus.head(Lane.LOG)))
            ticks = [event for event in reader.read_latest() if isinstance(event, Tick)]
        if not ticks:
            return nan
        last = ticks[-1].last_price
        return last if last == last else (ticks[-1].bid_price + ticks[-1].ask_price) / 2
