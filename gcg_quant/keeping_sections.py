"""The sections of `gcg_quant.toml` about what is kept: how long rows stay in the database, and how often it is saved."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, field_validator

from gcg_quant.clock import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE
from gcg_quant.errors import EventError
from gcg_quant.periods import period_ns
from gcg_quant.section import Period, Section, setting

__all__ = ["BackupSettings", "RetentionSettings", "age_ns", "due_ns"]

_CLOCK_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_OFF = ("", "off", "none")


def age_ns(text: str) -> int:
    """Return the nanoseconds of an age such as "30d", "12h" or "2w".

    Raises:
        ValueError: it is none, or less than an hour: "30m" are minutes, and nobody means those.
    """
    try:
        age = period_ns(text)
    except EventError:
        age = 0
    if age < NS_PER_HOUR:
        raise ValueError('expected an age of an hour or more, such as "30d", "12h" or "2w", or "off"')
    return age


def due_ns(at: str | None, now_ns: int) -> int:
    """Return the newest moment up to `now_ns` at which something is due that happens `at` a time of day or every so often; 0 for never."""
    if at is None:
        return 0
    clock_time = _CLOCK_TIME.fullmatch(at)
    if clock_time is None:
        every = age_ns(at)
        return now_ns - now_ns % every
    offset = int(clock_time[1]) * NS_PER_HOUR + int(clock_time[2]) * NS_PER_MINUTE
    return now_ns - (now_ns - offset) % NS_PER_DAY


def _check_age(value: object) -> object:
    if value is None or (isinstance(value, str) and value.strip().lower() in _OFF):
        return None
    age_ns(str(value))
    return value


def _check_schedule(value: object) -> object:
    if value is None or (isinstance(value, str) and value.strip().lower() in _OFF):
        return None
    if not _CLOCK_TIME.fullmatch(str(value)):
        try:
            age_ns(str(value))
        except ValueError:
            raise ValueError('expected a time of day (UTC) such as "03:30", a pace such as "6h", or "off"') from None
    return value


Age = Annotated[str | None, BeforeValidator(_check_age)]  # None is "off"
Schedule = Annotated[str | None, BeforeValidator(_check_schedule)]


def _kept(what: str, age: str | None = None) -> Any:
    return setting(age, f"how long {what} stay, such as 30d; off = for ever", live=True)


class RetentionSettings(Section):
    """[retention]: how long rows stay in the database. What cannot be had again, money above all, stays unless somebody says otherwise."""

    at: Schedule = setting("03:30", "when old rows are removed: a time of day (UTC), a pace such as 6h, or off", live=True)
    imports: bool = setting(False, "whether the rules hold for rows of imported files, too", live=True)
    ticks: Age = _kept("ticks")
    depth: Age = _kept("order book snapshots")
    book_deltas: Age = _kept("order book changes")
    trade_ticks: Age = _kept("single trades of the market")
    bars: dict[Period, Age] = setting({}, 'how long bars stay, by period: bars.1s = "7d"; a period that is left out stays', live=True)
    signals: Age = _kept("signals")
    order_requests: Age = _kept("order requests")
    risk_verdicts: Age = _kept("verdicts on orders")
    order_events: Age = _kept("reports on orders (the newest one of each order stays)")
    fills: Age = _kept("fills")
    position_events: Age = _kept("changes of positions (the newest one stays)")
    account_events: Age = _kept("changes of accounts (the newest one stays)")
    gaps: Age = _kept("known gaps of market data")
    corporate_actions: Age = _kept("splits and dividends")
    funding: Age = _kept("funding rates")
    strategy_events: Age = _kept("changes of strategies (the newest one stays)")
    alerts: Age = _kept("alerts")
    logs: Age = _kept("log lines", "90d")

    @field_validator("bars")
    @classmethod
    def _no_empty_periods(cls, bars: dict[str, str | None]) -> dict[str, str | None]:
        return {period: age for period, age in bars.items() if age is not None}


class BackupSettings(Section):
    """[backup]: the database is saved by itself, beside whoever reads and writes."""

    at: Schedule = setting(None, "when: a time of day (UTC) such as 04:00, a pace such as 12h, or off", live=True)
    folder: str = setting("", "where to; empty = `backups` in the home folder", live=True)
    keep: int = setting(7, "how many stay; older ones are removed after each new one", ge=1, le=10_000, live=True)
    compress: Literal["zstd", "none"] = setting("zstd", "how the files are compressed", live=True)
