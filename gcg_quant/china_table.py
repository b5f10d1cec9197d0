"""The table of China's futures sessions: a CSV file of rules, read and checked. `china_futures.csv` is ours.

docs/calendars.md has the columns.
The user's own files lie over it: for a rule, exchange and product the newest file with a row for the day decides.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple

from gcg_quant.errors import SettingsError, nearest

__all__ = ["COLUMNS", "EXCHANGES", "OURS", "HoursRow", "HoursTable", "changed_days", "read_table"]

EXCHANGES = ("CFFEX", "SHFE", "INE", "DCE", "CZCE", "GFEX")
COLUMNS = ("rule", "exchange", "products", "from", "until", "hours", "source")
OURS = Path(__file__).with_name("china_futures.csv")
FIRST, LAST = 0, 99_991_231
_RULES = ("day", "night", "no-night", "closed", "open")
_SPAN = re.compile(r"([0-2]\d:[0-5]\d)-([0-2]\d:[0-5]\d)")
_PRODUCT = re.compile(r"[A-Za-z]{1,4}")
_MOST_OPEN_DAYS = 10
Span = tuple[time, time]


class HoursRow(NamedTuple):
    """One row of a file: what holds for which exchanges and products on which trading days."""

    rule: str  # day | night | no-night | closed | open
    exchanges: tuple[str, ...]
    products: tuple[str, ...]  # () = all
    first: int  # YYYYMMDD, inclusive
    last: int  # ... inclusive
    spans: tuple[Span, ...]
    source: str
    line: int

    def concerns(self, exchange: str, product: str) -> bool:
        """Return whether the row is about a product of an exchange ("" = the exchange's general hours)."""
        return exchange in self.exchanges and (not self.products or product in self.products)


class HoursTable(NamedTuple):
    """The rows of one file, and the day YYYYMMDD it is of."""

    path: Path
    updated: int
    rows: tuple[HoursRow, ...]


def read_table(path: Path) -> HoursTable:
    """Return the table in a file.

    Raises:
        SettingsError: it cannot be read, or a row is wrong; the message names file, line and what to write.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _table(path, csv.reader(file))
    except OSError as error:
        raise SettingsError(f"The calendar file {path} cannot be read: {error.strerror or error}.", path=str(path)) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"The calendar file {path} is no CSV text in UTF-8: {error}.", path=str(path)) from error


def _table(path: Path, lines: Iterator[list[str]]) -> HoursTable:
    rows: list[HoursRow] = []
    updated, header = 0, False
    reader = lines
    for cells in reader:
        line = reader.line_num  # type: ignore[attr-defined]
        cells = [cell.strip() for cell in cells]
        if not any(cells) or cells[0].startswith("#"):
            continue
        try:
            if not header:
                _check_header(cells)
                header = True
            elif cells[0] == "updated":
                updated = _day(_filled(cells)[3], "from")
            else:
                rows.append(_row(_filled(cells), line))
        except ValueError as error:
            text = str(error)
            raise SettingsError(f"{path}:{line}: {text}{'' if text.endswith('?') else '.'}", path=str(path), line=line) from None
    if not updated:
        raise SettingsError(
            f"{path}: it does not say of which day it is; add the row updated,,,2026-11-27,,, with the day you wrote it.", path=str(path)
        )
    _check_overlaps(path, rows)
    return HoursTable(path, updated, tuple(rows))


def _check_header(cells: Sequence[str]) -> None:
    if tuple(cells) != COLUMNS:
        raise ValueError(f"the first row must be {','.join(COLUMNS)}, found {','.join(cells)}")


def _filled(cells: list[str]) -> list[str]:
    if len(cells) > len(COLUMNS):
        raise ValueError(f"expected {len(COLUMNS)} cells, found {len(cells)}; put a source with a comma into double quotes")
    return cells + [""] * (len(COLUMNS) - len(cells))


def _row(cells: Sequence[str], line: int) -> HoursRow:
    rule, exchange, products, first, last, hours, source = cells
    if rule not in _RULES:
        raise ValueError(f"there is no rule {rule!r}; known are {', '.join(_RULES)} and updated{_meant(rule, _RULES)}")
    exchanges = tuple(exchange.split())
    if not exchanges:
        raise ValueError(f"exchange is empty; name one or more of {', '.join(EXCHANGES)}")
    for one in exchanges:
        if one not in EXCHANGES:
            raise ValueError(f"there is no exchange {one!r}; known are {', '.join(EXCHANGES)}{_meant(one, EXCHANGES)}")
    names = tuple(products.split())
    if not names:
        raise ValueError("products is empty; write * for all, or their codes such as cu al")
    if names != ("*",):
        for one in names:
            if not _PRODUCT.fullmatch(one):
                raise ValueError(f"{one!r} is no code of a product; write letters alone, such as rb, without a month")
    if rule in ("closed", "open", "no-night"):
        if hours:
            raise ValueError(f"a row {rule!r} has no hours; leave the cell empty")
        if not first or not last:
            raise ValueError(f"a row {rule!r} needs both from and until")
        if rule != "no-night" and names != ("*",):
            raise ValueError(f"a row {rule!r} is about a whole exchange; write * for products")
    if not source:
        raise ValueError("source is empty; name the notice or page that the row is from")
    begin, end = (_day(first, "from") if first else FIRST), (_day(last, "until") if last else LAST)
    if begin > end:
        raise ValueError(f"from ({first}) is after until ({last}); exchange the two")
    if rule == "open" and (_date(end) - _date(begin)).days >= _MOST_OPEN_DAYS:
        raise ValueError(f"a row 'open' adds each of its days, weekends too, and {first} to {last} is long; write a row for each day")
    spans = _spans(rule, hours) if rule in ("day", "night") else ()
    return HoursRow(rule, exchanges, () if names == ("*",) else names, begin, end, spans, source, line)


def _meant(word: str, known: Sequence[str]) -> str:
    found = nearest(word, known)
    return f".{found}" if found else ""


def _day(text: str, column: str) -> int:
    try:
        return int(f"{datetime.strptime(text, '%Y-%m-%d'):%Y%m%d}")
    except ValueError:
        raise ValueError(f"{column} is {text!r}; write a day as 2026-11-27") from None


def _spans(rule: str, hours: str) -> tuple[Span, ...]:
    if rule == "night" and hours == "none":
        return ()
    found: list[Span] = []
    for part in hours.split():
        match = _SPAN.fullmatch(part)
        try:
            span = (time.fromisoformat(match[1]), time.fromisoformat(match[2])) if match else None
        except ValueError:
            span = None
        if span is None or span[0] == span[1]:
            raise ValueError(f"hours has {part!r}; write begin-end as 09:00-10:15, several with a space between them")
        found.append(span)
    if not found:
        raise ValueError(f"hours is empty; write them as {'09:00-11:30 13:30-15:00' if rule == 'day' else '21:00-23:00, or none'}")
    if rule == "night":
        if len(found) > 1 or found[0][0] < time(18) or (found[0][1] < found[0][0] and found[0][1] > time(8)):
            raise ValueError(f"hours is {hours!r}; a night is one session that begins after 18:00 and ends by 08:00, such as 21:00-02:30")
    else:
        moments = [moment for span in found for moment in span]
        if moments != sorted(moments) or len(set(moments)) < len(moments):
            raise ValueError(f"hours is {hours!r}; the sessions of a day stand in order, with a break between them")
    return tuple(found)


def _check_overlaps(path: Path, rows: Sequence[HoursRow]) -> None:
    # Two rows that begin on the same day for the same product: which one holds is nobody's guess.
    seen: dict[tuple[str, str, str, int], int] = {}
    for row in rows:
        if row.rule not in ("day", "night"):
            continue
        for exchange in row.exchanges:
            for product in row.products or ("*",):
                other = seen.setdefault((row.rule, exchange, product, row.first), row.line)
                if other != row.line:
                    raise SettingsError(
                        f"{path}:{row.line}: line {other} has {row.rule} hours of {exchange} {product} from the same day; "
                        "take one of the two out, or change its from.",
                        path=str(path),
                        line=row.line,
                    )


def changed_days(tables: Iterable[HoursTable], exchange: str, days: Sequence[int]) -> list[int]:
    """Return an exchange's trading days: the stock exchange's, without those that a table closes and with those it opens.

    Args:
        tables: the oldest first.
        exchange: such as "SHFE".
        days: of the stock exchange, YYYYMMDD in order.
    """
    wanted: dict[int, bool] = {}
    for table in tables:
        for row in table.rows:
            if row.rule in ("closed", "open") and exchange in row.exchanges:
                when = _date(row.first)
                while when <= _date(row.last):
                    wanted[int(f"{when:%Y%m%d}")] = row.rule == "open"
                    when += timedelta(days=1)
    if not wanted:
        return list(days)
    return sorted({day for day in days if wanted.get(day, True)} | {day for day, is_open in wanted.items() if is_open})


def _date(day: int) -> date:
    return date(day // 10_000, day // 100 % 100, day % 100)
