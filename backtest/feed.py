"""`EventDrivenDataFeed`: a Backtrader feed of stored history, a journal, the live bus, or history that goes over into live."""

from __future__ import annotations

from collections import deque
from copy import copy
from typing import Any

import backtrader as bt
import numpy as np
from numpy.typing import NDArray

from gcg_quant.errors import BacktestError
from gcg_quant.events import Bar, BarBasis
from gcg_quant.periods import period_ns

from .bars import BarArray, bars_from_history, bars_from_journal, basis_of, check_bars
from .days import days_from_ns, ns_from_days, one_day_from_ns
from .parameters import refuse_unknown
from .stream import BusStream, Stream
from .timeframes import timeframe_of
from .warmup import bars_before

__all__ = ["EventDrivenDataFeed"]

FIELDS = {"open": "open", "high": "high", "low": "low", "close": "close", "volume": "volume", "openinterest": "open_interest"}
CHOICES = {"stamp": ("start", "end"), "warmup": ("quiet", "run")}
LIVE_PATIENCE_S = 0.1
KEPT_BOUNDS = 256


class EventDrivenDataFeed(bt.feed.DataBase):  # type: ignore[misc]
    """Bars of one symbol as a Backtrader feed. Lines: datetime open high low close volume openinterest.

        EventDrivenDataFeed(dataname="SPY", period="1d", history=history)                stored history
        EventDrivenDataFeed(dataname="SPY", period="1m", bus=recorded)                   a journal
        EventDrivenDataFeed(dataname="BTC/USDT", bus=bus, live=True)                     live
        EventDrivenDataFeed(dataname="BTC/USDT", bus=bus, live=True, history=history)    history that goes over into live

    Params:
        dataname: the symbol. `venue`: where, if the symbol is traded at several.
        period: "1s", "1m", "1h", "1d" ...; sets timeframe and compression unless they are given.
        history, bus, bars: where the bars come from; `bars` is an array of `Bar.dtype` (a run's own).
        stream: where live bars come from, if not from a reader of its own (feeds and broker of one run share one).
        live: go on with the live bus. A live feed notifies DELAYED, then LIVE, and ends with DISCONNECTED.
        start_ns, end_ns, limit: which part of the history (limit: the newest N bars).
        basis: "last", "bid", "ask" or "mid"; "auto" is the first of last, mid, bid, ask that the symbol has.
        stamp: which end of a bar `datetime` shows, "start" (as data files do) or "end".
        warmup: "quiet": under an `EventDrivenCerebro`, `next()` of the strategy starts at LIVE; "run": it is called for history, too.

    Times are UTC. In a backtest the feed is loaded at once, so that `preload` and `runonce` work as always; a live one switches them off.

    Raises:
        BacktestError: no source or several, an unknown period, symbol or option, no bars, or bars out of order.
    """

    params = (
        ("venue", None),
        ("period", "1m"),
        ("history", None),
        ("bus", None),
        ("bars", None),
        ("live", False),
        ("stream", None),
        ("start_ns", None),
        ("end_ns", None),
        ("limit", None),
        ("basis", "auto"),
        ("stamp", "start"),
        ("warmup", "quiet"),
        ("timeframe", None),
        ("compression", None),
        ("qcheck", LIVE_PATIENCE_S),
    )

    def __init__(self, **unknown: Any) -> None:
        super().__init__()
        refuse_unknown(self, unknown)
        self._check_params()
        self.symbol, _, where = self.p.dataname.rpartition("@") if "@" in self.p.dataname else (self.p.dataname, "", "")
        self.venue: str = where or self.p.venue or ""
        self._basis = basis_of(self.p.basis)
        self.bar_id = 0  # the event id of the live bar that is shown
        timeframe, compression = timeframe_of(self.p.period)
        self._timeframe = self.p.timeframe = timeframe if self.p.timeframe is None else self.p.timeframe
        self._compression = self.p.compression = compression if self.p.compression is None else self.p.compression
        self._laststatus = self.DISCONNECTED  # others look at it, perhaps before Backtrader has started the feed
        self._stream: Stream | None = self.p.stream
        self._own_stream = False
        self._clear()

    def _clear(self) -> None:
        self._rows = np.empty(0, Bar.dtype)  # the history that is still to be delivered
        self._row = 0
        self._days = np.empty(0, np.float64)  # the history's `datetime` values, and where its bars begin and end
        self._starts = self._ends = np.empty(0, np.int64)
        self._pending: deque[Bar] = deque()  # live bars that wait for delivery
        self._live_bounds: dict[float, tuple[int, int]] = {}
        self._last_start_ns = -(2**63)
        self._delayed = -1  # live bars that are still warm-up; -1 until the history has been delivered
        self.skipped = 0  # live bars that were passed over, because one with the same or a later start was there

    # --- Backtrader's calls --------------------------------------------------------------------------------------------------

    def islive(self) -> bool:
        """Return True for a live feed: Backtrader then runs bar by bar."""
        return bool(self.p.live)

    def haslivedata(self) -> bool:
        """Return True if a live bar is waiting, so that no other feed need be waited for."""
        return bool(self._pending)

    def start(self) -> None:
        """Read the history; a live feed also takes its place in the stream (called by Cerebro)."""
        super().start()
        self._clear()
        if self.p.live:
            self._join_stream()
        rows = self._read_history()
        self._rows = rows
        self._starts, self._ends = rows["start_ns"].copy(), rows["event_ns"].copy()
        self._days = days_from_ns(self._ends if self.p.stamp == "end" else self._starts)
        if len(rows):
            self._last_start_ns = int(self._starts[-1])
            self._basis = BarBasis(int(rows["basis"][0]))
        if self.p.live:
            self.put_notification(self.DELAYED)

    def stop(self) -> None:
        """Leave the bus (called by Cerebro at the end of the run)."""
        super().stop()
        if self._stream is not None and self._own_stream:
            self._stream.close()
            self._stream, self._own_stream = None, False

    def preload(self) -> None:
        """Load all bars: in one piece where nothing has to look at single bars, else as Backtrader does."""
        if self._filters or self._tzinput or self.p.fromdate or self.p.todate or self.lines.datetime.extension:
            super().preload()
            return
        for alias in self.getlinealiases():
            getattr(self.lines, alias).array.frombytes(self._column(alias).tobytes())
        self._row = len(self._rows)
        self._last()
        self.home()

    def _load(self) -> bool | None:
        if self._row < len(self._rows):
            self._put_row(self._row)
            self._row += 1
            return True
        return self._load_live() if self.p.live else False

    # --- for the cerebro and the broker of the same run ----------------------------------------------------------------------

    def use_stream(self, stream: Stream) -> None:
        """Share a stream with the other feeds and the broker of a run; called by EventDrivenCerebro before the start."""
        self._stream = stream
        self._own_stream = False

    def wants_stream(self) -> bool:
        """Return True for a live feed that was given none of its own."""
        return bool(self.p.live and self.p.stream is None)

    def columns(self) -> tuple[NDArray[np.float64], ...]:
        """Return the bars that the run began with as a column for each of the feed's lines, in their order; called after the start."""
        return tuple(self._column(alias) for alias in self.getlinealiases())

    def loaded_bars(self) -> BarArray:
        """Return the bars that the run began with, as an array of `Bar.dtype`; empty before the start."""
        return self._rows

    def bounds_ns(self) -> tuple[int, int]:
        """Return where the bar that is now shown starts and ends, in nanoseconds; (0, 0) before the first one."""
        if not len(self):
            return 0, 0
        shown = self.lines.datetime[0]
        at = int(np.searchsorted(self._days, shown))
        if at < len(self._days) and self._days[at] == shown:
            return int(self._starts[at]), int(self._ends[at])
        if shown in self._live_bounds:
            return self._live_bounds[shown]
        moment = ns_from_days(shown)  # a bar that a filter has made
        return moment, moment

    # --- inside --------------------------------------------------------------------------------------------------------------

    def _check_params(self) -> None:
        p = self.p
        if not isinstance(p.dataname, str) or not p.dataname:
            raise BacktestError(f"A feed needs a symbol: EventDrivenDataFeed(dataname='SPY', ...), not {p.dataname!r}.")
        period_ns(p.period)
        for name, allowed in CHOICES.items():
            if getattr(p, name) not in allowed:
                text = ", ".join(map(repr, allowed))
                raise BacktestError(f"{name} of the feed of {p.dataname} must be one of {text}, not {getattr(p, name)!r}.", option=name)
        if p.live and p.bus is None and p.stream is None:
            raise BacktestError(f"A live feed of {p.dataname} needs a bus: EventDrivenDataFeed(..., bus=EventBus(...), live=True).")
        given = [name for name in ("history", "bus", "bars") if getattr(p, name) is not None]
        if not p.live and len(given) != 1:
            found = " and ".join(given) or "none"
            raise BacktestError(f"The feed of {p.dataname} needs one of history, bus or bars, and got {found}.", given=given)

    def _read_history(self) -> BarArray:
        p = self.p
        chosen = {"venue": self.venue or None, "start_ns": p.start_ns, "limit": p.limit, "basis": self._basis}
        if p.bars is not None:
            if not len(p.bars) and not p.live:
                raise BacktestError(f"The feed of {p.dataname} was given no bars: bars=... is empty.")
            return check_bars(np.asarray(p.bars), self.symbol, p.period)
        if p.live and p.history is None and p.bus is None:
            return np.empty(0, Bar.dtype)  # all there is comes through the stream
        if p.live and isinstance(self._stream, BusStream):
            return bars_before(p.bus, self._stream.start_id, p.history, self.symbol, p.period, **chosen)
        if p.history is not None:
            return bars_from_history(p.history, self.symbol, p.period, end_ns=p.end_ns, **chosen)
        return bars_from_journal(p.bus, self.symbol, p.period, end_ns=p.end_ns, **chosen)

    def _join_stream(self) -> None:
        bus = self.p.bus
        if self._stream is None:
            self._stream, self._own_stream = BusStream(bus), True
        if not self.venue and bus is not None and any(one.symbol == self.symbol for one in bus.instruments):
            self.venue = bus.instruments.get(self.symbol).venue  # refuses to guess between two
        self._stream.listen(Bar, self._on_bar, [f"{self.symbol}@{self.venue}" if self.venue else self.symbol])

    def _on_bar(self, bar: Bar) -> bool:
        if bar.symbol != self.symbol or bar.period != self.p.period or self._basis not in (None, bar.basis):
            return False
        if self.venue and bar.venue != self.venue:
            return False
        if bar.start_ns <= self._last_start_ns:
            self.skipped += 1
            return False
        self._last_start_ns, self._basis = bar.start_ns, bar.basis
        self._pending.append(bar)
        return True

    def _column(self, alias: str) -> NDArray[np.float64]:
        if alias == "datetime":
            return self._days
        name = FIELDS.get(alias)
        return np.full(len(self._rows), np.nan) if name is None else np.ascontiguousarray(self._rows[name])

    def _put_row(self, at: int) -> None:
        row = self._rows[at]
        for alias, name in FIELDS.items():
            getattr(self.lines, alias)[0] = float(row[name])
        self.lines.datetime[0] = float(self._days[at])

    # The bars that came while the history was being delivered are old news, too: LIVE is notified behind them.
    def _load_live(self) -> bool | None:
        stream = self._stream
        if stream is None:
            return False
        if self._delayed < 0:
            stream.drain()
            self._delayed = len(self._pending)
        if self._delayed == 0:
            self.put_notification(self.LIVE)
        if not self._pending:
            stream.pump(self._qcheck)
        if not self._pending:
            return None
        self._delayed = max(0, self._delayed - 1)
        self._put_bar(self._pending.popleft())
        return True

    def _put_bar(self, bar: Bar) -> None:
        for alias, name in FIELDS.items():
            getattr(self.lines, alias)[0] = getattr(bar, name)
        shown = one_day_from_ns(bar.end_ns if self.p.stamp == "end" else bar.start_ns)
        self.lines.datetime[0] = shown
        self.bar_id = bar.id
        self.venue = self.venue or bar.venue
        self._live_bounds[shown] = (bar.start_ns, bar.end_ns)
        if len(self._live_bounds) > KEPT_BOUNDS:
            del self._live_bounds[next(iter(self._live_bounds))]

    # `optstrategy` sends loaded feeds to worker processes: what they were loaded from stays here.
    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        params = copy(self.p)
        params.history = params.bus = params.bars = None
        params.stream = None
        state.update(p=params, params=params, _stream=None, _pending=deque())
        return state
