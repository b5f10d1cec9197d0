"""The terms of a Chinese share on a day, as an Instrument."""

from __future__ import annotations

from typing import Any

from gcg_quant.calendar import Calendar
from gcg_quant.instruments import Instrument, preset

from .share_code import Share
from .share_limits import ST_LIMIT, is_st, price_limit_of

__all__ = ["CALENDAR", "share_instrument"]

CALENDAR = "XSHG"  # Shenzhen and Beijing trade on the same days and at the same hours
_FREE_DAYS = 5  # nobody asks for more after a listing


def share_instrument(
    share: Share, day: int, *, name: str = "", st: bool | None = None, listed: int | None = None, st_limit: float = ST_LIMIT
) -> Instrument:
    """Return the terms of a share on the day YYYYMMDD.

    Args:
        name: as the exchange shows it; tells whether it is under special treatment if `st` does not.
        listed: its first trading day YYYYMMDD, where known.
    """
    treated = is_st(name) if st is None else st
    limit = price_limit_of(share, day, st=treated, session=_session(listed, day), st_limit=st_limit)
    terms: dict[str, Any] = {"price_limit": limit, "description": name, "calendar": CALENDAR}
    if share.board == "index":
        return preset("cn_stock", share.symbol, share.venue, **terms, kind="index", t_plus_one=False, stamp_duty=0.0, lot_size=1.0)
    return preset("cn_stock", share.symbol, share.venue, **terms, kind="etf" if share.board == "fund" else "stock")


def _session(listed: int | None, day: int) -> int | None:
    # The how manieth trading day since the listing, as far as it matters.
    if listed is None or listed > day:
        return None
    days = Calendar(CALENDAR).day_starts()[1]
    count = int(((days >= listed) & (days <= day)).sum())
    return count if 0 < count <= _FREE_DAYS else None
