"""What Kungfu's callbacks are handed: quotes, bars, orders, trades and locations under Kungfu's names. Read-only views."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import datetime
from math import nan
from typing import Any
from zoneinfo import ZoneInfo

from gcg_quant import events

from ..strategy.portfolio import PositionView
from .kungfu_words import OFFSETS, SIDES, Direction, Offset, OrderStatus, PriceType, Side, status_of

__all__ = ["BarView", "Location", "OrderRow", "PositionRow", "QuoteView", "TradeRow", "strftime", "strptime"]

_LEVELS = 10
_TIMEZONE = ZoneInfo("Asia/Shanghai")  # Kungfu writes the time of its user's machine, which stands in China
_FORMAT = "%Y-%m-%d %H:%M:%S.%N"
_SIDES = {ours: theirs for theirs, ours in SIDES.items()}
_OFFSETS = {ours: theirs for theirs, ours in OFFSETS.items()}


@dataclass(frozen=True, slots=True)
class Location:
    """Where data comes from or goes to."""

    category: str
    group: str
    name: str
    mode: str = "live"
    uid: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Number the place by its name."""
        object.__setattr__(self, "uid", zlib.crc32(self.uname.encode()))

    @property
    def uname(self) -> str:
        """Its full name."""
        return f"{self.category}/{self.group}/{self.name}/{self.mode}"

    location_uid = property(lambda self: self.uid)


class _View:
    def __repr__(self) -> str:
        shown = [name for name in dir(self) if not name.startswith("_")]
        return f"{type(self).__name__.removesuffix('View')}({', '.join(f'{name}={getattr(self, name)}' for name in shown)})"


class QuoteView(_View):
    """A tick, or a closed bar where there are no ticks, as Kungfu's `Quote`. What is absent is NaN, never 0."""

    __slots__ = ("_event", "exchange_id", "instrument_id", "source_id")

    def __init__(self, event: events.Tick | events.Bar, exchange: str, source: str) -> None:
        self._event = event
        self.instrument_id = event.symbol
        self.exchange_id = exchange
        self.source_id = source

    def _get(self, name: str) -> float:
        value: float = getattr(self._event, name, nan)
        return value

    @property
    def last_price(self) -> float:
        """The last price; of a bar its close."""
        event = self._event
        return event.close if isinstance(event, events.Bar) else event.last_price

    def _ladder(self, name: str) -> list[float]:
        return [self._get(name)] + [nan] * (_LEVELS - 1)

    bid_price = property(lambda self: self._ladder("bid_price"))
    ask_price = property(lambda self: self._ladder("ask_price"))
    bid_volume = property(lambda self: self._ladder("bid_size"))
    ask_volume = property(lambda self: self._ladder("ask_size"))
    data_time = property(lambda self: self._event.event_ns)
    trading_day = property(lambda self: str(self._event.trading_day or ""))
    open_price = property(lambda self: self._get("open"))
    high_price = property(lambda self: self._get("high"))
    low_price = property(lambda self: self._get("low"))
    pre_close_price = property(lambda self: self._get("prev_close"))
    pre_settlement_price = property(lambda self: self._get("prev_settlement"))
    pre_open_interest = property(lambda self: self._get("prev_open_interest"))
    settlement_price = property(lambda self: self._get("settlement"))
    upper_limit_price = property(lambda self: self._get("upper_limit"))
    lower_limit_price = property(lambda self: self._get("lower_limit"))
    open_interest = property(lambda self: self._get("open_interest"))
    volume = property(lambda self: self._get("volume"))
    turnover = property(lambda self: self._get("turnover"))


class BarView(_View):
    """A closed bar as Kungfu's `Bar`."""

    __slots__ = ("_event", "exchange_id", "instrument_id", "source_id")

    def __init__(self, event: events.Bar, exchange: str, source: str) -> None:
        self._event = event
        self.instrument_id = event.symbol
        self.exchange_id = exchange
        self.source_id = source

    start_time = property(lambda self: self._event.start_ns)
    end_time = property(lambda self: self._event.end_ns)
    trading_day = property(lambda self: str(self._event.trading_day or ""))
    open = property(lambda self: self._event.open)
    high = property(lambda self: self._event.high)
    low = property(lambda self: self._event.low)
    close = property(lambda self: self._event.close)
    volume = property(lambda self: self._event.volume)


