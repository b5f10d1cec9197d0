"""The collector of akshare: snapshots of Chinese shares at a stated period while the exchanges are open, and history."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from gcg_quant.clock import NS_PER_DAY, NS_PER_SECOND, day_of, to_iso
from gcg_quant.errors import CollectorError
from gcg_quant.events import Tick
from gcg_quant.instruments import Instrument
from gcg_quant.sections import Section
from gcg_quant.session_table import margins

from ..blank import RecordArray
from .akshare_pages import AksharePages, Answer, EmptyPage, MalformedPage, RefusedPage
from .akshare_pool import PagePool
from .akshare_rows import PageNote, dividends_in, page_note, parse_listed, parse_past, parse_quote, suspended_in
from .share_bars import ZONE
from .share_code import Share
from .share_collector import ShareCollector, ShareOptions
from .share_terms import CALENDAR

__all__ = ["AkshareCollector", "AkshareOptions"]

_LIST_S = 60.0  # about what akshare takes for the list of all shares: 56 pages with its own pauses
_FAILURES = 5  # in a row: the connection has failed
_TURN_S = 0.1
_PROBE = "600519"  # a share that is there, where none is collected yet
_MINUTES = {"1m": "1", "5m": "5", "15m": "15", "30m": "30", "1h": "60"}
_DAYS = {"1d": "daily", "1w": "weekly"}


class AkshareOptions(ShareOptions):
    """Options of the kind "akshare"."""

    period_s: float = Field(default=5.0, ge=0.02, le=3600, description="from one round of snapshots to the next, s")
    snapshot: Literal["auto", "book", "list"] = Field(
        default="auto",
        description='"book": each share alone, with five levels and limits; "list": all at once, prices alone; auto: by number',
    )
    connections: int = Field(default=4, ge=1, le=32, description="requests that may be under way at once")
    auction: bool = Field(default=True, description="ask in the auctions, too, and a little after the close")


class AkshareCollector(ShareCollector):
    """Snapshots of Eastmoney's pages by akshare. A snapshot that says what the one before said is not published again.

    They come some seconds late, tell no single trades, and nobody promises them. Indexes and Shanghai's funds are not among them.
    """

    Options: ClassVar[type[Section]] = AkshareOptions
    packages: ClassVar[tuple[str, ...]] = ("akshare",)
    history_kinds = ("1d",)
    options: AkshareOptions

    def __init__(self, name: str, venue: str = "", **given: Any) -> None:
        super().__init__(name, venue, **given)
        self.pages = AksharePages(
            self.url,
            connect_s=min(self.connect_s, self.options.answer_s),
            answer_s=self.options.answer_s,
            pause=self._pause,
            hold=self.limiter.pause,
            connections=self.options.connections,
            wall=self.recv_ns,
        )
        self.unchanged = 0  # snapshots that were not published
        self.rounds = 0
        self._pool = PagePool(self.name, self.options.connections, self.ended)
        self._in_a_row = 0
        self._last_failure: OSError | None = None
        self._seen: dict[str, tuple[Any, ...]] = {}
        self._notes: dict[str, PageNote] = {}
        self._unknown: list[str] = []  # symbols whose actions were not told yet
        self._day = 0  # the trading day whose suspensions were told
        self._said_slow = False
        self._guard = threading.Lock()

    # ---- the connection

    def dial(self) -> None:
        """Load akshare, and see whether the pages answer."""
        self.ended.clear()
        self.pages.load()
        self._in_a_row = 0
        self._pool.begin()
        asked = next((share for symbol in sorted(self.symbols) if (share := self.share(symbol)).is_stock), None)
        probe = asked.symbol if asked is not None else _PROBE
        try:
            self._wait(self._pool.send(self.pages.call, "stock_bid_ask_em", symbol=probe))
        except MalformedPage as error:
            self.fault("malformed", str(error), error.head)
            raise

    def serve(self) -> None:
        """Ask for snapshots, round by round, while the exchanges are open."""
        next_s = self._clock()
        while not self.ended.wait(min(_TURN_S, max(0.0, next_s - self._clock()))):
            now_ns = self.recv_ns()
            if self._asks_at(now_ns) and self.symbols and self._clock() >= next_s:
                next_s = max(next_s + self.options.period_s, self._clock() if self.rounds else 0.0)
                self._wait(self._pool.send(self._begin_day, now_ns))
                self._round(sorted(self.symbols))
                self.rounds += 1
            if self._unknown and not self.ended.is_set():
                self._wait(self._pool.send(self._tell_actions_of, self._unknown.pop()))
            self._check()
            if not self._asks_at(self.recv_ns()):
                self.alive()

    def hang_up(self) -> None:
        """End what waits; requests that are under way end by themselves."""
        super().hang_up()
        self._pool.end()
        self.pages.close()

    def ask(self, symbols: Sequence[str]) -> None:
        """Take on symbols. Raises CollectorError for what the pages do not have."""
        for symbol in symbols:
            share = self.share(symbol)
            if not share.is_stock:
                raise CollectorError(f"akshare's snapshots are of shares alone: {share.name} is {_an(share.board)}.", symbol=symbol)
        if self.options.actions:
            self._unknown += symbols

    def drop(self, symbols: Sequence[str]) -> None:
        """Forget symbols."""
        for symbol in symbols:
            self._seen.pop(symbol, None)

    # ---- what it knows

    def instrument(self, symbol: str) -> Instrument | None:
        """Return a share's terms of today; its name, and with it its price limit, is known with the first snapshot."""
        note = self._notes.get(symbol, PageNote(0, "", 0))
        return self.terms_on(self.share(symbol), self.today(), name=note.name, listed=note.listed or None)

    def venue_clock_ns(self) -> int | None:
        """Return the pages' clock, to half a second."""
        offset_ns = self.pages.clock_offset_ns
        return None if offset_ns is None else self.recv_ns() + offset_ns

    def discover(self) -> list[str]:
        """Return all shares: akshare takes a minute for it."""
        frame = self._page("stock_zh_a_spot_em").value
        return sorted(code for code in frame["代码"] if self._is_share(code))

    def past(self, symbol: str, what: str, start_ns: int, end_ns: int) -> list[RecordArray] | None:
        """Return bars of "1d", "1w" or "1m" to "1h" without any adjustment (1m: five days back, others some months); None for others."""
        share = self.share(symbol)
        if not share.is_stock or (what not in _DAYS and what not in _MINUTES):
            return None
        try:
            frame = self._past_frame(symbol, what, start_ns, end_ns)
        except EmptyPage as error:
            raise CollectorError(f"Eastmoney keeps no {what} bars of {share.name} so far back.", symbol=symbol) from error
        found = self.parsed(lambda frame, recv_ns: parse_past(frame, what, recv_ns), frame, self.recv_ns())
        if found is None:
            raise MalformedPage(f"The {what} bars of {share.name} cannot be read.")
        if found.refused:
            self.fault("malformed", f"{share.name}: {found.refused} rows of {what} bars that make none")
        if what == "1d" and self.options.actions:
            self._tell_actions_of(symbol)
        bars = found.bars[(found.bars["event_ns"] > start_ns) & (found.bars["start_ns"] < end_ns)]
        if not len(bars) and what in _MINUTES:
            raise CollectorError(f"Eastmoney keeps no {what} bars of {share.name} so far back.", symbol=symbol)
        return [bars]

    def _past_frame(self, symbol: str, what: str, start_ns: int, end_ns: int) -> Any:
        if what in _DAYS:
            first, last = (day_of(ns + days * NS_PER_DAY, ZONE) for ns, days in ((start_ns, -7), (end_ns, 7)))
            dates = {"start_date": str(first), "end_date": str(last)}
            words = {"symbol": symbol, "period": _DAYS[what], "adjust": "", "timeout": self.options.answer_s}
            return self._page("stock_zh_a_hist", **dates, **words).value
        dates = {"start_date": _local(start_ns), "end_date": _local(end_ns + 3600 * NS_PER_SECOND)}
        return self._page("stock_zh_a_hist_min_em", symbol=symbol, period=_MINUTES[what], adjust="", **dates).value

    # ---- rounds

    def _asks_at(self, ns: int) -> bool:
        begins, ends = _hours(self.options.auction)
        row = int(np.searchsorted(begins, ns, "right")) - 1
        return row >= 0 and ns < int(ends[row])

    def _begin_day(self, now_ns: int) -> None:
        # Once a trading day: who does not trade, and the terms of today.
        day = self.today()
        if self._day == day:
            return
        self._day = day
        try:
            away = suspended_in(self._page("stock_tfp_em", date=str(day)).value, day)
        except EmptyPage:  # nobody
            self.tell_suspensions(dict.fromkeys(self.symbols.copy(), False), day, now_ns)
        except (OSError, ValueError, KeyError) as error:
            self.fault("suspensions", str(error))
        else:
            self.tell_suspensions({symbol: symbol in away for symbol in self.symbols.copy()}, day, now_ns)
        for symbol in self.symbols.copy():
            self.learn(symbol)

    def _round(self, symbols: Sequence[str]) -> None:
        shares = [share for symbol in symbols if (share := self.share(symbol)).is_stock and not self.halted(symbol)]
        if self._by_list(len(shares)):
            self._wait(self._pool.send(self._ask_list, {share.symbol: share for share in shares}))
            return
        began_s = self._clock()
        self._wait(*[self._pool.send(self._ask_quote, share, self._day) for share in shares])
        took_s = self._clock() - began_s
        if took_s > 2 * self.options.period_s and len(shares) > 1 and not self._said_slow:
            self._said_slow = True
            text = f"a round of {len(shares)} shares takes {took_s:.1f} s, and period_s is {self.options.period_s:g}"
            self.log(f"{text}: raise requests_per_s, or have fewer symbols", level="warning")

    def _by_list(self, count: int) -> bool:
        chosen = self.options.snapshot
        return chosen == "list" or (chosen == "auto" and count / self.options.requests_per_s > _LIST_S)

    def _ask_quote(self, share: Share, day: int) -> None:
        # On a thread of the pool.
        if self.ended.is_set():
            return
        try:
            answer = self._page("stock_bid_ask_em", symbol=share.symbol)
        except EmptyPage:
            self._succeeded()
            self.fault("symbol", f"Eastmoney shows no share {share.name}")
            return
        except OSError as error:
            self._failed(error, share)
            return
        recv_ns = self.recv_ns()
        note = page_note(answer.pages[-1] if answer.pages else None, recv_ns)
        items = dict(zip(answer.value["item"], answer.value["value"], strict=True))
        event_ns = note.made_ns or recv_ns
        found = self.parsed(lambda items, recv_ns: parse_quote(items, share, event_ns, recv_ns, day), items, recv_ns)
        self._succeeded()
        self._note(share.symbol, note)
        if found is None:
            return
        tick, depth = found
        key = (tick.replace(event_ns=0, recv_ns=0), None if depth is None else depth.replace(event_ns=0, recv_ns=0))
        if self._is_new(share.symbol, tuple(None if one is None else bytes(memoryview(one)) for one in key)):
            self.take(tick)
            if depth is not None:
                self.take(depth)

    def _ask_list(self, shares: dict[str, Share]) -> None:
        try:
            frame = self._page("stock_zh_a_spot_em").value
        except OSError as error:
            self._failed(error, None)
            return
        recv_ns = self.recv_ns()
        self._succeeded()
        for row in frame.to_dict("records"):
            share = shares.get(row.get("代码", ""))
            if share is None or self.ended.is_set():
                continue
            self._note(share.symbol, PageNote(0, str(row["名称"]), self._notes.get(share.symbol, PageNote(0, "", 0)).listed))
            tick: Tick | None = self.parsed(
                lambda row, recv_ns, share=share: parse_listed(row, share, recv_ns, self._day),  # type: ignore[misc]
                row,
                recv_ns,
            )
            if tick is not None and self._is_new(share.symbol, (bytes(memoryview(tick.replace(event_ns=0, recv_ns=0))),)):
                self.take(tick)

    def _is_new(self, symbol: str, said: tuple[Any, ...]) -> bool:
        with self._guard:
            if self._seen.get(symbol) == said:
                self.unchanged += 1
                return False
            self._seen[symbol] = said
            return True

    def _note(self, symbol: str, note: PageNote) -> None:
        # A name tells of special treatment, and with the day of listing of the days without a limit.
        known = self._notes.get(symbol)
        if note.name and (known is None or (known.name, known.listed) != (note.name, note.listed)):
            self._notes[symbol] = note
            self.learn(symbol)

    # ---- requests

    def _page(self, name: str, **words: Any) -> Answer:
        try:
            return self.pages.call(name, **words)
        except MalformedPage as error:
            self.fault("malformed", str(error), error.head)
            raise

    def _pause(self) -> None:
        self.limiter.take()
        if self._pool.abandoned:
            raise ConnectionError("hung up")

    def _wait(self, *futures: Future[Any]) -> None:
        self._pool.wait(futures, self._check)

    def _succeeded(self) -> None:
        self.alive()
        with self._guard:
            self._in_a_row = 0

    def _failed(self, error: OSError, share: Share | None) -> None:
        if not isinstance(error, MalformedPage):
            kind = "refused" if isinstance(error, RefusedPage) else "request"
            self.fault(kind, f"{share.name if share is not None else 'the list'}: {error}")
        with self._guard:
            self._in_a_row += 1
            self._last_failure = error

    def _check(self) -> None:
        # One failure is a fault; many in a row, or as many as there are symbols, are the end of the connection.
        with self._guard:
            over = self._in_a_row >= min(_FAILURES, max(2, 2 * len(self.symbols)))
        if over:
            raise ConnectionError(f"{self._in_a_row} requests in a row failed: {self._last_failure}")
        if self.pages.longest_s() > self.connect_s + 1.5 * self.options.answer_s:
            raise ConnectionError(f"no whole answer within {self.pages.longest_s():.1f} s")

    def _tell_actions_of(self, symbol: str) -> None:
        try:
            self.tell_actions(self.share(symbol), dividends_in(self._page("stock_fhps_detail_em", symbol=symbol).value))
        except EmptyPage:  # it has never paid any
            pass
        except (OSError, ValueError, KeyError, CollectorError) as error:
            self.fault("actions", f"{symbol}: {error}")


def _hours(auction: bool) -> tuple[Any, Any]:
    if auction:
        return margins(CALENDAR)
    from gcg_quant.calendar import Calendar

    return Calendar(CALENDAR).segments()


def _local(ns: int) -> str:
    return to_iso(ns, ZONE)[:19].replace("T", " ")


def _an(board: str) -> str:
    return {"fund": "a fund", "index": "an index"}.get(board, board)
