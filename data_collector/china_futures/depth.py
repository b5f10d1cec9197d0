"""A depth message of a futures counter as records: pure functions, to be called while the message's struct lives."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan, nan
from typing import Any

import numpy as np

from gcg_quant.clock import NS_PER_HOUR
from gcg_quant.errors import InstrumentError
from gcg_quant.events import Depth, Tick, VolumeKind
from gcg_quant.instruments import Instrument
from gcg_quant.openctp_terms import exchange_of, is_spread
from gcg_quant.openctp_times import EXCHANGES, event_moment
from gcg_quant.openctp_values import count, number, price, text
from gcg_quant.session_table import Times, margins

__all__ = ["DepthReader", "OutsideError", "parse_depth"]

_LEVELS = range(1, 6)
_AHEAD_NS = NS_PER_HOUR


class OutsideError(ValueError):
    """A message of a time at which its market is closed, or of one that is yet to come: what a front repeats when one logs in."""


def parse_depth(message: Any, recv_ns: int, exchange: str, multiplier: float = 1.0) -> tuple[Tick, Depth | None]:
    """Return the tick of a CThostFtdcDepthMarketDataField, and the book where it has more than one level.

    Volume and turnover are those of the trading day so far, and turnover is in the currency: CZCE states it without the contract's
    multiplier, the others with it. The average price is that of one unit; CZCE states it so, the others for a contract. What is missing
    (the largest double, a price or limit of 0) is NaN, and so is the size beside a missing price.

    Args:
        message: the struct, or anything with its fields.
        recv_ns: our clock when it came.
        exchange: "SHFE" ...; the message itself need not say it.
        multiplier: the contract's.

    Raises:
        ValueError: its time or its days cannot be read.
    """
    symbol = text(message.InstrumentID)
    moment = event_moment(
        exchange, message.TradingDay, message.ActionDay, message.UpdateTime, _millisecond(message.UpdateMillisec), recv_ns
    )
    zero = is_spread(symbol)
    sides = {side: _levels(message, side, zero) for side in ("Bid", "Ask")}
    stated = number(message.Turnover), number(message.AveragePrice)
    turnover, average = (stated[0] * multiplier, stated[1]) if exchange == "CZCE" else (stated[0], stated[1] / multiplier)
    known: dict[str, Any] = {
        "symbol": symbol,
        "venue": exchange,
        "event_ns": moment.event_ns,
        "recv_ns": recv_ns,
        "trading_day": moment.trading_day,
    }
    tick = Tick(
        **known,
        last_price=price(message.LastPrice, zero=zero),
        volume=count(message.Volume),
        turnover=turnover,
        volume_kind=VolumeKind.DAY,
        open_interest=number(message.OpenInterest),
        bid_price=sides["Bid"][0][0],
        bid_size=sides["Bid"][0][1],
        ask_price=sides["Ask"][0][0],
        ask_size=sides["Ask"][0][1],
        open=price(message.OpenPrice, zero=zero),
        high=price(message.HighestPrice, zero=zero),
        low=price(message.LowestPrice, zero=zero),
        prev_close=price(message.PreClosePrice, zero=zero),
        prev_settlement=price(message.PreSettlementPrice, zero=zero),
        prev_open_interest=number(message.PreOpenInterest),
        settlement=price(message.SettlementPrice, zero=zero),
        average_price=nan if average == 0 else average,
        upper_limit=price(message.UpperLimitPrice),
        lower_limit=price(message.LowerLimitPrice),
    )
    if isnan(sides["Bid"][1][0]) and isnan(sides["Ask"][1][0]):
        return tick, None
    columns = {side: tuple(zip(*levels, strict=True)) for side, levels in sides.items()}
    book = Depth(
        **known,
        bid_prices=columns["Bid"][0],
        bid_sizes=columns["Bid"][1],
        ask_prices=columns["Ask"][0],
        ask_sizes=columns["Ask"][1],
        levels=len(_LEVELS),
    )
    return tick, book


class DepthReader:
    """Reads the messages of one front.

    Args:
        terms: a symbol's terms, for its multiplier and its market's hours.
        keep: read also what is outside of the market's hours: of a counter that replays days round the clock.
    """

    def __init__(self, terms: Callable[[str], Instrument], *, keep: bool = False) -> None:
        self._terms = terms
        self._keep = keep
        self._exchanges: dict[str, str] = {}
        self._hours: dict[str, tuple[Times, Times]] = {}

    def read(self, message: Any, recv_ns: int) -> tuple[Tick, Depth | None]:
        """Return a message's tick and book, see `parse_depth`.

        Raises:
            OutsideError: its market is closed at that time. ValueError: it cannot be read. InstrumentError: no exchange lists it.
        """
        symbol = text(message.InstrumentID)
        exchange = self._exchanges.get(symbol) or self._exchange(symbol, text(message.ExchangeID))
        terms = self._terms(symbol)
        tick, book = parse_depth(message, recv_ns, exchange, terms.multiplier)
        if tick.event_ns > recv_ns + _AHEAD_NS:
            raise OutsideError(f"{symbol}: its time is more than an hour ahead of ours: a message of an earlier day")
        if not self._keep and not self._is_inside(terms.calendar, tick.event_ns):
            raise OutsideError(f"{symbol}: {text(message.UpdateTime)} is outside of the hours of {terms.calendar}")
        return tick, book

    def _exchange(self, symbol: str, stated: str) -> str:
        found = self._exchanges[symbol] = stated if stated in EXCHANGES else exchange_of(symbol)
        return found

    def _is_inside(self, calendar: str, ns: int) -> bool:
        hours = self._hours.get(calendar)
        if hours is None:
            if calendar.partition(".")[0] not in EXCHANGES:
                raise InstrumentError(f"{calendar!r} is no calendar of a futures exchange.", calendar=calendar)
            hours = self._hours[calendar] = margins(calendar)
        row = int(np.searchsorted(hours[0], ns, "right")) - 1
        return row >= 0 and ns <= int(hours[1][row])


def _levels(message: Any, side: str, zero: bool) -> list[tuple[float, float]]:
    found = []
    for level in _LEVELS:
        worth, lots = price(getattr(message, f"{side}Price{level}"), zero=zero), count(getattr(message, f"{side}Volume{level}"))
        if zero and lots == 0:
            worth = nan  # a price of 0 stands where there is none, too
        found.append((worth, nan if isnan(worth) else lots))
    return found


def _millisecond(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 1000 else 0
