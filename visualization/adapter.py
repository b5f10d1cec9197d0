"""Events as the chart page wants them: plain rows for JSON. Pure functions; docs/page.md describes every row.

Times are milliseconds since the epoch, UTC, except candles' (seconds, as the chart library counts). What is absent is NaN here and null
in the message. Event ids are texts such as "#1204871" (market lane), since JavaScript's numbers cannot hold them.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_MILLISECOND, now_ns, to_datetime
from gcg_quant.cold_events import MODEL_SIGNAL
from gcg_quant.errors import InstrumentError
from gcg_quant.events import (
    AccountEvent,
    AlertEvent,
    Bar,
    Depth,
    Fill,
    Lane,
    LogEvent,
    OrderEvent,
    PositionEvent,
    PositionSide,
    Side,
    SignalEvent,
    StrategyStatusEvent,
    Tick,
    TradeTick,
)
from gcg_quant.instruments import Instrument
from gcg_quant.kill_switch import KillSwitch

from .series.candle import Candle, candle_of

__all__ = ["EventToChartAdapter", "Row"]

Row = dict[str, Any]
_ANY_TICK = 1e-8  # the tick size of an instrument whose terms nobody has told


class EventToChartAdapter:
    """Turns events into the rows of the page's messages. It holds no state; any thread may call it."""

    SIDES: ClassVar[dict[Side, str]] = {Side.NONE: "", Side.BUY: "buy", Side.SELL: "sell"}

    @staticmethod
    def name(symbol: str, venue: str) -> str:
        """Return the page's name of an instrument: "BTC/USDT@SIM"."""
        return f"{symbol}@{venue}" if venue else symbol

    @staticmethod
    def reference(event_id: int) -> str:
        """Return an event's id as people read it: "#17" in the market lane, "control #17" elsewhere, "" for none."""
        if not event_id:
            return ""
        lane, seq = Lane(event_id >> 60), event_id & ((1 << 60) - 1)
        return f"#{seq}" if lane == Lane.MARKET else f"{lane.name.lower()} #{seq}"

    @staticmethod
    def candle(bar: Bar) -> Candle:
        """Return the candle of a bar: time (s), open, high, low, close, volume."""
        return candle_of(bar)

    @staticmethod
    def candle_row(candle: Candle) -> tuple[int, float, float, float, float, float]:
        """Return a candle as messages carry it: [time, open, high, low, close, volume]."""
        return candle[1:]

    @staticmethod
    def price(tick: Tick) -> float:
        """Return a tick's price: the last one, else the mean of bid and ask, else NaN."""
        last = tick.last_price
        return last if last == last else (tick.bid_price + tick.ask_price) / 2

    @classmethod
    def instrument(cls, instrument: Instrument, decimals: int | None = None) -> Row:
        """Return an instrument's terms; `decimals` replaces those of an unknown tick size."""
        return {
            "name": cls.name(instrument.symbol, instrument.venue),
            "symbol": instrument.symbol,
            "venue": instrument.venue,
            "kind": instrument.kind,
            "description": instrument.description,
            "currency": instrument.currency,
            "timezone": instrument.timezone,
            "day_start": _day_start(instrument.calendar, instrument.timezone),
            "tick_size": instrument.tick_size if instrument.tick_size != _ANY_TICK else 0.0,
            "decimals": instrument.decimals if decimals is None else decimals,
            "quantity_decimals": min(instrument.quantity_decimals, 8),
        }

    @staticmethod
    def guessed_decimals(instrument: Instrument, price: float) -> int | None:
        """Return the decimals that `price` itself shows (2 to 8), or None if the instrument's terms tell its tick size."""
        if instrument.tick_size != _ANY_TICK or not math.isfinite(price):
            return None
        return min(max(len(f"{price:.8f}".rstrip("0").partition(".")[2]), 2), 8)

    @classmethod
    def fill_marker(cls, fill: Fill) -> Row:
        """Return a fill as a marker on the chart."""
        return {"kind": "fill", "time_ms": _ms(fill.event_ns or fill.time_ns), "text": "", **cls.fill(fill)}

    @classmethod
    def signal_marker(cls, signal: SignalEvent) -> Row:
        """Return a strategy's signal as a marker on the chart."""
        return {
            "key": cls.reference(signal.id),
            "kind": "signal",
            "time_ms": _ms(signal.event_ns or signal.time_ns),
            "name": cls.name(signal.symbol, signal.venue),
            "strategy": signal.strategy,
            "signal": signal.name,
            "side": cls.SIDES[signal.direction],
            "quantity": signal.quantity,
            "price": signal.price,
            "event": cls.reference(signal.id),
            "cause": cls.reference(signal.cause),
            "order": "",
            "fee": 0.0,
            "text": signal.text,
        }

    @staticmethod
    def model_probability(signal: SignalEvent) -> float | None:
        """Return how probable a served model says that a rise is, or None if the signal is no model's."""
        said = signal.data.get("probability") if signal.name == MODEL_SIGNAL else None
        return float(said) if isinstance(said, int | float) and math.isfinite(said) else None

    @classmethod
    def fill(cls, fill: Fill) -> Row:
        """Return a fill as a row of the drawer."""
        return {
            "key": cls.reference(fill.id),
            "time_ms": _ms(fill.event_ns or fill.time_ns),
            "name": cls.name(fill.symbol, fill.venue),
            "strategy": fill.strategy,
            "side": cls.SIDES[fill.side],
            "quantity": fill.quantity,
            "price": fill.price,
            "fee": fill.fee,
            "order": cls.reference(fill.request),
            "event": cls.reference(fill.id),
            "cause": cls.reference(fill.cause),
        }

    @classmethod
    def order(cls, order: OrderEvent) -> Row:
        """Return an order's state as a row of the drawer."""
        return {
            "key": str(order.request),
            "time_ms": _ms(order.event_ns or order.time_ns),
            "name": cls.name(order.symbol, order.venue),
            "strategy": order.strategy,
            "side": cls.SIDES[order.side],
            "kind": order.order_type.name.lower().replace("_", " "),
            "quantity": order.quantity,
            "filled": order.filled_quantity,
            "price": order.price,
            "stop": order.stop_price,
            "average": order.average_price,
            "status": order.status.name.lower(),
            "reason": order.reason,
            "account": order.account,
            "client_id": order.client_id,
        }

    @classmethod
    def position(cls, position: PositionEvent) -> Row:
        """Return a position as a row of the drawer; `open` is the profit of closing it at its last price."""
        return {
            "key": "|".join((position.account, position.strategy, position.symbol, position.venue, position.position_side.name)),
            "name": cls.name(position.symbol, position.venue),
            "account": position.account,
            "strategy": position.strategy,
            "leg": {PositionSide.LONG: "long", PositionSide.SHORT: "short"}.get(position.position_side, ""),
            "quantity": position.quantity,
            "day": position.today,
            "earlier": position.yesterday,
            "frozen": position.frozen,
            "average": position.average_price,
            "last": position.last_price,
            "open": position.unrealised_pnl,
            "realised": position.realised_pnl,
            "fees": position.fees,
            "margin": position.margin,
            "currency": position.currency,
        }

    @staticmethod
    def strategy(status: StrategyStatusEvent) -> Row:
        """Return a strategy's state as a row of the drawer, without its positions."""
        return {
            "key": status.strategy,
            "state": status.state,
            "symbols": status.symbols,
            "parameters": status.parameters,
            "kind": status.kind,
            "error": status.error,
        }

    @staticmethod
    def account(account: AccountEvent, today: float) -> Row:
        """Return an account's book of one currency with its profit of today."""
        return {
            "key": f"{account.account}|{account.currency}",
            "account": account.account,
            "currency": account.currency,
            "cash": account.cash,
            "equity": account.equity,
            "margin": account.margin,
            "available": account.available,
            "today": today,
            "realised": account.realised_pnl,
            "open": account.unrealised_pnl,
            "fees": account.fees,
        }

    @staticmethod
    def kill(switch: KillSwitch) -> Row:
        """Return the kill switch: whether it is on, since when (0 = ever), and who asked for that."""
        return {"on": switch.on, "since_ms": _ms(switch.since_ns), "origin": switch.origin}

    @classmethod
    def log(cls, event: LogEvent | AlertEvent) -> Row:
        """Return a log line or an alert as a row of the drawer."""
        return {
            "key": cls.reference(event.id),
            "time_ms": _ms(event.time_ns),
            "level": event.level,
            "component": event.component,
            "text": event.message,
        }

    @classmethod
    def depth(cls, depth: Depth) -> Row:
        """Return an order book: [price, size] a level, the best first."""
        return {
            "type": "depth",
            "name": cls.name(depth.symbol, depth.venue),
            "time_ms": _ms(depth.event_ns),
            "bids": _levels(depth.bid_prices, depth.bid_sizes),
            "asks": _levels(depth.ask_prices, depth.ask_sizes),
        }

    @staticmethod
    def trade(trade: TradeTick) -> tuple[int, float, float, int]:
        """Return a trade of the tape: [time (ms), price, size, +1 bought, -1 sold, 0 unknown]."""
        return _ms(trade.event_ns), trade.price, trade.size, {Side.BUY: 1, Side.SELL: -1}.get(trade.aggressor, 0)

    @staticmethod
    def tick_trade(tick: Tick, size: float) -> tuple[int, float, float, int]:
        """Return a tick's last price as a trade of the tape; its side is told by which quote it met."""
        last = tick.last_price
        side = 1 if last >= tick.ask_price else -1 if last <= tick.bid_price else 0
        return _ms(tick.event_ns), last, size, side


@lru_cache(maxsize=256)
def _day_start(calendar: str, timezone: str) -> int:
    # The minute of the local day at which trading days begin: 0, or that in the evening before of a market with a night session.
    try:
        starts, _ = Calendar(calendar).day_starts()
    except InstrumentError:
        return 0
    until = int(np.searchsorted(starts, now_ns()))
    recent = [to_datetime(int(start), timezone) for start in starts[max(0, until - 40) : until]]
    return Counter(at.hour * 60 + at.minute for at in recent).most_common(1)[0][0] if recent else 0


def _ms(ns: int) -> int:
    return ns // NS_PER_MILLISECOND


def _levels(prices: tuple[float, ...], sizes: tuple[float, ...]) -> list[tuple[float, float]]:
    return [(price, size) for price, size in zip(prices, sizes, strict=True) if price == price]
