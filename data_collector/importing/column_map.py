"""Which column of a file is which field: a table of names, compared without case, blanks and punctuation."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import msgspec

from gcg_quant.errors import ImportFileError, nearest

__all__ = ["ColumnMap", "detect_kind", "map_columns", "plain_name"]

_COMMON = {
    "time": ("time", "datetime", "timestamp", "ts", "eventtime", "opentime", "updatetime", "exchangetime"),
    "date": ("date", "day", "actionday", "actiondate"),
    "trading_day": ("tradingday", "tradeday", "tradingdate"),
    "symbol": ("symbol", "instrument", "instrumentid", "ticker", "code", "contract", "secid", "tscode"),
    "venue": ("venue", "exchangeid", "market"),
}
_OF_BARS = {**_COMMON, "venue": (*_COMMON["venue"], "exchange")}
_OPEN_INTEREST = ("openinterest", "oi", "openint")
_TURNOVER = ("turnover", "amount", "quotevolume", "money")
_ORIGIN = {
    "exchange": ("exchange", "exch", "ex", "marketcenter"),
    "condition": ("condition", "conditions", "salecondition", "cond", "flags"),
    "suspicious": ("suspicious", "suspect", "bad"),
    "venue_seq": ("venueseq", "seq", "seqno", "sequence", "sequencenumber"),
}
_LAST = ("last", "lastprice")  # of a trade, or of a snapshot with the day's volume beside it: not to be told apart by name
_PRICE = ("price", "tradeprice", "px", *_LAST)
_DAY_VOLUME = ("totalvolume", "cumvolume", "dayvolume", "accvolume")
_SIZE = ("size", "qty", "quantity", "tradesize", "lastsize", "volume", "vol", "shares")


def _side(side: str) -> dict[str, tuple[str, ...]]:
    letter = side[0]
    return {
        f"{side}_price": (side, f"{side}1", f"{side}price", f"{side}price1", f"{side}1price", f"{side}px", f"{letter}p", f"{letter}1"),
        f"{side}_size": tuple(
            f"{side}{word}" for word in ("size", "size1", "1size", "qty", "qty1", "volume", "volume1", "1volume", "vol", "vol1", "quantity")
        ),
    }


def _side_bar(side: str) -> dict[str, tuple[str, ...]]:
    fields = {f"{side}_{part}": (f"{side}{part}",) for part in ("open", "high", "low", "close")}
    return {**fields, f"{side}_size": (f"{side}size", f"{side}lastsize", f"{side}volume", f"{side}qty")}


_FIELDS: dict[str, dict[str, tuple[str, ...]]] = {
    "bars": {
        **_OF_BARS,
        "open": ("open", "openprice", "o"),
        "high": ("high", "highprice", "h"),
        "low": ("low", "lowprice", "l"),
        "close": ("close", "closeprice", "c"),
        "volume": ("volume", "vol", "v", "basevolume", "qty"),
        "turnover": _TURNOVER,
        "open_interest": _OPEN_INTEREST,
        "count": ("count", "trades", "numberoftrades", "tradecount", "ticks", "tickvolume"),
    },
    "quote_bars": {**_OF_BARS, **_side_bar("bid"), **_side_bar("ask")},
    "trades": {
        **_COMMON,
        **_ORIGIN,
        "price": _PRICE,
        "size": _SIZE,
        "turnover": _TURNOVER,
        "trade_id": ("tradeid", "id", "aggtradeid"),
        "aggressor": ("aggressor", "side", "aggressorside", "takerside", "direction", "bsflag"),
    },
    "ticks": {
        **_COMMON,
        **_ORIGIN,
        **_side("bid"),
        **_side("ask"),
        "last_price": ("last", "lastprice", "price", "lasttradeprice", "current"),
        "last_size": ("lastsize", "lastqty", "lasttradesize", "size"),
        "volume": (*_DAY_VOLUME, "volume", "vol"),
        "turnover": ("totalturnover", "cumturnover", "dayturnover", "accturnover", *_TURNOVER),
        "single_volume": ("singlevolume", "volumechange", "deltavolume", "volumedelta"),
        "single_turnover": ("singleturnover", "turnoverchange", "deltaturnover", "turnoverdelta"),
        "open_interest": _OPEN_INTEREST,
        "open_interest_change": ("oichange", "openinterestchange", "deltaopeninterest", "oidelta", "diffinterest"),
        "open": ("open", "openprice", "dayopen"),
        "high": ("high", "highprice", "highestprice", "dayhigh"),
        "low": ("low", "lowprice", "lowestprice", "daylow"),
        "prev_close": ("prevclose", "preclose", "precloseprice", "previousclose", "lastclose"),
        "prev_settlement": ("prevsettlement", "presettle", "presettlement", "presettlementprice", "prevsettle"),
        "prev_open_interest": ("prevopeninterest", "preoi", "preopeninterest", "previousopeninterest"),
        "settlement": ("settlement", "settle", "settlementprice"),
        "average_price": ("averageprice", "avgprice", "vwap"),
        "upper_limit": ("upperlimit", "upperlimitprice", "limitup", "uplimit"),
        "lower_limit": ("lowerlimit", "lowerlimitprice", "limitdown", "downlimit"),
    },
    "open_interest": {**_OF_BARS, "open_interest": _OPEN_INTEREST},
}
_FIELDS["quotes"] = _FIELDS["ticks"]

_NEEDED: dict[str, tuple[tuple[str, ...], ...]] = {
    "bars": (("open",), ("high",), ("low",), ("close",)),
    "quote_bars": (("bid_open", "ask_open"),),
    "trades": (("price",),),
    "quotes": (("bid_price", "ask_price"),),
    "ticks": (("last_price", "bid_price", "ask_price"),),
    "open_interest": (("open_interest",),),
}

# Words that say nothing about whether the amount counts the whole day or a single trade.
_TOTALS = {"volume": ("volume", "vol"), "turnover": _TURNOVER}


class ColumnMap(msgspec.Struct, frozen=True):
    """`columns`: our field -> the file's column; `unused`: columns that became no field; `plain_volume`: a tick file's `volume`
    column does not say whether it counts the day or a single trade.
    """

    kind: str
    columns: dict[str, str]
    unused: tuple[str, ...]
    plain_volume: bool = False


def plain_name(name: str) -> str:
    """Return a column name as the table compares it: "Bid Price_1" -> "bidprice1"."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def detect_kind(header: Sequence[str], stated: Collection[str] = ()) -> str | None:
    """Return what a row holds, as far as the column names (and the fields that the user stated) leave no doubt, else None."""
    names = {plain_name(name) for name in header}

    def has(kind: str, *fields: str) -> bool:
        return all(field in stated or names.intersection(_FIELDS[kind][field]) for field in fields)

    if has("quote_bars", "bid_open", "bid_high", "bid_low", "bid_close") or has(
        "quote_bars", "ask_open", "ask_high", "ask_low", "ask_close"
    ):
        return "quote_bars"
    quoted = has("ticks", "bid_price") or has("ticks", "ask_price")
    if quoted:
        return "ticks" if has("ticks", "last_price") else "quotes"
    if has("bars", "open", "high", "low", "close"):
        return "bars"
    if has("ticks", "last_price") and names.intersection(_DAY_VOLUME):
        return "ticks"
    if has("trades", "price") and ("price" in stated or not names.intersection(_LAST)):
        return "trades"
    return "open_interest" if has("open_interest", "open_interest") else None


