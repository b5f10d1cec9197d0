"""The collector of a MetaTrader 5 terminal, kind "mt5": ticks by asking for what is new, again and again."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from gcg_quant.clock import NS_PER_HOUR, NS_PER_MILLISECOND, NS_PER_SECOND
from gcg_quant.errors import CollectorError
from gcg_quant.instruments import Instrument
from gcg_quant.periods import period_ns

from ..blank import RecordArray, picked
from ..live import ExchangeCollector
from ..ordinals import Ordinals
from .last_error import failure
from .link import Link, link_to
from .options import Mt5Options
from .rows import TIMEFRAMES, bars_of, rate_rows, ticks_of
from .server_time import ClockWatch
from .symbol_names import SymbolNames
from .terminal import BACK, FIRST, MORE, NEVER, STATED
from .terms import instrument_of
from .tick_cursor import tick_rows
from .watch_list import WatchedSymbol, WatchList

__all__ = ["Mt5Collector"]

_STRETCH_NS = 6 * NS_PER_HOUR  # of the past, read at once
_BARS = 10_000  # likewise
_NOT_LINKED = "the terminal has no connection to the broker's server"


class Mt5Collector(ExchangeCollector):
    """One account at one broker, through one terminal. See docs/fx.md.

    Each tick comes once, also over lost connections: a symbol's cursor outlives them. Credentials: account, password, server; without them
    the account that the terminal is logged in to.
    """

    Options: ClassVar[type[Mt5Options]] = Mt5Options
    needs: ClassVar[str] = "fx"

    def __init__(self, name: str, venue: str = "", **options: Any) -> None:
        """Args: `options`: those of ExchangeCollector."""
        super().__init__(name, venue, **options)
        assert isinstance(self.options, Mt5Options)
        self.settings: Mt5Options = self.options
        self.clock_watch = ClockWatch(self.settings.server_time)
        self.symbol_names = SymbolNames(self.settings.prefix, self.settings.suffix, self.settings.names)
        self._link: Link | None = None
        self._ended = threading.Event()
        self._list = WatchList()
        self._stated_terms: dict[str, dict[str, Any]] = {}  # of this connection, by the broker's names
        self._account = self._leverage = 0
        self.looks = 0  # of this connection

    # ---- the connection

    def dial(self) -> None:
        """Reach the terminal, log in, and learn which symbols the broker has."""
        self._ended = threading.Event()
        self.looks = 0
        self._stated_terms = {}
        now_ms = self.recv_ns() // NS_PER_MILLISECOND
        self._list.begin(now_ms - round(self.settings.catch_up_s * 1000))
        self._link = link_to(self.url, trust_network=self.settings.trust_network)
        self._link.connect(self.connect_s)
        self._log_in()
        self.symbol_names.learn(self._tell("symbols"))

    def serve(self) -> None:
        """Look for new ticks until the connection ends."""
        ended = self._ended
        while not ended.is_set():
            if not self._look_for_ticks():
                ended.wait(self.settings.poll_ms / 1000)
        raise OSError("it was hung up")

    def hang_up(self) -> None:
        """Close the connection; the terminal stays open."""
        self._ended.set()
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def ask(self, symbols: Sequence[str]) -> None:
        """Take symbols into the terminal's Market Watch."""
        asked = {self.symbol_names.theirs(symbol): symbol for symbol in symbols}
        with self._list.lock:
            known = {one.symbol for one in self._list.watched}
            new = {name: symbol for name, symbol in asked.items() if symbol not in known}
            if not new:
                return
            for name, symbol in new.items():
                number = self.bus.instruments.number(symbol, self.venue_of(symbol))
                self._list.watched.append(self._list.get(symbol, name, number))
            failed = [one for one in self._tell("watch", self._list.names()) if one[0] in new]
            if failed:
                self._list.watched = [one for one in self._list.watched if one.name not in {name for name, _, _ in failed}]
                self._tell("watch", self._list.names())
                name, code, text = failed[0]
                raise CollectorError(str(failure(f"{name} cannot be taken into Market Watch", code, text)), symbol=name)

    def drop(self, symbols: Sequence[str]) -> None:
        """Watch symbols no more; they stay in Market Watch, where a person may want them."""
        with self._list.lock:
            self._list.forget(symbols)
            if self._link is not None:
                self._tell("watch", self._list.names())

    # ---- what the terminal tells

    def instrument(self, symbol: str) -> Instrument | None:
        """Return a symbol's terms as the terminal states them."""
        name = self.symbol_names.theirs(symbol)
        if name not in self._stated_terms:
            self._learn_terms(name)
        return instrument_of(self._stated_terms[name], symbol, self.venue, self._leverage)

    def discover(self) -> list[str]:
        """Return all symbols of the broker."""
        return self.symbol_names.all_ours()

    def past(self, symbol: str, what: str, start_ns: int, end_ns: int) -> list[RecordArray] | None:
        """Return ticks ("tick") or the terminal's bars (a period) of a stretch; None of what it keeps no history.

        Raises:
            OSError: it cannot be reached. CollectorError: it refuses.
        """
        if what != "tick" and what not in TIMEFRAMES:
            return None
        name = self.symbol_names.theirs(symbol)
        number = self.bus.instruments.number(symbol, self.venue_of(symbol))
        parts = (
            self._past_ticks(name, number, start_ns, end_ns) if what == "tick" else self._past_bars(name, number, what, start_ns, end_ns)
        )
        return [part for part in parts if len(part)]

    def lost(self, symbol: str, what: str, start_ns: int, end_ns: int, why: str, *, detail: str = "", missing: int | None = None) -> None:
        """Tell of a hole, and fill it in: what is missing are ticks."""
        super().lost(symbol, what or "tick", start_ns, end_ns, why, detail=detail, missing=missing)

    # ---- inside

    def _tell(self, method: str, *terms: Any) -> Any:
        link = self._link
        if link is None:
            raise OSError(f"{self.name} is not connected")
        return link.call(method, *terms, timeout_s=self.settings.call_s)

    def _log_in(self) -> None:
        account = self.credentials.get("account", "")
        if account and not account.isdecimal():
            raise CollectorError(f"An account of MetaTrader 5 is a number: look at {self.credentials.variable('account')}.")
        password, server = (self.credentials.need(key) if account else "" for key in ("password", "server"))
        state = self._tell(
            "open", self.settings.path, int(account or 0), password, server, round(self.connect_s * 1000), self.settings.portable
        )
        code, text, *rest = state
        if code != 1:
            raise failure("The terminal cannot be used", code, text)
        linked, self._account, self._leverage, _, _ = rest
        if not self._account:
            raise CollectorError(f"The terminal is not logged in: set {self.credentials.variable('account')}, ..PASSWORD and ..SERVER.")
        if account and self._account != int(account):
            raise CollectorError("The terminal is logged in to another account: one terminal and one rpyc server for each account.")
        if not linked:
            raise OSError(_NOT_LINKED)

    def _learn_terms(self, name: str) -> None:
        # All that is wanted at once: a thousand symbols are one round trip.
        names = {name}
        for symbol in self.symbols.copy():
            try:
                names.add(self.symbol_names.theirs(symbol))
            except CollectorError:
                continue  # it is refused when its own turn comes
        wanted = tuple(sorted(names))
        for one, values in zip(wanted, self._tell("infos", wanted), strict=True):
            if values is not None:
                self._stated_terms[one] = dict(zip(STATED, values, strict=True))
        if name not in self._stated_terms:
            raise CollectorError(f"The terminal tells no terms of {name!r}.", symbol=name)

    def _look_for_ticks(self) -> bool:
        # Returns whether there is more at once.
        with self._list.lock:
            watched = list(self._list.watched)
            linked, account, failures, found = self._tell("poll", self._list.known(), self.settings.batch)
        if account != self._account:
            raise OSError("the terminal is logged in to another account" if account else "the terminal is not logged in any more")
        if not linked:
            raise OSError(_NOT_LINKED)
        for at, code, text in failures:
            self.fault("terminal", str(failure(watched[at].name, code, text)))
        recv_ns = self.recv_ns()
        fresh: list[tuple[WatchedSymbol, Any]] = []
        for at, flags, data in found:
            rows = self._new_rows(watched[at], flags, data)
            if rows is not None and len(rows):
                fresh.append((watched[at], rows))
        more = any(flags & MORE for _, flags, _ in found)
        if fresh and not more:
            self._measure(max(int(rows["time_msc"][-1]) for _, rows in fresh), recv_ns)
        for one, rows in fresh:
            self._send(one, rows, recv_ns)
        self.looks += 1
        return more

    def _new_rows(self, one: WatchedSymbol, flags: int, data: bytes) -> Any:
        try:
            rows = tick_rows(data)
        except ValueError as error:
            self.fault("malformed", str(error), data[:64])
            return None
        cursor = one.cursor
        if flags & BACK:
            back_s = (cursor.newest_ms - int(rows["time_msc"][-1])) / 1000
            self.fault("server clock", f"{one.symbol}: the server's clock stepped back {back_s:g} s")
            cursor.newest_ms = int(rows["time_msc"][0]) - 1
        elif cursor.newest_ms == FIRST:
            cursor.begin(rows)  # what is there already is not sent: it may have been, before a restart
            if not len(rows):
                cursor.newest_ms = NEVER
            return None
        return cursor.new(rows)

    def _measure(self, newest_ms: int, recv_ns: int) -> None:
        # The first look of a connection may bring ticks of any age, unless nothing was known before.
        if (self.looks or not self.clock_watch.known) and self.clock_watch.see(newest_ms, recv_ns // NS_PER_MILLISECOND):
            if self.clock_watch.problem:
                self.fault("server time", self.clock_watch.problem)
            else:
                hours = self.clock_watch.time.offset_ms(recv_ns // NS_PER_MILLISECOND) / 3_600_000
                self.log(f"the server's clock is {hours:+g} h from UTC: {self.clock_watch.time.rule}")
        elif not self.clock_watch.known:
            self.fault("server time", f"it cannot be told from the newest tick; {self.clock_watch.time.rule} is taken")

    def _send(self, one: WatchedSymbol, rows: Any, recv_ns: int) -> None:
        records = ticks_of(rows, one.number, recv_ns, self.clock_watch.time, one.ordinals, recv_ns // NS_PER_MILLISECOND)
        if one.live_from_ms is not None:
            records = picked(records, records["event_ns"] >= one.live_from_ms * NS_PER_MILLISECOND)
            if len(records):
                one.live_from_ms = None
        if len(records):
            self.take_array(records)

    def _past_ticks(self, name: str, number: int, start_ns: int, end_ns: int) -> Iterator[RecordArray]:
        ordinals = Ordinals()
        for begin_ns in range(start_ns, end_ns + 1, _STRETCH_NS):
            until_ns = min(begin_ns + _STRETCH_NS - 1, end_ns)
            begin_s, end_s = (self._server_s(ns) for ns in (begin_ns, until_ns))
            code, text, data = self._tell("ticks", name, begin_s, end_s + 1)
            if code != 1:
                raise failure(f"The ticks of {name} cannot be read", code, text)
            rows = tick_rows(data)
            rows = rows[np.argsort(rows["time_msc"], kind="stable")]
            records = ticks_of(rows, number, self.recv_ns(), self.clock_watch.time, ordinals)
            yield picked(records, (records["event_ns"] >= begin_ns) & (records["event_ns"] <= until_ns))

    def _past_bars(self, name: str, number: int, period: str, start_ns: int, end_ns: int) -> Iterator[RecordArray]:
        length_ns = period_ns(period)
        by_last = self._by_last(name)
        for begin_ns in range(start_ns, end_ns + 1, _BARS * length_ns):
            until_ns = min(begin_ns + _BARS * length_ns - 1, end_ns)
            begin_s = self._server_s(begin_ns)
            code, text, data = self._tell("rates", name, TIMEFRAMES[period], begin_s - length_ns // NS_PER_SECOND, self._server_s(until_ns))
            if code != 1:
                raise failure(f"The {period} bars of {name} cannot be read", code, text)
            records = bars_of(rate_rows(data), number, self.recv_ns(), self.clock_watch.time, period, by_last=by_last)
            first = begin_ns == start_ns  # what touches two stretches is told in the first
            touches = (records["event_ns"] > begin_ns) & (records["start_ns"] <= until_ns)
            yield picked(records, touches & (records["start_ns"] < end_ns) & (first | (records["start_ns"] >= begin_ns)))

    def _by_last(self, name: str) -> bool:
        if name not in self._stated_terms:
            self._learn_terms(name)
        return int(self._stated_terms[name]["chart_mode"]) == 1

    def _server_s(self, ns: int) -> int:
        return self.clock_watch.time.server_ms(ns // NS_PER_MILLISECOND) // 1000
