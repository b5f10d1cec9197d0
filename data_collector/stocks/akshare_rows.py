"""What akshare's functions return of Eastmoney's pages, as our records. Pure functions.

Sources: akshare's documentation ("行情报价-东财", "实时行情数据-东财", "历史行情数据-东财", "停复牌", "分红配送详情-东财"): volumes
are in lots of 100 shares, turnover in yuan, sizes of the book in shares, dividends and new shares for ten shares held. The pages show "-"
for what is not there. In the page's own JSON `f86` is when it was made (seconds since the epoch), `f58` the name, `f189` the day of the
listing; `f12` and `f14` are a code and a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from gcg_quant.clock import NS_PER_DAY, NS_PER_MINUTE, NS_PER_SECOND, from_iso
from gcg_quant.events import Depth, Tick, VolumeKind

from .corporate_actions import Action
from .share_bars import ZONE, BarRows, bars_of, number_of, numbers_of
from .share_code import Share

__all__ = ["LOT", "PageNote", "dividends_in", "page_note", "parse_listed", "parse_past", "parse_quote", "shares_of", "suspended_in"]

LOT = 100.0
_NAN = float("nan")
_SLACK = 0.02  # the mean price of a day may lie so far outside of its range: turnover is rounded, and auctions are in it
_AHEAD_NS = NS_PER_MINUTE


class PageNote(NamedTuple):
    """What a page says beside prices; 0 and "" for nothing."""

    made_ns: int
    name: str
    listed: int


def page_note(page: Any, recv_ns: int) -> PageNote:
    """Return what the JSON of a quote says; a time that cannot be (later than ours, or a month old) is none."""
    data = page.get("data") if isinstance(page, dict) else None
    if not isinstance(data, dict):
        return PageNote(0, "", 0)
    made, listed = number_of(data.get("f86")), number_of(data.get("f189"))
    made_ns = int(made) * NS_PER_SECOND if made == made else 0
    if not recv_ns - 31 * NS_PER_DAY < made_ns < recv_ns + _AHEAD_NS:
        made_ns = 0
    name = data.get("f58")
    return PageNote(made_ns, name if isinstance(name, str) else "", int(listed) if 19_900_000 < listed < 22_000_000 else 0)


def shares_of(volume: float, turnover: float, low: float, high: float) -> float:
    """Return a day's volume in shares: in lots it is, unless the mean price says that it is in shares already."""
    if volume > 0 and turnover > 0 and low > 0 and high > 0:
        bottom, top = low * (1 - _SLACK), high * (1 + _SLACK)
        if not bottom <= turnover / (volume * LOT) <= top and bottom <= turnover / volume <= top:
            return volume
    return volume * LOT


def parse_quote(items: Mapping[str, Any], share: Share, event_ns: int, recv_ns: int, day: int) -> tuple[Tick, Depth | None] | None:
    """Return the tick and the book of five levels of a quote; None for a share without any price, as a suspended one is.

    Args:
        items: "最新", "buy_1" ... and their values, as stock_bid_ask_em names them.
        event_ns: when the page was made.
        day: the trading day.
    """
    read = {name: number_of(value) for name, value in items.items()}
    last, low, high = read["最新"], read["最低"], read["最高"]
    bids = [(read[f"buy_{level}"], read[f"buy_{level}_vol"]) for level in range(1, 6)]
    asks = [(read[f"sell_{level}"], read[f"sell_{level}_vol"]) for level in range(1, 6)]
    bid, ask = bids[0][0] > 0, asks[0][0] > 0
    traded = read["总手"] > 0
    if not (bid or ask) and not traded:
        return None
    tick = Tick(
        symbol=share.symbol,
        venue=share.venue,
        event_ns=event_ns,
        recv_ns=recv_ns,
        last_price=_positive(last) if traded else None,
        volume=shares_of(read["总手"], read["金额"], low, high),
        turnover=read["金额"],
        volume_kind=VolumeKind.DAY,
        open=_positive(read["今开"]),
        high=_positive(high),
        low=_positive(low),
        prev_close=_positive(read["昨收"]),
        average_price=_positive(read["均价"]) if traded else None,
        upper_limit=_positive(read["涨停"]),
        lower_limit=_positive(read["跌停"]),
        bid_price=_positive(bids[0][0]),
        bid_size=bids[0][1] if bid else None,
        ask_price=_positive(asks[0][0]),
        ask_size=asks[0][1] if ask else None,
        trading_day=day,
    )
    if not (bid or ask):
        return tick, None
    levels: dict[str, Any] = {
        "bid_prices": [price if price > 0 else _NAN for price, _ in bids],
        "bid_sizes": [_size(*level) for level in bids],
    }
    levels |= {"ask_prices": [price if price > 0 else _NAN for price, _ in asks], "ask_sizes": [_size(*level) for level in asks]}
    told: dict[str, Any] = {"symbol": share.symbol, "venue": share.venue, "event_ns": event_ns, "recv_ns": recv_ns}
    return tick, Depth(**told, **levels, trading_day=day, levels=5)


