"""`EventDrivenDataFeed`: a Backtrader feed of stored history, a journal, the live bus, or history that goes over into live."""

from __future__ import annotations

from copy import copy
from typing import Any

import backtrader as bt
import numpy as np
from backtrader.linebuffer import LineBuffer
from numpy.typing import NDArray

from gcg_quant._native import fast_set_values
from gcg_quant.errors import BacktestError
from gcg_quant.events import Bar, BarBasis, Tick, TradeTick, record_rows
from gcg_quant.periods import period_ns

from .conversion.days import ns_from_days
from .conversion.parameters import refuse_unknown
from .conversion.timeframes import timeframe_of
from .history.bars import BarArray, bars_from_history, bars_from_journal, basis_of, check_bars
from .history.tick_history import check_ticks, ticks_before, ticks_from_history, ticks_from_journal
from .history.warmup import bars_before
from .streaming.bar_rows import VALUES, BarRows, Columns, FeedRow, Place, rows_of
from .streaming.inbox import Inbox
from .streaming.stream import BusStream, Stream
from .streaming.tick_rows import TickRows

__all__ = ["EventDrivenDataFeed"]

CHOICES = {"stamp": ("start", "end"), "warmup": ("quiet", "run"), "ticks": ("auto", "trades", "quotes")}
LIVE_PATIENCE_S = 0.1
ROWS_AT_ONCE = 4096
NO_TIMES = np.empty(0, np.int64)
NO_HISTORY = Columns((np.empty(0, np.float64),) * len(VALUES), NO_TIMES, NO_TIMES, np.empty(0, np.uint64))
KINDS = {"auto": None, "trades": TradeTick, "quotes": Tick}
LINE_ITEM = LineBuffer.__setitem__


