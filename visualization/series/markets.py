"""Every instrument that the page can show, and how far the bus has been read into them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gcg_quant.errors import InstrumentError, nearest
from gcg_quant.instruments import Instrument

from ..adapter import EventToChartAdapter
from .market_view import MarketView

if TYPE_CHECKING:
    from gcg_quant.instrument_table import InstrumentTable

__all__ = ["Markets"]


class Markets:
    """The views of all instruments. Whoever reads or changes one holds `lock`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.position = 0  # the market lane's seq up to which all events are in the views
        self.read_from_ns = 0
        self._announced: dict[str, tuple[Instrument, int | None]] = {}
        self._table: InstrumentTable | None = None
        self._by_number: dict[int, MarketView] = {}
        self._by_name: dict[str, MarketView] = {}

    def open(self, table: InstrumentTable, read_from_ns: int) -> None:
        """Begin anew over a bus's instruments; all that was published from `read_from_ns` on will be given to the views."""
        with self.lock:
            self._table, self.read_from_ns = table, read_from_ns
            self._announced.clear()
            self._by_number.clear()
            self._by_name.clear()
            self.position = 0

    def numbered(self, number: int) -> MarketView:
        """Return the view of an instrument by its number on the bus."""
        view = self._by_number.get(number)
        if view is None:
            view = self._by_number[number] = self._add(self._instruments[number])
        return view

    def refresh(self) -> None:
        """Take in instruments that are new on the bus, and changed terms."""
        for number in self._instruments.numbers():
            self.numbered(number).instrument = self._instruments[number]

    def take_changed(self) -> list[MarketView]:
        """Return the views whose terms are new or have changed since the last call."""
        self.refresh()
        changed = []
        for view in self:
            told = self._announced.get(view.name)
            if told is None or told[0] is not view.instrument or told[1] != view.decimals:
                self._announced[view.name] = (view.instrument, view.decimals)
                changed.append(view)
        return changed

    def named(self, name: str) -> MarketView:
        """Return the view of an instrument by the page's name. Raises InstrumentError naming the nearest one."""
        if name not in self._by_name:
            self.refresh()
        if name not in self._by_name:
            raise InstrumentError(f"There is no instrument {name!r}.{nearest(name, self._by_name)}", name=name)
        return self._by_name[name]

    def add_stored(self, instrument: Instrument) -> MarketView:
        """Return the view of an instrument that only the history knows."""
        return self._by_name.get(EventToChartAdapter.name(instrument.symbol, instrument.venue)) or self._add(instrument)

    @property
    def newest_ns(self) -> int:
        """The venue's time of the newest price of any instrument, 0 if there is none."""
        return max((view.time_ns for view in self), default=0)

    def __iter__(self) -> Iterator[MarketView]:
        return iter(list(self._by_name.values()))

    def _add(self, instrument: Instrument) -> MarketView:
        name = EventToChartAdapter.name(instrument.symbol, instrument.venue)
        if name not in self._by_name:
            self._by_name[name] = MarketView(instrument, self.read_from_ns)
        return self._by_name[name]

    @property
    def _instruments(self) -> InstrumentTable:
        if self._table is None:
            raise InstrumentError("No bus has been opened for the charts yet.")
        return self._table