def parse_listed(row: Mapping[str, Any], share: Share, recv_ns: int, day: int) -> Tick | None:
    """Return the tick of a row of the list of all shares, which has neither a book nor limits nor a time; None without a price."""
    read = {name: number_of(row[name]) for name in ("最新价", "成交量", "成交额", "最高", "最低", "今开", "昨收")}
    if not (read["最新价"] > 0 and read["成交量"] > 0):
        return None
    return Tick(
        symbol=share.symbol,
        venue=share.venue,
        event_ns=recv_ns,
        recv_ns=recv_ns,
        last_price=read["最新价"],
        volume=shares_of(read["成交量"], read["成交额"], read["最低"], read["最高"]),
        turnover=read["成交额"],
        volume_kind=VolumeKind.DAY,
        open=_positive(read["今开"]),
        high=_positive(read["最高"]),
        low=_positive(read["最低"]),
        prev_close=_positive(read["昨收"]),
        trading_day=day,
    )


def parse_past(frame: Any, period: str, recv_ns: int) -> BarRows:
    """Return the bars of a frame of stock_zh_a_hist ("1d", "1w") or stock_zh_a_hist_min_em; an empty frame has none.

    Raises:
        KeyError, ValueError: it is another one.
    """
    if frame.empty and len(frame.columns) == 0:
        nothing = np.empty(0)
        prices = dict.fromkeys(("open", "high", "low", "close"), nothing)
        ends = None if period in ("1d", "1w") else np.empty(0, np.int64)
        return bars_of(period, np.empty(0, np.int64), ends, prices, nothing, nothing, recv_ns)
    names = {"open": "开盘", "high": "最高", "low": "最低", "close": "收盘"}
    prices = {name: numbers_of(list(frame[column])) for name, column in names.items()}
    volume, turnover = numbers_of(list(frame["成交量"])), numbers_of(list(frame["成交额"]))
    if period in ("1d", "1w"):
        days = np.array([int(f"{when:%Y%m%d}") for when in frame["日期"]], np.int64)
        ends = None
    else:
        ends = np.array([from_iso(str(when), ZONE) for when in frame["时间"]], np.int64)
        days = np.array([int(str(when)[:10].replace("-", "")) for when in frame["时间"]], np.int64)
    return bars_of(period, days, ends, prices, volume * _unit(volume, turnover, prices), turnover, recv_ns)


def suspended_in(frame: Any, day: int) -> set[str]:
    """Return the codes that do not trade on a day, by the table of suspensions."""
    found = set()
    for code, begin, end in zip(frame["代码"], frame["停牌时间"], frame["停牌截止时间"], strict=True):
        if _number(begin) <= day and (end is None or end != end or _number(end) >= day):
            found.add(str(code))
    return found


def dividends_in(frame: Any) -> list[Action]:
    """Return the dividends and share issues of a table that have an ex-day."""
    found = []
    columns = ("除权除息日", "现金分红-现金分红比例", "送转股份-送转总比例")
    for when, cash, new in zip(*(frame[column] for column in columns), strict=True):
        day = _number(when)
        if not day:
            continue
        if number_of(cash) > 0:
            found.append(Action("dividend", day, amount=round(number_of(cash) / 10, 8), currency="CNY", detail="before tax"))
        if number_of(new) > 0:
            found.append(Action("split", day, ratio=round(1 + number_of(new) / 10, 8), detail="bonus shares"))
    return found


def _unit(volume: Any, turnover: Any, prices: dict[str, Any]) -> float:
    # Lots or shares: what most rows say by their mean prices.
    low, high = prices["low"] * (1 - _SLACK), prices["high"] * (1 + _SLACK)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = turnover / volume
        as_lots = (low <= mean / LOT) & (mean / LOT <= high)
        as_shares = (low <= mean) & (mean <= high)
    return 1.0 if as_shares.sum() > as_lots.sum() else LOT


def _number(when: Any) -> int:
    # A date as YYYYMMDD; 0 for none (None, NaT).
    return 0 if when is None or when != when else int(f"{when:%Y%m%d}")


def _positive(value: float) -> float | None:
    return value if value > 0 else None


def _size(price: float, size: float) -> float:
    return size if price > 0 else _NAN
