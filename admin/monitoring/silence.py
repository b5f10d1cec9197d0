"""Silence: which venues and instruments send nothing although their markets are open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from gcg_quant.bus import EventBus
from gcg_quant.calendar import Calendar
from gcg_quant.errors import GcgQuantError
from gcg_quant.events import MarketDataEvent, SubscribeEvent

from .reading import Reading

__all__ = ["Silence"]

_MOST = 500_000  # events that one look passes over


class Silence:
    """When each instrument was heard last, and how long that is within its market's sessions. One thread.

    A venue is silent if nothing came of any instrument whose market is open. What has not been heard since this began, and before that
    for `back_s` seconds, is not waited for: nobody may have asked for it.

    Args:
        bus: where market data comes.
        now_ns: the present time.
        back_s: how far back to look at first.
    """

    def __init__(self, bus: EventBus, now_ns: int, back_s: float = 300.0) -> None:
        self._bus = bus
        self._reader = bus.reader(events=[MarketDataEvent], backfill=False)
        self._reader.seek_time(now_ns - round(back_s * 1e9))
        self._last: dict[tuple[str, str], int] = {}
        self._calendars: dict[str, Calendar | None] = {}

    def listen(self) -> None:
        """Take in what came since the last look: the newest event of each instrument, whatever their number."""
        for event in self._reader.read_latest(_MOST):
            self._last[event.symbol, event.venue] = event.time_ns  # type: ignore[union-attr]

    def on_subscription(self, event: SubscribeEvent) -> None:
        """Wait no longer for what nobody wants any more."""
        if not event.subscribe:
            for symbol, venue in list(self._last):
                if symbol == event.symbol and event.venue in ("", venue):
                    del self._last[symbol, venue]

    def readings(self, now_ns: int, venue_s: float | None, symbol_s: float | None) -> Iterator[Reading]:
        """Yield one reading a venue, and one an instrument if these are watched, too."""
        venues: dict[str, list[tuple[float, str]]] = defaultdict(list)
        least = min((limit for limit in (venue_s, symbol_s) if limit is not None), default=None)
        for (symbol, venue), last_ns in self._last.items():
            silent_s = self._silent_s(symbol, venue, last_ns, now_ns, least)
            venues[venue].append((silent_s, symbol))
            if symbol_s is not None:
                yield self._of_symbol(symbol, venue, silent_s, symbol_s)
        for venue, rows in venues.items():
            open_rows = [row for row in rows if row[0] >= 0]
            seconds, symbol = min(open_rows, default=(0.0, ""))
            problem = (
                f"Nothing has come from {venue} for {seconds:,.0f} s, the last was {symbol}, in the open hours of {len(open_rows)} "
                f"instrument{'s'[: len(open_rows) != 1]}: look whether its collector is connected (`logs`, `status`), or start that again."
            )
            well = f"Market data of {venue} comes again, or its markets are closed."
            yield Reading(venue, "silence", seconds, venue_s, problem, well, "critical")

    def close(self) -> None:
        """Release the journal."""
        self._reader.close()

    def _of_symbol(self, symbol: str, venue: str, seconds: float, limit: float) -> Reading:
        name = f"{symbol}@{venue}"
        problem = f"Nothing has come of {name} for {seconds:,.0f} s while its market is open: look at its collector, or subscribe again."
        return Reading(name, "silence", max(seconds, 0.0), limit, problem, f"Market data of {name} comes again, or its market is closed.")

    def _silent_s(self, symbol: str, venue: str, last_ns: int, now_ns: int, least: float | None) -> float:
        # Seconds within the present session; -1 while the market is closed. Calendars take time to load: they are asked when it matters.
        seconds = (now_ns - last_ns) / 1e9
        if least is None or seconds <= 0.5 * least:
            return max(seconds, 0.0)
        opened_ns = self._opened(symbol, venue, now_ns)
        return -1.0 if opened_ns is None else max(0.0, (now_ns - max(last_ns, opened_ns)) / 1e9)

    def _opened(self, symbol: str, venue: str, now_ns: int) -> int | None:
        # When the session began in which the market of an instrument is now; None if it is closed.
        calendar = self._calendar(symbol, venue)
        if calendar is None or calendar.market == "24/7":
            return 0
        opens, closes = calendar.segments()
        row = int(np.searchsorted(opens, now_ns, "right")) - 1
        return int(opens[row]) if row >= 0 and now_ns < int(closes[row]) else None

    def _calendar(self, symbol: str, venue: str) -> Calendar | None:
        name = self._bus.instruments.get(symbol, venue).calendar
        if name not in self._calendars:
            try:
                self._calendars[name] = Calendar(name)
            except GcgQuantError:
                self._calendars[name] = None
        return self._calendars[name]
