"""How far a Chinese share's price may move in a day: by board, by day, for ST shares and after a listing.

Sources: Shanghai Stock Exchange Trading Rules (2023, section 3.3.13-3.3.17), Shenzhen Stock Exchange Trading Rules (2023, section 3.3.13),
ChiNext special trading rules (2020), STAR market special trading rules (2019), Beijing Stock Exchange Trading Rules (2021, section 3.3.9).
The 10 % rule began on 16 December 1996. The first day of a delisting period has no limit either, which no source here tells.
"""

from __future__ import annotations

import re

from .share_code import Share

__all__ = ["ST_LIMIT", "is_st", "price_limit_of"]

ST_LIMIT = 0.05  # main boards; both exchanges have consulted (June 2025) about 10 %: the option st_limit says otherwise
_FIRST_LIMITS = 19961216
_CHINEXT_20 = 20200824
_FREE_FIVE_DAYS = 20230410  # the first shares listed under registration on the main boards
_FUNDS_20 = ("588",)  # Shanghai's funds on STAR indexes
_ST = re.compile(r"(?:XR|XD|DR)?S?\*?ST")


def is_st(name: str) -> bool:
    """Return whether a share's name says that it is under special treatment, such as "*ST美尚" or "XDST天成"."""
    return _ST.match(name.replace(" ", "").upper()) is not None


def price_limit_of(share: Share, day: int, *, st: bool = False, session: int | None = None, st_limit: float = ST_LIMIT) -> float | None:
    """Return the furthest move from the previous close as a fraction; None where there is no limit.

    Args:
        share: the security.
        day: YYYYMMDD.
        st: it is under special treatment on that day.
        session: which of its trading days since it was listed it is (1 = the first); None = a later one.
        st_limit: of ST shares on the main boards.
    """
    if share.board == "index" or day < _FIRST_LIMITS:
        return None
    if session is not None and session <= _free_days(share, day):
        return None
    if share.board == "fund":
        return 0.2 if share.symbol.startswith(_FUNDS_20) else 0.1
    if share.board == "beijing":
        return 0.3
    if share.board == "star" or (share.board == "chinext" and day >= _CHINEXT_20):
        return 0.2
    return st_limit if st else 0.1


def _free_days(share: Share, day: int) -> int:
    # Before registration a first day on the main boards had limits of its own, 44 % up and 36 % down: none is the closest one can say.
    if share.board == "fund":
        return 0
    if share.board == "star" or (share.board == "chinext" and day >= _CHINEXT_20) or (share.board == "main" and day >= _FREE_FIVE_DAYS):
        return 5
    return 1
