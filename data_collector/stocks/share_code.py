"""The codes of China's shares: how the exchanges, baostock, Eastmoney and we write them.

Shanghai (SSE), Shenzhen (SZSE) and Beijing (BSE) give six digits, and a number may name two things: 000001 is Ping An Bank in Shenzhen
and the composite index in Shanghai. A code alone means the share; the index is written "000001@SSE".
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, TypeAlias

from gcg_quant.errors import InstrumentError

__all__ = ["SHARE_VENUES", "Board", "Share", "share_of"]

Board: TypeAlias = Literal["main", "chinext", "star", "beijing", "fund", "index"]

SHARE_VENUES = ("SSE", "SZSE", "BSE")
_VENUES = {
    **dict.fromkeys(("SSE", "SH", "XSHG"), "SSE"),
    **dict.fromkeys(("SZSE", "SZE", "SZ", "XSHE"), "SZSE"),
    **dict.fromkeys(("BSE", "BJ", "XBSE"), "BSE"),
}
_SHORT = {"SSE": "sh", "SZSE": "sz", "BSE": "bj"}
# Venue -> beginnings of its codes and what they are (the exchanges' rules for numbering securities); the longest beginning counts.
_BOARDS: dict[str, dict[str, Board]] = {
    "SSE": {"60": "main", "688": "star", "689": "star", "5": "fund", "000": "index"},
    "SZSE": {
        **dict.fromkeys(("000", "001", "002", "003", "004"), "main"),
        **dict.fromkeys(("300", "301", "302"), "chinext"),
        **dict.fromkeys(("15", "16", "18"), "fund"),
        "399": "index",
    },
    "BSE": {**dict.fromkeys(("43", "82", "83", "87", "88", "92"), "beijing"), "899": "index"},
}
_CODE = re.compile(r"(?:(?P<before>[A-Za-z]{2})\.?)?(?P<symbol>\d{6})(?:[.@](?P<after>[A-Za-z]{2,4}))?")


class Share(NamedTuple):
    """One security of the three exchanges."""

    symbol: str  # six digits
    venue: str
    board: Board

    @property
    def name(self) -> str:
        """As we write it, such as "600519@SSE"."""
        return f"{self.symbol}@{self.venue}"

    @property
    def dotted(self) -> str:
        """As baostock writes it, such as "sh.600519"."""
        return f"{_SHORT[self.venue]}.{self.symbol}"

    @property
    def is_stock(self) -> bool:
        """Whether it is a company's share, not a fund or an index."""
        return self.board not in ("fund", "index")


def share_of(text: str, venue: str = "") -> Share:
    """Return the share that "600519", "600519@SSE", "sh.600519", "SH600519" or "600519.SH" names, at `venue` if the text names none.

    Raises:
        InstrumentError: no code of the three exchanges, or one of B shares or bonds, which nobody here collects.
    """
    match = _CODE.fullmatch(text.strip())
    asked = (match["before"] or match["after"] or venue) if match else ""
    where = _VENUES.get(asked.upper(), "") if asked else ""
    if match is None or (match["before"] and match["after"]) or (asked and not where):
        raise InstrumentError(
            f"{text!r} is no code of a Chinese share: write six digits and its exchange, such as '600519@SSE'.", symbol=text
        )
    symbol = match["symbol"]
    for candidate in (where,) if where else ("SZSE", "SSE", "BSE"):
        boards = _BOARDS[candidate]
        begin = max((begin for begin in boards if symbol.startswith(begin)), key=len, default="")
        if begin:
            return Share(symbol, candidate, boards[begin])
    raise InstrumentError(
        f"{text!r} is no share, fund or index of {where or 'Shanghai, Shenzhen or Beijing'} (B shares and bonds are not collected).",
        symbol=text,
    )