class EventDrivenDataFeed(bt.feed.DataBase):  # type: ignore[misc]
    """Bars or ticks of one symbol as a Backtrader feed. Lines: datetime open high low close volume openinterest.

        EventDrivenDataFeed(dataname="SPY", period="1d", history=history)                stored history
        EventDrivenDataFeed(dataname="SPY", period="1m", bus=recorded)                   a journal
        EventDrivenDataFeed(dataname="BTC/USDT", bus=bus, live=True)                     live
        EventDrivenDataFeed(dataname="BTC/USDT", bus=bus, live=True, history=history)    history that goes over into live
        EventDrivenDataFeed(dataname="IF2412", timeframe=bt.TimeFrame.Ticks, ...)        ticks or trades instead of bars

    A tick or trade is a bar of one price: open, high, low and close are its price, the volume is what was traded since the tick before, and
    `datetime` is the venue's time. `cerebro.resampledata(feed, timeframe=bt.TimeFrame.Seconds)` and `replaydata` make bars of them.

    Params:
        dataname: the symbol. `venue`: where, if the symbol is traded at several.
        period: "1s", "1m", "1h", "1d" ...; sets timeframe and compression unless they are given.
        history, bus, bars: where the bars come from; `bars` is an array of `Bar.dtype` (a run's own), of ticks one of theirs.
        ticks: of a feed of ticks: "trades" (`TradeTick`), "quotes" (`Tick`), or "auto": trades, where the history has any, else ticks;
            without history the kind of the first that comes with a price.
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
        ("ticks", "auto"),
        ("timeframe", None),
        ("compression", None),
        ("qcheck", LIVE_PATIENCE_S),
    )

    def __init__(self, **unknown: Any) -> None:
        super().__init__()
        refuse_unknown(self, unknown)
        self._check_params()
        self.symbol, _, where = self.p.dataname.rpartition("@") if "@" in self.p.dataname else (self.p.dataname, "", "")
        self._place = Place(self.symbol, where or self.p.venue or "")
        self._basis = basis_of(self.p.basis)
        self.joined = False  # a run that was going on already
        self.of_ticks = self.p.timeframe == bt.TimeFrame.Ticks and not _are_bars(self.p.bars)
        timeframe, compression = (bt.TimeFrame.Ticks, 1) if self.of_ticks else timeframe_of(self.p.period)
        self._timeframe = self.p.timeframe = timeframe if self.p.timeframe is None else self.p.timeframe
        self._compression = self.p.compression = compression if self.p.compression is None else self.p.compression
        self._laststatus = self.DISCONNECTED  # others look at it, perhaps before Backtrader has started the feed
        self._stream: Stream | None = self.p.stream
        self._own_stream = False
        self._clear()

    def _clear(self) -> None:
        self._rows = np.empty(0, Bar.dtype)  # the history, if it is one of bars
        self._shape = self._new_shape()
        self._columns = NO_HISTORY
        self._row = 0  # the next of the history to be delivered
        self._near: list[FeedRow] = []  # rows of the history about there, the first of which is row `_near_at`
        self._near_at = 0
        self._inbox = Inbox(self._shape)
        self._waiting = self._inbox.waiting  # live bars; they flow once LIVE has been said: what waits is delivered
        self._delayed = -1  # live bars that are still warm-up; -1 until the history has been delivered
        self._targets: tuple[Any, ...] = ()
        self._arrays: list[Any] | None = None

    # --- Backtrader's calls --------------------------------------------------------------------------------------------------

    def islive(self) -> bool:
        """Return True for a live feed: Backtrader then runs bar by bar."""
        return bool(self.p.live)

    def haslivedata(self) -> bool:
        """Return True if a live bar is waiting, so that no other feed need be waited for."""
        return bool(self._waiting)

    def start(self) -> None:
        """Read the history; a live feed also takes its place in the stream (called by Cerebro)."""
        super().start()
        self._clear()
        if self.p.live:
            self._join_stream()
        rows = self._read_ticks() if self.of_ticks else self._read_history()
        self._columns = self._shape.begin_with(rows)
        if not self.of_ticks:
            self._rows = rows
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
        for alias, column in zip(self.getlinealiases(), self.columns(), strict=True):
            getattr(self.lines, alias).array.frombytes(np.ascontiguousarray(column).view(np.uint8))
        self._row = len(self._columns.starts)
        self._last()
        self.home()

    def _load(self) -> bool | None:
        if self._waiting.flowing and self._waiting:
            self._put(self._waiting.take())
            return True
        if self._row < len(self._columns.starts):
            self._put(self._past_row())
            self._row += 1
            return True
        return self._load_live() if self.p.live else False

    @property
    def bar_id(self) -> int:
        """The event id of the newest live bar that was delivered, 0 before the first."""
        return self._waiting.newest_id

    @property
    def of_trades(self) -> bool:
        """Return True for a feed of ticks that shows trades."""
        return isinstance(self._shape, TickRows) and self._shape.kind is TradeTick

    @property
    def venue(self) -> str:
        """The venue of the symbol, "" as long as it is not known."""
        return self._place.venue

    @property
    def skipped(self) -> int:
        """How many live bars were passed over, because one with the same or a later start was there."""
        return self._shape.skipped

    # --- for the cerebro and the broker of the same run ----------------------------------------------------------------------

    def use_stream(self, stream: Stream) -> None:
        """Share a stream with the other feeds and the broker of a run; called by EventDrivenCerebro before the start."""
        self._stream = stream
        self._own_stream = False

    def catch_up(self, until_days: float) -> None:
        """Show the history up to a time, bar by bar, without a strategy: for a feed that joins a run which has come that far."""
        self._qcheck = 0.0
        moments = self._columns.values[-1]
        while self._row < len(moments) and moments[self._row] <= until_days and self.load():
            pass
        if len(self):
            self._tick_fill(force=True)

    def wants_stream(self) -> bool:
        """Return True for a live feed that was given none of its own."""
        return bool(self.p.live and self.p.stream is None)

    def columns(self) -> tuple[NDArray[np.float64], ...]:
        """Return the bars that the run began with as a column for each of the feed's lines, in their order; called after the start."""
        columns = dict(zip(VALUES, self._columns.values, strict=True))
        absent = np.full(len(self._columns.starts), np.nan)
        return tuple(columns.get(alias, absent) for alias in self.getlinealiases())

    def loaded_bars(self) -> BarArray:
        """Return the bars that the run began with, as an array of `Bar.dtype`; empty before the start, and for a feed of ticks."""
        return self._rows

    def bounds_ns(self, ago: int = 0) -> tuple[int, int]:
        """Return where the bar that is now shown, or an earlier one, starts and ends, in nanoseconds; (0, 0) before the first one."""
        if not len(self):
            return 0, 0
        shown = self.lines.datetime[ago]
        values, starts, ends, _ = self._columns
        at = int(np.searchsorted(values[-1], shown))
        if at < len(starts) and values[-1][at] == shown:
            return int(starts[at]), int(ends[at])
        moment = ns_from_days(shown)  # a bar that a filter has made
        return self._waiting.bounds(shown) or (moment, moment)

    # Backtrader's resampler would close the bar of a silent live feed by the machine's clock; ours goes by the time of events alone.
    def _check(self, forcedata: Any = None) -> None:
        if forcedata is not None or not self.p.live:
            super()._check(forcedata=forcedata)

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
            return bars_before(p.bus, self._stream.read_id, p.history, self.symbol, p.period, **chosen)
        if p.history is not None:
            return bars_from_history(p.history, self.symbol, p.period, end_ns=p.end_ns, **chosen)
        return bars_from_journal(p.bus, self.symbol, p.period, end_ns=p.end_ns, **chosen)

    def _read_ticks(self) -> Any:
        p, kind = self.p, KINDS[self.p.ticks]
        chosen = {"venue": self.venue or None, "start_ns": p.start_ns, "limit": p.limit}
        if self._basis not in (None, BarBasis.LAST):
            kind = Tick  # trades have no bid and ask
        if p.bars is not None:
            found = record_rows(np.asarray(p.bars))
            if found is None or found[0] not in (Tick, TradeTick):
                raise BacktestError(
                    "A feed of ticks takes an array of Tick.dtype, TradeTick.dtype or Bar.dtype for bars=..., and no other."
                )
            if not len(p.bars) and not p.live:
                raise BacktestError(f"The feed of {p.dataname} was given no ticks: bars=... is empty.")
            return check_ticks(np.asarray(p.bars), self.symbol)
        if p.live and p.history is None and p.bus is None:
            return np.empty(0, Tick.dtype)
        if p.live and isinstance(self._stream, BusStream):
            return ticks_before(p.bus, self._stream.read_id, p.history, self.symbol, kind, **chosen)
        if p.history is not None:
            return ticks_from_history(p.history, self.symbol, kind, end_ns=p.end_ns, **chosen)
        return ticks_from_journal(p.bus, self.symbol, kind, end_ns=p.end_ns, **chosen)

    def _new_shape(self) -> BarRows | TickRows:
        if not self.of_ticks:
            return BarRows(self._place, self.p.period, self._basis, stamp_end=self.p.stamp == "end")
        bus = self.p.bus
        quotes = bus is not None and any(one.symbol == self.symbol and one.kind == "fx" for one in bus.instruments)
        kind = KINDS[self.p.ticks] if self._basis in (None, BarBasis.LAST) else Tick
        return TickRows(self._place, self._basis, kind, quotes=quotes)

    def _join_stream(self) -> None:
        bus = self.p.bus
        if self._stream is None:
            self._stream, self._own_stream = BusStream(bus), True
        place = self._place
        if not place.venue and bus is not None and any(one.symbol == self.symbol for one in bus.instruments):
            place.venue = bus.instruments.get(self.symbol).venue  # refuses to guess between two
        self._stream.listen_rows(self._inbox, [f"{self.symbol}@{place.venue}" if place.venue else self.symbol])

    def _past_row(self) -> FeedRow:
        at = self._row - self._near_at
        if not 0 <= at < len(self._near):
            count = min(ROWS_AT_ONCE, len(self._columns.starts) - self._row)
            self._near, self._near_at, at = rows_of(self._columns, self._row, count), self._row, 0
        return self._near[at]

    # The bars that came while the history was being delivered are old news, too: LIVE is notified behind them.
    def _load_live(self) -> bool | None:
        stream = self._stream
        if stream is None:
            return False
        waiting = self._waiting
        if self._delayed < 0:
            stream.drain()
            self._delayed = len(waiting)
        if not self._delayed and self._laststatus != self.LIVE:
            self.put_notification(self.LIVE)
        if not waiting:
            stream.pump(self._qcheck)
            if not waiting:
                return None
        if self._delayed:
            self._delayed -= 1
        else:
            waiting.flowing = True
        self._put(waiting.take())
        return True

    # What `line[0] = value` does for the bar that `load` has made room for. A line of Backtrader's that nobody has bound and that keeps
    # all of its values does no more than setting the last one of its array.
    def _put(self, row: FeedRow) -> None:
        arrays = self._arrays
        if arrays is None:
            arrays = self._find_targets()
        if arrays:
            close, low, high, open_, volume, interest, moment = arrays
            close[-1], low[-1], high[-1], open_[-1], volume[-1], interest[-1], moment[-1] = row[:7]
        else:
            fast_set_values(self._targets, row)

    def _find_targets(self) -> list[Any]:
        self._targets = lines = tuple(getattr(self.lines, alias) for alias in VALUES)
        plain = all(
            type(line).__setitem__ is LINE_ITEM and line.mode == LineBuffer.UnBounded and not line.extension and not line.bindings
            for line in lines
        )
        self._arrays = [line.array for line in lines] if plain else []
        return self._arrays

    # `optstrategy` sends loaded feeds to worker processes: what they were loaded from stays here.
    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        params = copy(self.p)
        params.history = params.bus = params.bars = None
        params.stream = None
        state.update(p=params, params=params, _stream=None)
        return state


# Bars may be called ticks: what each of them is to Backtrader is then the user's affair.
def _are_bars(rows: Any) -> bool:
    found = None if rows is None else record_rows(np.asarray(rows))
    return found is not None and found[0] is Bar
