"""Prices adjusted for splits, dividends and rights issues, as somebody could have done it at a moment.

An action takes effect on its `ex_day`. With P the close before that day, D the cash paid a share held ("dividend": `amount`), S the shares
after the action for one before it ("split": `ratio`; 4.0 for four for one, 1.3 for a bonus of three for ten) and R the new shares offered
for one held at price p ("rights": `ratio`, `amount`), all actions of one day together change the price by

    f = (P - D + R * p) / (S + R) / P

the reference price that exchanges publish over the close before it (Shanghai Stock Exchange, Trading Rules, ex-rights and ex-dividend
reference price; with a dividend alone 1 - D / P, as CRSP and Yahoo have it; with a split alone 1 / S). China's share markets round the
reference price to the tick ("cn_stock": half up), and so is it here. Of the days with actions up to the one that a row belongs to, and
up to the one of the moment asked for:

    "forward"     price * product of f over later days         the present stays as it is, the past is scaled to it
    "backward"    price / product of f over days up to it      the first stored day stays as it is, what follows is scaled to that

Sizes and volumes are changed by splits only: / S where prices are * 1 / S, and the other way. Turnover is money and stays. An action whose
day has not come at the moment asked for changes nothing, nor does one before the first stored close: there is nothing to compare with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from gcg_quant.errors import EventError

if TYPE_CHECKING:
    from gcg_quant.cold_events import CorporateAction
    from gcg_quant.history import RecordArray

__all__ = ["Adjust", "Factors", "factors_of"]

Adjust = Literal["raw", "forward", "backward"]
Days = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_OF_TICKS = ("price", "last_price", "average_price", "prev_close", "prev_settlement", "upper_limit", "lower_limit")
_PRICES = ("open", "high", "low", "close", "bid_price", "ask_price", "bid_prices", "ask_prices", *_OF_TICKS)
_READ = ("split", "dividend", "rights")
_SIZES = ("volume", "size", "bid_size", "ask_size", "bid_sizes", "ask_sizes", "quote_size")


class Factors(NamedTuple):
    """By ex-day (YYYYMMDD, rising): what the day's actions multiply prices by, and shares."""

    days: Days
    prices: Floats
    shares: Floats

    def adjusted(self, rows: RecordArray, days: Days, adjust: Adjust) -> RecordArray:
        """Return a copy of rows, whose trading days are `days`, with prices and sizes adjusted."""
        passed = np.searchsorted(self.days, days, "right")  # so many actions lie behind each row
        prices = np.concatenate([[1.0], np.cumprod(self.prices)])
        shares = np.concatenate([[1.0], np.cumprod(self.shares)])
        if adjust == "forward":
            price, share = prices[-1] / prices, shares[-1] / shares
        else:
            price, share = 1 / prices, 1 / shares
        changed = rows.copy()
        for names, factor in ((_PRICES, price[passed]), (_SIZES, share[passed])):
            for name in names:
                if name in (rows.dtype.names or ()):
                    changed[name] = rows[name] * (factor if rows[name].ndim == 1 else factor[:, None])
        return changed


def factors_of(
    actions: Iterable[CorporateAction], close_before: Callable[[int], float], until_day: int, tick: float | None = None
) -> Factors:
    """Return the factors of an instrument's actions.

    Args:
        actions: of one instrument, in any order; other kinds than "split", "dividend" and "rights" change no price. The same action told
            several times counts once.
        close_before: returns the newest close, without any adjustment, of a day before the given one; NaN if there is none.
        until_day: actions of later days are not known yet.
        tick: what the reference price is rounded to; None for not at all.

    Raises:
        EventError: an action without the number that it needs, or that leaves no price.
    """
    by_day: dict[int, dict[tuple[str, float | None, float | None], CorporateAction]] = {}
    for action in actions:
        if action.kind in _READ and action.ex_day <= until_day:
            by_day.setdefault(action.ex_day, {})[action.kind, action.ratio, action.amount] = action
    found = []
    for day in sorted(by_day):
        close = close_before(day)
        if close == close:
            found.append((day, *_factor(list(by_day[day].values()), close, tick)))
    days, prices, shares = zip(*found, strict=True) if found else ((), (), ())
    return Factors(np.array(days, np.int64), np.array(prices, np.float64), np.array(shares, np.float64))


def _factor(actions: list[CorporateAction], close: float, tick: float | None) -> tuple[float, float]:
    cash, split, offered, paid = 0.0, 1.0, 0.0, 0.0
    for action in actions:
        if action.kind == "dividend":
            cash += _number(action, "amount")
        elif action.kind == "split":
            split *= _number(action, "ratio")
        else:
            offered += _number(action, "ratio")
            paid += _number(action, "ratio") * _number(action, "amount")
    if cash == offered == 0.0 and tick is None:
        return 1 / split, split  # nothing of it depends on the close
    reference = (close - cash + paid) / (split + offered)
    if tick is not None:
        step = Decimal(repr(tick))
        reference = float((Decimal(repr(round(reference, 10))) / step).quantize(Decimal(1), ROUND_HALF_UP) * step)
    if not reference > 0:
        first = actions[0]
        raise EventError(
            f"{first.symbol}: the actions of {first.ex_day} leave no price of a close of {close:g} (dividends {cash:g}): correct them.",
            symbol=first.symbol,
            ex_day=first.ex_day,
        )
    return reference / close, split


def _number(action: CorporateAction, field: str) -> float:
    value: float | None = getattr(action, field)
    if value is None or not value > 0 or value == float("inf"):
        raise EventError(
            f"The {action.kind} of {action.symbol} on {action.ex_day}: {field} must be above 0, found {value}.",
            symbol=action.symbol,
            ex_day=action.ex_day,
        )
    return value
