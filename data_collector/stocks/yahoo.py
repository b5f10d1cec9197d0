"""The collector of Yahoo's history, kind "yfinance": daily and minute bars, splits and dividends. It has no live prices."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np
from pydantic import Field

from gcg_quant.clock import NS_PER_DAY, NS_PER_SECOND
from gcg_quant.errors import CollectorError, InstrumentError
from gcg_quant.events import Event
from gcg_quant.instruments import Instrument, preset
from gcg_quant.market_terms import market_of
from gcg_quant.periods import period_ns
from gcg_quant.sections import Section

from ..blank import RecordArray, picked
from ..live import ExchangeCollector
from ..live.rate_limit import RateLimiter
from .corporate_actions import Action, ActionBook
from .ib_contract import HK, US, venue_of_symbol
from .yahoo_pages import YahooBusy, YahooPages, YahooRubbish
from .yahoo_rows import Split, actions_of, bars_of

__all__ = ["YahooCollector", "YahooOptions", "yahoo_name"]

_T = TypeVar("_T")
# Yahoo's name of a period, how long a stretch one page may have, and how far back there is any (days).
_PERIODS = {
    "1m": ("1m", 7, 29),
    "5m": ("5m", 50, 59),
    "15m": ("15m", 50, 59),
    "30m": ("30m", 50, 59),
    "1h": ("1h", 365, 729),
    "1d": ("1d", 3650, 0),
}
_KINDS = {"ETF": "etf", "EQUITY": "stock"}
_TURN_S = 0.2
_LOADING_S = 120.0
_PAUSES = 3  # an answer, and what waits before it
_STALE_S = 3600.0  # so old may the splits be that prices are multiplied by


class YahooOptions(Section):
    """`options = {...}` of an item of [[collectors.run]] with kind = "yfinance"."""

    requests_per_s: float = Field(default=1.0, gt=0, le=100, description="most pages a second")
    answer_s: float = Field(default=20.0, gt=0, le=600, description="longest time for one page, s")
    pause_s: float = Field(default=60.0, ge=0, le=3600, description="how long to leave Yahoo alone that was asked too often, s")
    prepost: bool = Field(default=False, description="minute bars before and after the regular session, too")
    actions_s: float = Field(default=21_600.0, ge=0.05, le=604_800, description="between two looks for new splits and dividends, s")
    history_kinds: tuple[str, ...] = Field(default=("1d",), description='what is filled in at the start: "1d", "1h", "1m" ...')


class YahooCollector(ExchangeCollector):
    """Yahoo's history of shares of Hong Kong and the USA. See docs/hk_us.md.

    Symbols are five digits (venue HKEX) or letters (venue US). No account is needed.
    """

    Options: ClassVar[type[Section]] = YahooOptions
    needs: ClassVar[str] = "stocks"
    packages: ClassVar[tuple[str, ...]] = ("yfinance",)
    options: YahooOptions

    def __init__(self, name: str, venue: str = "", **given: Any) -> None:
        """Args: `given`: those of ExchangeCollector."""
        super().__init__(name, venue, **given)
        self.history_kinds = self.options.history_kinds
        self._limiter = RateLimiter(self.options.requests_per_s, max(1.0, self.options.requests_per_s))
        self._ended = threading.Event()
        self._asking = threading.Lock()  # yfinance has one session for all threads
        self._pages_of_now: YahooPages | None = None
        self._book: ActionBook | None = None
        self._splits: dict[str, list[Split]] = {}
        self._metas: dict[str, dict[str, Any]] = {}
        self._told_s: dict[str, float] = {}  # when a symbol's actions were last looked for

    # ---- the connection: there is none, but Yahoo answers or does not

    def dial(self) -> None:
        """See whether Yahoo answers."""
        self._ended.clear()
        begin_s = self.clock()
        self.connection.extend(_LOADING_S)  # importing yfinance takes as long as it does
        with self._asking:
            self._load()
        self.connection.extend(self.clock() - begin_s - _LOADING_S)
        self._asked(lambda pages: pages.clock_ns())

    def serve(self) -> None:
        """Look for new splits and dividends every now and then."""
        while not self._ended.wait(_TURN_S):
            self.watchdog.data_s = self.clock()  # no prices are expected: silence is no fault
            now = self.clock()
            for symbol in sorted(self.symbols.copy()):
                if now - self._told_s.get(symbol, float("-inf")) >= self.options.actions_s:
                    self._look_for_actions(symbol)

    def hang_up(self) -> None:
        """End what waits."""
        self._ended.set()

    # ---- what Yahoo tells

    def deals_in(self, venue: str) -> bool:
        """Return whether a subscription is meant for this collector: both markets are its own."""
        return venue in ("", self.venue, HK, US)

    def venue_of(self, symbol: str) -> str:
        """Return "HKEX" or "US"."""
        return venue_of_symbol(symbol)

    def ask(self, symbols: Sequence[str]) -> None:
        """Take on symbols: there is nothing to subscribe, but their actions are told."""

    def instrument(self, symbol: str) -> Instrument | None:
        """Return a symbol's usual terms, with the currency, kind and name that Yahoo states."""
        meta = self._metas.get(symbol)
        if meta is None:
            meta = self._metas[symbol] = self._meta(symbol)
        own: dict[str, Any] = {
            "currency": str(meta.get("currency") or ("HKD" if self.venue_of(symbol) == HK else "USD")),
            "kind": _KINDS.get(str(meta.get("instrumentType")), "stock"),
            "description": str(meta.get("longName") or meta.get("shortName") or "")[:60],
        }
        try:
            return preset("hk" if self.venue_of(symbol) == HK else "us", symbol, self.venue_of(symbol), **own)
        except InstrumentError as error:
            raise CollectorError(f"Yahoo states terms of {symbol!r} that make no sense: {error.message}", symbol=symbol) from error

    def venue_clock_ns(self) -> int | None:
        """Return the time in the head of an answer."""
        return self._asked(lambda pages: pages.clock_ns())

    def past(self, symbol: str, what: str, start_ns: int, end_ns: int) -> list[RecordArray] | None:
        """Return bars of "1m", "5m", "15m", "30m", "1h" or "1d" as they were traded; None of anything else.

        Raises:
            OSError: Yahoo does not answer, or says that it was asked too often. CollectorError: it has none so far back, or not the symbol.
        """
        if what not in _PERIODS:
            return None
        interval, days_a_page, days_back = _PERIODS[what]
        now = self.recv_ns()
        oldest_ns = now - days_back * NS_PER_DAY if days_back else 0
        if end_ns <= oldest_ns:
            raise CollectorError(f"Yahoo keeps {what} bars for {days_back + 1} days only.", symbol=symbol, what=what)
        if symbol not in self._splits or self.clock() - self._told_s.get(symbol, 0.0) > _STALE_S:
            self._tell_actions(symbol)  # Yahoo divides by a new split from its day on
        number, calendar = self.bus.instruments.number(symbol, self.venue_of(symbol)), self.terms_of(symbol).calendar
        length_ns, margin_ns = period_ns(what), NS_PER_DAY if what == "1d" else 0
        at_ns, stop_ns = max(start_ns - start_ns % length_ns - margin_ns, oldest_ns), min(end_ns + margin_ns, now)
        found: list[RecordArray] = []
        newest_ns = start_ns
        while at_ns < stop_ns:
            over_ns = min(at_ns + days_a_page * NS_PER_DAY, stop_ns)
            begin_s, end_s = at_ns // NS_PER_SECOND, -(-over_ns // NS_PER_SECOND)
            table = self._asked(
                lambda pages, begin_s=begin_s, end_s=end_s: pages.table(yahoo_name(symbol), interval, begin_s, end_s, self.options.prepost)  # type: ignore[misc]
            )
            if table is not None:
                rows, refused = bars_of(table, what, number, self._splits.get(symbol, ()), calendar, self.recv_ns())
                if refused:
                    self.fault("malformed", f"{symbol}: {refused} rows of {what} bars that make none")
                rows = picked(rows, np.flatnonzero((rows["event_ns"] > newest_ns) & (rows["start_ns"] < end_ns)))
                if len(rows):
                    newest_ns = int(rows["event_ns"][-1])
                    found.append(rows)
            at_ns = over_ns
        return found

    # ---- inside

    def _load(self) -> YahooPages:
        if self._pages_of_now is None:
            self._pages_of_now = YahooPages(self.url, self.bus.path.resolve().parent / "yahoo", self.options.answer_s)
        return self._pages_of_now

    def _meta(self, symbol: str) -> dict[str, Any]:
        # Connecting asks for each symbol: it takes as long as Yahoo's answers, and the pauses between them, do.
        connecting, longest_s, begin_s = self.connection.own_thread, _PAUSES * self.options.answer_s + self.options.pause_s, self.clock()
        if connecting:
            self.connection.extend(longest_s)
        try:
            return self._asked(lambda pages: pages.meta(yahoo_name(symbol)))
        finally:
            if connecting:
                self.connection.extend(self.clock() - begin_s - longest_s)

    def _look_for_actions(self, symbol: str) -> None:
        self._told_s[symbol] = self.clock()
        try:
            self._tell_actions(symbol)
        except CollectorError as error:
            self.fault("actions", error.message)

    def _tell_actions(self, symbol: str) -> None:
        dividends, splits = self._asked(lambda pages: pages.actions(yahoo_name(symbol)))
        currency = str(self._metas.get(symbol, {}).get("currency", "")) or ("HKD" if self.venue_of(symbol) == HK else "USD")
        actions, self._splits[symbol] = actions_of(dividends, splits, currency)
        self._told_s[symbol] = self.clock()
        self._say_actions(symbol, actions)

    def _say_actions(self, symbol: str, actions: Sequence[Action]) -> None:
        if self._book is None:
            self._book = ActionBook(self._tell, self.history)
        self._book.tell(symbol, self.venue_of(symbol), actions)

    def _tell(self, event: Event) -> int:
        return self.publish(event, cause=0)

    def _asked(self, ask: Callable[[YahooPages], _T]) -> _T:
        wait_s = self._limiter.reserve()
        if wait_s > 0 and self._ended.wait(wait_s):
            raise OSError(f"{self.name} ends")
        with self._asking:
            pages = self._load()
            try:
                return ask(pages)
            except YahooBusy:
                self._limiter.pause(self.options.pause_s)
                raise
            except YahooRubbish as error:
                self.fault("malformed", str(error))
                raise


def yahoo_name(symbol: str) -> str:
    """Return Yahoo's name of a symbol: "0700.HK" of "00700", "BRK-B" of "BRK.B". Raises CollectorError if it is of neither market."""
    market = market_of(symbol)
    if market == "hk":
        return f"{int(symbol):04}.HK"
    if market != "us" or not symbol:
        raise CollectorError(
            f"{symbol!r} is no share of Hong Kong or the USA: write five digits ('00700') or letters ('AAPL').", symbol=symbol
        )
    return symbol.replace(".", "-")
