"""The collector of baostock: history of Chinese shares, and each day's bar in the evening. It has no live prices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

from pydantic import Field

from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_DAY, day_of
from gcg_quant.errors import CollectorError
from gcg_quant.events import from_array
from gcg_quant.instruments import Instrument
from gcg_quant.sections import Section

from ..blank import RecordArray
from .baostock_rows import DAILY, FREQUENCIES, MINUTES, WEEKLY, Basic, basics_of, day_rows, dividends_of, ex_days, parse_bars
from .baostock_session import PORT, BaostockSession, MalformedAnswer, Table
from .corporate_actions import Action
from .share_bars import ZONE, number_of
from .share_code import Share
from .share_collector import ShareCollector, ShareOptions, clock_ns
from .share_terms import CALENDAR

__all__ = ["BaostockCollector", "BaostockOptions"]

_T = TypeVar("_T")

_TURN_S = 0.2
_SINGLE = 4  # so many names are asked for one by one; more by the list of all
_FIRST_DAY = "1990-12-19"  # the exchanges' first
_BEFORE_DAYS = 40  # the longest suspension over which a close before an ex-day is looked for


class BaostockOptions(ShareOptions):
    """Options of the kind "baostock"."""

    daily: bool = Field(default=True, description="publish each trading day's bars in the evening")
    daily_at: str = Field(default="17:40", pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="from when, by the clock in China")
    retry_s: float = Field(default=600.0, ge=0.05, le=7200, description="between two looks for bars that have not come in yet, s")
    check_s: float = Field(default=300.0, ge=0.05, le=86_400, description="between two looks whether the server still answers, s")


class BaostockCollector(ShareCollector):
    """Daily, weekly and 5 to 60 minute bars, adjustment factors, suspensions, names of Shanghai's and Shenzhen's securities.

    baostock.com needs no account; with the credential `api_key` its server for paying users is asked. It tells nothing of Beijing.
    """

    Options: ClassVar[type[Section]] = BaostockOptions
    packages: ClassVar[tuple[str, ...]] = ("baostock",)
    after_close: ClassVar[bool] = True
    history_kinds = ("1d",)
    options: BaostockOptions

    def __init__(self, name: str, venue: str = "", **given: Any) -> None:
        super().__init__(name, venue, **given)
        self.session = BaostockSession(
            _address(self.url),
            connect_s=self.connect_s,
            answer_s=self.options.answer_s,
            user=self.credentials.get("user"),
            password=self.credentials.get("password"),
            api_key=self.credentials.get("api_key"),
            pause=self.limiter.take,
        )
        self._basics: dict[str, Basic] = {}
        self._listed_on = 0  # the day of the list of all
        self._unknown: list[str] = []  # symbols whose actions were not told yet
        self._evening = 0  # the last trading day whose bars were published
        self._next_look_s = 0.0
        self._treated: dict[str, bool] = {}  # under special treatment, as the last evening told

    # ---- the connection

    def dial(self) -> None:
        """Log in."""
        self.ended.clear()
        self.session.login()

    def serve(self) -> None:
        """Tell of actions, and of each day's bars in the evening; see now and then whether the server is there."""
        checked_s, day = self._clock(), self.today()
        while not self.ended.wait(_TURN_S):
            self.alive()  # no prices are expected
            if day != self.today():
                self._end_day(day)
                day = self.today()
            if self._unknown:
                self._tell_actions_of(self._unknown.pop())
            elif self._evening_is_due():
                self._tell_day(self.today())
            elif self._clock() - checked_s > self.options.check_s:
                checked_s = self._clock()
                self.session.ask("query_trade_dates", *2 * (_dashed(self.today()),))

    def hang_up(self) -> None:
        """End what waits for the server."""
        super().hang_up()
        self.session.hang_up()

    def ask(self, symbols: Sequence[str]) -> None:
        """Take on symbols: there is nothing to subscribe, but their actions are told."""
        if self.options.actions:
            self._unknown += [symbol for symbol in symbols if self.share(symbol).is_stock]

    # ---- what it knows

    def instrument(self, symbol: str) -> Instrument | None:
        """Return a security's terms of today: its name, and its price limit by board, name and day of listing."""
        share = self.share(symbol)
        basic = self._basic(share)
        return self.terms_on(share, self._terms_day(), name=basic.name, st=self._treated.get(symbol), listed=basic.listed or None)

    def discover(self) -> list[str]:
        """Return all securities of the last trading day."""
        closes, now = Calendar(CALENDAR).day_closes(), self.recv_ns()
        day = day_of(int(closes[closes <= now][-1]), ZONE)
        codes = [row["code"] for row in self._fetched("query_all_stock", _dashed(day)).dicts()]
        return sorted(code[3:] for code in codes if self._is_share(code[3:]) and self.share(code[3:]).dotted == code)

    def past(self, symbol: str, what: str, start_ns: int, end_ns: int) -> list[RecordArray] | None:
        """Return bars of "1d", "1w", "5m", "15m", "30m" or "1h" without any adjustment; None for anything else: nobody keeps it."""
        frequency = FREQUENCIES.get(what)
        if frequency is None:
            return None
        share = self.share(symbol)
        length = 7 * NS_PER_DAY if what == "1w" else NS_PER_DAY
        bars = self._bars(share, what, day_of(start_ns - length, ZONE), day_of(end_ns + length, ZONE))
        if what == "1d" and self.options.actions and share.is_stock:
            self.tell_actions(share, self._actions(share))
        bars = bars[(bars["event_ns"] > start_ns) & (bars["start_ns"] < end_ns)]
        if not len(bars) and what not in ("1d", "1w"):  # how far back minutes go, nobody says
            raise CollectorError(f"baostock keeps no {what} bars of {share.name} for these days.", symbol=symbol)
        return [bars]

    # ---- inside

    def _bars(self, share: Share, period: str, first: int, last: int) -> RecordArray:
        fields = {"1d": DAILY, "1w": WEEKLY}.get(period, MINUTES)
        table = self._k_data(share, fields, first, last, FREQUENCIES[period])
        found = self._read(lambda: parse_bars(table, period, self.recv_ns()))
        if found.refused:
            self.fault("malformed", f"{share.name}: {found.refused} rows of {period} bars that make none")
        return found.bars

    def _k_data(self, share: Share, fields: str, first: int, last: int, frequency: str) -> Table:
        dates = {"start_date": _dashed(first), "end_date": _dashed(last)}
        return self._fetched("query_history_k_data_plus", share.dotted, fields, **dates, frequency=frequency, adjustflag="3")

    def _fetched(self, query: str, *words: str, **named: str) -> Table:
        try:
            return self.session.ask(query, *words, **named)
        except MalformedAnswer as error:
            self.fault("malformed", str(error))
            raise

    def _read(self, parse: Callable[[], _T]) -> _T:
        try:
            return parse()
        except ValueError as error:
            self.fault("malformed", str(error))
            raise MalformedAnswer(f"baostock: {error}") from error

    def _basic(self, share: Share) -> Basic:
        today = self.today()
        if self._listed_on != today:
            if len(self.symbols) > _SINGLE:
                self._basics, self._listed_on = self._read(lambda: basics_of(self._fetched("query_stock_basic"))), today
            else:
                self._basics |= self._read(lambda: basics_of(self._fetched("query_stock_basic", share.dotted)))
        basic = self._basics.get(share.dotted)
        if basic is None:
            raise CollectorError(f"baostock has no security {share.name}.", symbol=share.symbol)
        return basic

    # ---- corporate actions

    def _tell_actions_of(self, symbol: str) -> None:
        try:
            self.tell_actions(self.share(symbol), self._actions(self.share(symbol)))
        except CollectorError as error:
            self.fault("actions", error.message)

    def _actions(self, share: Share) -> list[Action]:
        # The factors name all ex-days; what no dividend explains (a rights issue) is what the exchange took off the close.
        until = _dashed(self.today())
        days = self._read(lambda: ex_days(self._fetched("query_adjust_factor", share.dotted, _FIRST_DAY, until)))
        actions: list[Action] = []
        for year in sorted({day // 10_000 for day in days}):
            table = self._fetched("query_dividend_data", share.dotted, str(year), "operate")
            actions += self._read(partial(dividends_of, table))
        explained = {action.ex_day for action in actions}
        return actions + [action for day in days if day not in explained and (action := self._unexplained(share, day)) is not None]

    def _unexplained(self, share: Share, day: int) -> Action | None:
        before = day_of(clock_ns(day, "12:00") - _BEFORE_DAYS * NS_PER_DAY, ZONE)
        rows = self._k_data(share, "date,code,close,preclose", before, day, "d").rows
        if len(rows) < 2 or rows[-1][0] != _dashed(day):
            return None
        taken = round(number_of(rows[-2][2]) - number_of(rows[-1][3]), 4)
        return Action("dividend", day, amount=taken, currency="CNY", detail="a rights issue or the like") if taken > 0 else None

    # ---- evenings

    def _evening_is_due(self) -> bool:
        day = self.today()
        if not self.options.daily or self._evening == day or not self.symbols or self._clock() < self._next_look_s:
            return False
        return self.trades_on(day) and self.recv_ns() >= clock_ns(day, self.options.daily_at)

    def _end_day(self, day: int) -> None:
        # Its bars did not come in before midnight: from now on they are a hole that is filled in.
        if self.options.daily and self._evening != day and self.trades_on(day):
            for symbol in sorted(self.symbols.copy()):
                self.lost(symbol, "1d", *Calendar(CALENDAR).bounds(day), "late", detail="the day's bar did not come in its evening")

    def _tell_day(self, day: int) -> None:
        # One table holds all shares, another all funds; an index is asked for alone.
        shares = {self.share(symbol).dotted: self.share(symbol) for symbol in self.symbols.copy()}
        boards = {share.board for share in shares.values()}
        tables = []
        if boards - {"fund", "index"}:
            tables.append(self._fetched("query_daily_history_k_AStock", _dashed(day)))
        if "fund" in boards:
            tables.append(self._fetched("query_daily_history_k_ETF", _dashed(day)))
        tables += [self._k_data(share, DAILY, day, day, "d") for share in shares.values() if share.board == "index"]
        if not any(table.rows for table in tables):
            self._next_look_s = self._clock() + self.options.retry_s  # it has not come in yet
            return
        self._evening = day
        for table in tables:
            self._tell_rows(table, shares, day)

    def _tell_rows(self, table: Table, shares: dict[str, Share], day: int) -> None:
        place = table.fields.index("code") if "code" in table.fields else 0
        wanted = Table(table.fields, [row for row in table.rows if row[place] in shares])
        rows = self.parsed(lambda table, _: day_rows(table), wanted, 0) or []
        self.tell_suspensions({shares[row.code].symbol: row.suspended for row in rows}, day, clock_ns(day, "15:00"))
        for row in wanted.rows:
            one = Table(table.fields, [row])
            found = self.parsed(lambda one, recv_ns: parse_bars(one, "1d", recv_ns), one, self.recv_ns())
            share = shares[row[place]]
            for bar in from_array(found.bars, share.symbol, share.venue) if found is not None else []:
                self.take(bar)
            if found is not None and found.refused:
                self.fault("malformed", f"{share.name}: a row of {day} that makes no bar", row)
        self._treated |= {shares[row.code].symbol: row.st for row in rows}
        for told in rows:  # tomorrow's price limits
            self.learn(shares[told.code].symbol)

    def _terms_day(self) -> int:
        # In the evening the terms are those of the next trading day.
        day = self.today()
        days = Calendar(CALENDAR).day_starts()[1]
        later = days[days > day] if self._evening == day else days[days >= day]
        return int(later[0]) if len(later) else day


def _dashed(day: int) -> str:
    return f"{day // 10_000:04}-{day // 100 % 100:02}-{day % 100:02}"


def _address(url: str) -> tuple[str, int] | None:
    if not url:
        return None
    parts = urlsplit(url)
    if not parts.hostname:
        raise CollectorError(f"The URL {url!r} of baostock names no host: write 'tcp://HOST:{PORT}'.", url=url)
    return parts.hostname, parts.port or PORT