@dataclass(frozen=True, slots=True)
class OrderRow:
    """The state of an order as Kungfu's `Order`."""

    order_id: int
    external_order_id: str
    instrument_id: str
    exchange_id: str
    source_id: str
    account_id: str
    status: OrderStatus
    side: Side
    offset: Offset
    price_type: PriceType
    limit_price: float
    volume: float
    volume_traded: float
    volume_left: float
    error_id: int
    error_msg: str
    update_time: int

    @classmethod
    def of(cls, event: events.OrderEvent, exchange: str, place: tuple[str, str]) -> OrderRow:
        """Return the row of an event; `place` is (source, account)."""
        status = status_of(event)
        source, account = place
        return cls(
            order_id=event.request,
            external_order_id=event.venue_order_id,
            instrument_id=event.symbol,
            exchange_id=exchange,
            source_id=source,
            account_id=account,
            status=status,
            side=_SIDES[event.side],
            offset=_offset(event),
            price_type=PriceType.Any if event.order_type == events.OrderType.MARKET else PriceType.Limit,
            limit_price=event.price,
            volume=_whole(event.quantity),
            volume_traded=_whole(event.filled_quantity),
            volume_left=_whole(event.quantity - event.filled_quantity),
            error_id=1 if status is OrderStatus.Error else 0,
            error_msg=event.reason,
            update_time=event.event_ns,
        )


@dataclass(frozen=True, slots=True)
class TradeRow:
    """A fill as Kungfu's `Trade`."""

    trade_id: str
    order_id: int
    instrument_id: str
    exchange_id: str
    source_id: str
    account_id: str
    side: Side
    offset: Offset
    price: float
    volume: float
    commission: float
    trade_time: int

    @classmethod
    def of(cls, event: events.Fill, exchange: str, place: tuple[str, str]) -> TradeRow:
        """Return the row of a fill; `place` is (source, account)."""
        source, account = place
        return cls(
            trade_id=event.trade_id,
            order_id=event.request,
            instrument_id=event.symbol,
            exchange_id=exchange,
            source_id=source,
            account_id=account,
            side=_SIDES[event.side],
            offset=_offset(event),
            price=event.price,
            volume=_whole(event.quantity),
            commission=event.fee,
            trade_time=event.event_ns,
        )


@dataclass(frozen=True, slots=True)
class PositionRow:
    """A position as Kungfu's `Position`: one direction of an instrument, 0 and NaN where there is none."""

    instrument_id: str
    exchange_id: str
    direction: Direction
    volume: float
    avg_open_price: float
    last_price: float
    realized_pnl: float
    unrealized_pnl: float

    @classmethod
    def of(cls, view: PositionView, symbol: str, exchange: str, direction: Direction) -> PositionRow:
        """Return one direction of a position of ours, which is net."""
        quantity = view.quantity if direction == Direction.Long else -view.quantity
        held = quantity > 0
        return cls(
            instrument_id=symbol,
            exchange_id=exchange,
            direction=direction,
            volume=_whole(quantity) if held else 0,
            avg_open_price=view.average_price if held else nan,
            last_price=view.last_price,
            realized_pnl=view.realised,
            unrealized_pnl=view.unrealised if held else 0.0,
        )


def _whole(quantity: float) -> float:
    # Kungfu counts in whole numbers, and so may its strategies; only coins come in parts.
    return int(quantity) if quantity.is_integer() else quantity


def _offset(event: events.OrderEvent | events.Fill) -> Offset:
    # Shares have none: a purchase opens and a sale closes.
    return _OFFSETS.get(event.offset, Offset.Open if event.side == events.Side.BUY else Offset.Close)


def strftime(time_ns: int, form: str = _FORMAT) -> str:
    """Return nanoseconds since the epoch as a text of China's time; `%N` are the nanoseconds."""
    seconds, rest = divmod(int(time_ns), 10**9)
    return datetime.fromtimestamp(seconds, _TIMEZONE).strftime(form.replace("%N", f"{rest:09d}"))


def strptime(text: str, form: str = _FORMAT) -> int:
    """Return the nanoseconds since the epoch of a text of China's time; `%N` are the nanoseconds."""
    rest = 0
    if form.endswith("%N"):
        text, _, digits = text.rpartition(form[-3]) if len(form) > 2 else ("", "", text)
        rest, form = int(digits.ljust(9, "0")[:9]), form[:-3]
    parsed: Any = datetime.strptime(text, form).replace(tzinfo=_TIMEZONE)
    return int(parsed.timestamp()) * 10**9 + rest