def map_columns(kind: str, header: Sequence[str], stated: Mapping[str, str]) -> ColumnMap:
    """Return which column is which field of `kind`; `stated` are the user's (field -> column).

    Raises:
        ImportFileError: two columns have one name or mean one field, a stated column or field does not exist, or a needed one is missing.
    """
    _check_header(header)
    fields = _FIELDS[kind]
    found = _stated_columns(kind, header, stated)
    taken = set(found.values())
    for field, aliases in fields.items():
        if field in found:
            continue
        matches = [name for name in header if name not in taken and plain_name(name) in aliases]
        if matches:
            found[field] = _choose(field, aliases, matches)
            taken.add(found[field])
    plain = "volume" in found and "volume" not in stated and plain_name(found["volume"]) in ("volume", "vol")
    if kind in ("ticks", "quotes"):
        _add_singles(found, header, taken)
    _check_needed(kind, found, header)
    return ColumnMap(kind, found, tuple(name for name in header if name not in taken), plain)


def _check_header(header: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in header:
        if name in seen:
            raise ImportFileError(f"Two columns are called {name!r}: rename one of them.", column=name)
        seen.add(name)


def _stated_columns(kind: str, header: Sequence[str], stated: Mapping[str, str]) -> dict[str, str]:
    for field, column in stated.items():
        if field not in _FIELDS[kind]:
            raise ImportFileError(
                f"Option columns names the field {field!r}, which {kind} do not have.{nearest(field, _FIELDS[kind])}",
                option="columns",
                value=field,
            )
        if column not in header:
            raise ImportFileError(
                f"Option columns takes {field} from the column {column!r}, which the file does not have.{nearest(column, header)}",
                option="columns",
                value=column,
            )
        if list(stated.values()).count(column) > 1:
            raise ImportFileError(
                f"Option columns takes several fields from the column {column!r}: one column is one field.", option="columns", value=column
            )
    return dict(stated)


def _choose(field: str, aliases: Sequence[str], matches: Sequence[str]) -> str:
    # Of a day total and a plain word ("total_volume" and "volume") the plain word means the single amount, see _add_singles.
    totals = [name for name in matches if field in _TOTALS and plain_name(name) not in _TOTALS[field]]
    if len(totals) == 1:
        return totals[0]
    if len(matches) > 1:
        names = " and ".join(repr(name) for name in matches)
        raise ImportFileError(
            f"The columns {names} could both be {field}: say which with columns={{{field!r}: {matches[0]!r}}}.",
            option="columns",
            value=field,
        )
    return matches[0]


def _add_singles(found: dict[str, str], header: Sequence[str], taken: set[str]) -> None:
    # Beside a day total the plain word means the single amount.
    for total, words in _TOTALS.items():
        single = f"single_{total}"
        if single in found or total not in found or plain_name(found[total]) in words:
            continue
        matches = [name for name in header if name not in taken and plain_name(name) in words]
        if matches:
            found[single] = matches[0]
            taken.add(matches[0])


def _check_needed(kind: str, found: Mapping[str, str], header: Sequence[str]) -> None:
    missing = [choices for choices in _NEEDED[kind] if not found.keys() & set(choices)]
    if "time" not in found and "date" not in found:
        missing.append(("time",))
    if missing:
        wanted = ", ".join(" or ".join(choices) for choices in missing)
        raise ImportFileError(
            f"No column for {wanted} among {', '.join(header)}: name it with columns={{{missing[0][0]!r}: ...}}.",
            option="columns",
            value=missing[0][0],
        )
