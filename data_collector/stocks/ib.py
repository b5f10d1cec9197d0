"""The collector of Interactive Brokers, kind "ib": shares of Hong Kong and the USA by TWS or IB Gateway on this computer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from gcg_quant.clock import NS_PER_SECOND
from gcg_quant.errors import CollectorError
from gcg_quant.events import Event, MarketDataEvent, SessionEvent, TradeTick
from gcg_quant.instruments import Instrument

from ..blank import RecordArray, picked
from ..live import AsyncExchangeCollector
from ..ordinals import Ordinals
from .corporate_actions import Action, ActionBook
from .ib_contract import HK, US, chosen, contract_of, market_rule_of, routed, terms_from, venue_of_symbol
from .ib_feed import IbFeed
from .ib_notices import sentence
from .ib_options import DATA_TYPES, IbOptions
from .ib_pacing import HistoryPacing
from .ib_past import BAR_SIZES, TICKS_A_PAGE, bar_rows, pages, stamp, trade_rows
from .ib_seconds import SplitSeconds
from .ib_session import ClientIdInUse, IbRefusal, IbSession

if TYPE_CHECKING:
    from ib_async.contract import ContractDetails

__all__ = ["IbCollector"]

_HISTORY, _NO_DATA, _PACING = (162, 165, 366), "no data", "pacing"
_HISTORY_S = 60.0  # longest time for one page of history


class IbCollector(AsyncExchangeCollector):
    """Interactive Brokers. See docs/hk_us.md.

    Symbols are five digits (venue HKEX) or letters (venue US). One connection serves both markets.
    """

    Options: ClassVar[type[IbOptions]] = IbOptions
    needs: ClassVar[str] = "stocks"
    packages: ClassVar[tuple[str, ...]] = ("ib_async",)

    def __init__(self, name: str, venue: str = "", **given: Any) -> None:
        """Args: `given`: those of ExchangeCollector."""
        super().__init__(name, venue, **given)
        assert isinstance(self.options, IbOptions)
        self.settings: IbOptions = self.options
        self.history_kinds = self.settings.history_kinds
        self._session: IbSession | None = None
        self._feed: IbFeed | None = None
        self._known: dict[str, tuple[ContractDetails, list[Any]]] = {}
        self._rules: dict[int, list[Any]] = {}
        self._lines: set[str] = set()
        self._priced: set[str] = set()  # whose price step was chosen by a price
        self._seen_ns: dict[str, int] = {}
        self._interrupted: dict[str, tuple[int, str]] = {}
        self._pacing = HistoryPacing()
        self._seconds = SplitSeconds()
        self._stopping = threading.Event()
        self._renewal: asyncio.Task[None] | None = None
        self._book: ActionBook | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where TWS is."""
        parts = urlsplit(self.url) if self.url else None
        if parts is None:
            return self.settings.host, self.settings.port
        return parts.hostname or self.settings.host, parts.port or self.settings.port

    # ---- the connection, on its loop

    async def open(self) -> None:
        """Log in, and say which kind of data is wanted."""
        self._stopping.clear()
        self._lines = set()
        spare = self.settings.spare_ids if self.connection.sessions else 0  # a connection that died may still have the number
        for number in range(self.settings.client_id, self.settings.client_id + spare + 1):
            self._feed = IbFeed(self, self.settings, self.venue_of)
            self._session = IbSession(self._feed, self.settings.messages_per_s)
            try:
                await self._session.connect(*self.address, number, self.connect_s)
                break
            except ClientIdInUse:
                self._session.close()
                if number == self.settings.client_id + spare:
                    raise
        self._connected().client.reqMarketDataType(DATA_TYPES[self.settings.market_data])

    async def run(self) -> None:
        """Wait for the end, and ask every now and then whether TWS is still there."""
        session = self._connected()
        while True:
            done, _ = await asyncio.wait([session.ended], timeout=self.settings.check_s)
            if done:
                raise OSError(session.ended.result())
            await session.clock_s(self.connect_s)
            self.alive()
            self._choose_steps()

    async def shut(self) -> None:
        """Close the connection."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def hang_up(self) -> None:
        """End the connection, and what waits for history."""
        if self.connection.closing:
            self._stopping.set()
        super().hang_up()

    async def async_ask(self, symbols: Sequence[str]) -> None:
        """Subscribe."""
        session, feed = self._connected(), self._feed
        assert feed is not None
        for symbol in symbols:
            self._take_line(symbol)
            details, _ = await self._details(symbol)
            feed.add(session.client, symbol, routed(details))

    async def async_drop(self, symbols: Sequence[str]) -> None:
        """Unsubscribe."""
        session, feed = self._connected(), self._feed
        assert feed is not None
        for symbol in symbols:
            feed.remove(session.client, symbol)
            self._lines.discard(symbol)
            self._interrupted.pop(symbol, None)

    # ---- what Interactive Brokers tells

    def deals_in(self, venue: str) -> bool:
        """Return whether a subscription is meant for this collector: both markets are its own."""
        return venue in ("", self.venue, HK, US)

    def venue_of(self, symbol: str) -> str:
        """Return "HKEX" or "US"."""
        return venue_of_symbol(symbol)

    def instrument(self, symbol: str) -> Instrument | None:
        """Return a symbol's terms by IB's contract details and its market rule."""
        self._take_line(symbol)
        known = self._known.get(symbol)
        if known is None:
            try:
                known = self.wait_for(self._many_details(symbol), 2 * self.connect_s)
            except BaseException:
                self._lines.discard(symbol)
                raise
        price = self._feed.price_of(symbol) if self._feed is not None else None
        return terms_from(symbol, *known, price)

    def venue_clock_ns(self) -> int | None:
        """Ask TWS for its time, which comes in whole seconds: the middle of that second is returned."""
        session = self._session
        if session is None:
            return None
        return self.wait_for(session.clock_s(self.connect_s)) * NS_PER_SECOND + NS_PER_SECOND // 2

    def past(self, symbol: str, what: str, start_ns: int, end_ns: int) -> list[RecordArray] | None:
        """Return bars (of trades) or trades ("trade") of a stretch; None of what IB keeps no history.

        Its bars are adjusted for splits and not for dividends; its trades are not adjusted.

        Raises:
            OSError: no connection, or it was asked too often: try again. CollectorError: IB refuses, such as for want of a subscription.
        """
        if what != "trade" and what not in BAR_SIZES:
            return None
        number = self.bus.instruments.number(symbol, self.venue_of(symbol))
        return (
            self._past_trades(symbol, number, start_ns, end_ns)
            if what == "trade"
            else self._past_bars(symbol, what, number, start_ns, end_ns)
        )

    # ---- what the feed gives (IbOwner)

    def emit(self, event: MarketDataEvent) -> None:
        """Publish a record; before the first one behind an interruption tell of the hole."""
        symbol = event.symbol
        if self._interrupted and (hole := self._interrupted.pop(symbol, None)) is not None:
            self.lost(symbol, "", hole[0], event.event_ns, "disconnect", detail=hole[1])
        self._seen_ns[symbol] = event.event_ns
        if not isinstance(event, TradeTick):
            self.take(event)
            return
        with self._seconds.lock:
            taken = self.take(self._seconds.placed(event))
            if isinstance(taken, TradeTick):
                self._seconds.add(taken)

    def lost(self, symbol: str, what: str, start_ns: int, end_ns: int, why: str, *, detail: str = "", missing: int | None = None) -> None:
        """Tell of a hole from the beginning of its first second on, as trades are stamped."""
        self._seconds.split(symbol)
        super().lost(symbol, what, start_ns - start_ns % NS_PER_SECOND, end_ns, why, detail=detail, missing=missing)

    def tell_halt(self, symbol: str, halted: bool, event_ns: int) -> None:
        """Publish a SessionEvent "halted", or "open" when trading goes on."""
        self._tell(SessionEvent(venue=self.venue_of(symbol), symbol=symbol, phase="halted" if halted else "open", event_ns=event_ns))

    def tell_dividend(self, symbol: str, action: Action) -> None:
        """Publish a dividend that nobody has told of yet."""
        if self._book is None:
            self._book = ActionBook(self._tell, self.history)
        self._book.tell(symbol, self.venue_of(symbol), [action._replace(currency="HKD" if self.venue_of(symbol) == HK else "USD")])

    def interrupted(self, symbols: Sequence[str], why: str) -> None:
        """Take note of when each symbol was last heard of."""
        for symbol in symbols:
            if symbol in self._seen_ns:
                self._interrupted.setdefault(symbol, (self._seen_ns[symbol], why))

    def subscribe_anew(self) -> None:
        """Ask for all symbols again."""
        self._renewal = asyncio.get_running_loop().create_task(self._subscribe_all())

    def say(self, text: str, *, warning: bool = False) -> None:
        """Log a sentence."""
        self.log(text, level="warning" if warning else "info")

    # ---- inside

    def _connected(self) -> IbSession:
        if self._session is None:
            raise OSError(f"{self.name} is not connected")
        return self._session

    def _tell(self, event: Event) -> int:
        return self.publish(event, cause=0)

    def _take_line(self, symbol: str) -> None:
        if symbol not in self._lines and len(self._lines) >= self.settings.lines:
            raise CollectorError(
                f"{symbol} is not collected: all {self.settings.lines} market data lines are taken."
                " Give up others, or raise options.lines if the account has more.",
                symbol=symbol,
            )
        self._lines.add(symbol)

    async def _details(self, symbol: str) -> tuple[ContractDetails, list[Any]]:
        known = self._known.get(symbol)
        if known is not None:
            return known
        session = self._connected()
        try:
            found = await session.details(contract_of(symbol, self.settings.contract_ids.get(symbol, 0)), self.connect_s)
        except IbRefusal as refusal:
            raise CollectorError(f"Interactive Brokers has no share {symbol!r}: {refusal}.", symbol=symbol) from None
        details = chosen(symbol, found)
        steps: list[Any] = []
        rule = market_rule_of(details)
        if rule is not None and rule in self._rules:
            steps = self._rules[rule]
        elif rule is not None:
            try:
                steps = self._rules[rule] = await session.price_steps(rule, self.connect_s)
            except IbRefusal as refusal:
                self.fault("instrument", f"{symbol}: {refusal}")
        self._known[symbol] = details, steps
        return self._known[symbol]

    async def _many_details(self, symbol: str) -> tuple[ContractDetails, list[Any]]:
        # Others that will be asked for next are looked up at the same time: one by one, a thousand would take long.
        others = [other for other in sorted(self.symbols) if other not in self._known and other != symbol][
            : self.settings.messages_per_s // 2
        ]
        found = await asyncio.gather(self._details(symbol), *map(self._details, others), return_exceptions=True)
        if isinstance(found[0], BaseException):
            raise found[0]
        return found[0]

    async def _subscribe_all(self) -> None:
        # The subscriptions of before are gone; on this connection everything is asked for once more.
        session = self._connected()
        self._feed = feed = IbFeed(self, self.settings, self.venue_of)
        session.follow(feed)
        for symbol in sorted(self._lines & self.symbols):
            try:
                details, _ = await self._details(symbol)
            except (CollectorError, OSError) as error:
                self.fault("symbol", str(error))
            else:
                feed.add(session.client, symbol, routed(details))

    def _choose_steps(self) -> None:
        # Price steps depend on the price, which is known once quotes come.
        feed = self._feed
        for symbol in [symbol for symbol in self._lines - self._priced if feed is not None and feed.price_of(symbol) is not None]:
            self._priced.add(symbol)
            if len(self._known[symbol][1]) > 1:
                self._does_not_refuse(symbol, self._learn)

    def _past_bars(self, symbol: str, what: str, number: int, start_ns: int, end_ns: int) -> list[RecordArray]:
        lot, calendar = self._lot(symbol), self.terms_of(symbol).calendar
        found: list[RecordArray] = []
        for page in pages(what, start_ns, min(end_ns, self.recv_ns())):
            rows = self._page(symbol, *page)
            array, refused = bar_rows(rows, what, number, lot, calendar, self.recv_ns())
            if refused:
                self.fault("malformed", f"{symbol}: {refused} rows of {what} bars that make none")
            if array is not None:
                newest = found[-1]["event_ns"][-1] if found else start_ns
                array = picked(array, (array["event_ns"] > newest) & (array["start_ns"] < end_ns))
                if len(array):
                    found.append(array)
        return found

    def _past_trades(self, symbol: str, number: int, start_ns: int, end_ns: int) -> list[RecordArray]:
        found, ordinals, lot = [], Ordinals(), self._lot(symbol)
        at_ns = start_ns - start_ns % NS_PER_SECOND
        while at_ns <= end_ns:
            ticks = self._page(symbol, stamp(at_ns), "", "trade")
            array = trade_rows(ticks, number, lot, self.recv_ns(), start_ns, end_ns, ordinals)
            if array is not None:
                with self._seconds.lock:
                    found.append(self._seconds.number(symbol, array))
            if len(ticks) < TICKS_A_PAGE:
                break  # a page ends with all trades of its last second: a shorter one is the last
            at_ns = max(at_ns, int(ticks[-1].time.timestamp()) * NS_PER_SECOND) + NS_PER_SECOND
        return found

    def _page(self, symbol: str, *request: str) -> list[Any]:
        while (wait_s := self._pacing.wait_s(symbol, *request)) > 0:
            if self._stopping.wait(wait_s):
                raise OSError(f"{self.name} ends")
        try:
            return self.wait_for(self._ask_page(symbol, *request), _HISTORY_S + self.connect_s)
        except IbRefusal as refusal:
            if refusal.code in _HISTORY and _NO_DATA in refusal.text.lower():
                return []
            if refusal.code in _HISTORY and _PACING in refusal.text.lower():
                self._pacing.pause()
                raise OSError(f"Interactive Brokers was asked for too much history: {refusal}") from None
            raise CollectorError(f"{symbol}: no history: {sentence(refusal.code, refusal.text)}", symbol=symbol) from None

    async def _ask_page(self, symbol: str, *request: str) -> list[Any]:
        session = self._connected()
        details, _ = await self._details(symbol)
        regular = self.settings.regular_hours
        if request[-1] == "trade":
            return await session.trades(routed(details), request[0], TICKS_A_PAGE, regular, _HISTORY_S)
        end, duration, size = request
        return await session.bars(routed(details), end, duration, size, regular, _HISTORY_S)

    def _lot(self, symbol: str) -> float:
        return 1.0 if self.venue_of(symbol) == HK else float(self.settings.us_lot)
