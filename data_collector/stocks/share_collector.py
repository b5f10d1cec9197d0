"""What the collectors of Chinese shares do alike: codes and their exchanges, suspensions, corporate actions, and when a day begins."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import Field

from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_HOUR, NS_PER_MINUTE, day_of, day_start
from gcg_quant.errors import CollectorError, InstrumentError, SettingsError
from gcg_quant.events import Event, SessionEvent
from gcg_quant.instruments import Instrument
from gcg_quant.sections import Section

from ..live.collector import ExchangeCollector
from ..live.rate_limit import RateLimiter
from .corporate_actions import Action, ActionBook
from .share_bars import ZONE
from .share_code import SHARE_VENUES, Share, share_of
from .share_limits import ST_LIMIT
from .share_terms import CALENDAR, share_instrument

__all__ = ["ShareCollector", "ShareOptions", "clock_ns"]

HALTED, OPEN = "halted", "open"


class ShareOptions(Section):
    """The options of every collector of Chinese shares."""

    requests_per_s: float = Field(default=5.0, gt=0, le=100, description="most requests a second")
    answer_s: float = Field(default=20.0, gt=0, le=600, description="longest time for one whole answer, s")
    actions: bool = Field(default=True, description="tell of dividends and share issues (CorporateAction)")
    st_limit: float = Field(default=ST_LIMIT, gt=0, lt=1, description="price limit of ST shares on the main boards")


class ShareCollector(ExchangeCollector):
    """The base of the collectors of Chinese shares.

    Symbols are six digits; in the settings "600519@SSE" or "sh.600519" say the exchange, which matters for an index alone. Events carry
    the exchange as their venue: SSE, SZSE or BSE.
    """

    needs = "a_shares"
    options: ShareOptions

    def __init__(self, name: str, venue: str = "", *, symbols: Sequence[str] = (), **given: Any) -> None:
        """Raise SettingsError for a symbol that is no code, or for two securities with the same code."""
        self._shares: dict[str, Share] = {}
        for text in symbols:
            share = self._settled(name, text, venue)
            if self._shares.setdefault(share.symbol, share) != share:
                other = self._shares[share.symbol].name
                raise SettingsError(
                    f"Collector {name!r}: {other} and {share.name} have the same code: give one a collector of its own.", name=name
                )
        super().__init__(name, venue, symbols=list(self._shares), **given)
        self.limiter = RateLimiter(self.options.requests_per_s, max(1.0, self.options.requests_per_s / 2))
        self.ended = threading.Event()  # the connection of now is to end
        self._halted: dict[str, bool] = {}
        self._book: ActionBook | None = None

    # ---- names

    def share(self, symbol: str) -> Share:
        """Return the security of a symbol. Raises CollectorError if it is none."""
        found = self._shares.get(symbol)
        if found is None:
            try:
                found = self._shares[symbol] = share_of(symbol, self.venue if self.venue in SHARE_VENUES else "")
            except InstrumentError as error:
                raise CollectorError(error.message, symbol=symbol) from error
            if found.symbol != symbol:
                del self._shares[symbol]
                raise CollectorError(f"Write {found.symbol!r} instead of {symbol!r}: symbols are six digits.", symbol=symbol)
        return found

    def deals_in(self, venue: str) -> bool:
        """Return whether a subscription is meant for this collector: all three exchanges are its own."""
        return venue in ("", self.venue) or venue in SHARE_VENUES

    def venue_of(self, symbol: str) -> str:
        """Return the exchange of a symbol."""
        try:
            return self.share(symbol).venue
        except CollectorError:
            return self.venue

    def on_subscribe(self, symbol: str) -> str:
        """Take on a symbol; raise CollectorError for one that is no code."""
        self.share(symbol)
        return super().on_subscribe(symbol)

    def wished(self) -> dict[str, bool]:
        """Return what was asked for, without what can be no share: it was refused."""
        return {symbol: wanted for symbol, wanted in super().wished().items() if self._is_share(symbol)}

    def alive(self) -> None:
        """Take note of an answer: who polls has a connection as long as there are answers, whether prices have moved or not."""
        super().alive()
        self.watchdog.data_s = self._clock()

    # ---- what is told beside prices

    def terms_on(self, share: Share, day: int, *, name: str = "", st: bool | None = None, listed: int | None = None) -> Instrument:
        """Return a share's terms on a day."""
        return share_instrument(share, day, name=name, st=st, listed=listed, st_limit=self.options.st_limit)

    def learn(self, symbol: str) -> None:
        """Ask for a symbol's terms anew, and tell of them if they have changed (InstrumentEvent). On the connection's thread."""
        self._does_not_refuse(symbol, self._learn)

    def tell_suspensions(self, states: Mapping[str, bool], day: int, event_ns: int) -> None:
        """Publish a SessionEvent "halted" for each symbol that does not trade on a day, and "open" for one that does again."""
        for symbol, halted in states.items():
            before = self._halted.get(symbol, False)
            self._halted[symbol] = halted
            if halted != before:
                phase = HALTED if halted else OPEN
                told = SessionEvent(venue=self.venue_of(symbol), symbol=symbol, phase=phase, event_ns=event_ns, trading_day=day)
                self.publish(told, cause=0)

    def halted(self, symbol: str) -> bool:
        """Return whether a symbol was last told of as suspended."""
        return self._halted.get(symbol, False)

    def tell_actions(self, share: Share, actions: Iterable[Action]) -> int:
        """Publish the actions of a share that are new; return how many there were. Any thread."""
        if self._book is None:
            self._book = ActionBook(self._publish_told, self.history)
        return self._book.tell(share.symbol, share.venue, actions)

    # ---- times

    def today(self) -> int:
        """Return the calendar day in China, by our clock."""
        return day_of(self.recv_ns(), ZONE)

    def trades_on(self, day: int) -> bool:
        """Return whether the exchanges trade on a day."""
        return Calendar(CALENDAR).is_trading_day(day)

    def hang_up(self) -> None:
        """End `dial` and `serve`."""
        self.ended.set()

    # ---- inside

    def _publish_told(self, event: Event) -> int:
        return self.publish(event, cause=0)

    def _is_share(self, symbol: str) -> bool:
        try:
            self.share(symbol)
        except CollectorError:
            return False
        return True

    @staticmethod
    def _settled(name: str, text: str, venue: str) -> Share:
        try:
            return share_of(text, venue if venue in SHARE_VENUES else "")
        except InstrumentError as error:
            raise SettingsError(f"Collector {name!r}: {error.message}", name=name, symbol=text) from error


def clock_ns(day: int, clock: str) -> int:
    """Return the moment of a clock "HH:MM" on a day in China."""
    hour, _, minute = clock.partition(":")
    return day_start(day, ZONE) + int(hour) * NS_PER_HOUR + int(minute) * NS_PER_MINUTE
