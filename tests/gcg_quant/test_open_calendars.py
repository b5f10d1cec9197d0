"""Calendars are open before the first price of their market comes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.enumerations import World
from gcg_quant.errors import InstrumentError
from gcg_quant.instruments import Instrument
from gcg_quant.open_calendars import OpenCalendars

FIRST = """
import sys, time
from pathlib import Path
from gcg_quant.bus import EventBus
from gcg_quant.enumerations import World
from gcg_quant.instruments import Instrument
from gcg_quant.open_calendars import OpenCalendars
with EventBus(Path(sys.argv[1]), world=World.PAPER, page_mb=1) as bus:
    terms = Instrument(symbol="SPY", venue="X", calendar="XNYS")
    bus.instruments.add(terms)
    calendars = OpenCalendars(bus)
    print("exchange_calendars" in sys.modules)
    calendars.look()
    print("exchange_calendars" in sys.modules)
    begin = time.process_time()
    terms.trading_day(time.time_ns())
    print(time.process_time() - begin)
"""


class Asked:
    """Notes which calendars are asked; that of Hong Kong cannot be opened."""

    names: list[str]

    def __init__(self, name: str) -> None:
        self.names.append(name)
        if name == "XHKG":
            raise InstrumentError("No such calendar.")

    def trading_day(self, ns: int) -> int:
        """Return a day."""
        return 20261128


def test_first_question_finds_the_calendar_open(tmp_path: Path) -> None:
    """In a new process: the library is loaded and the sessions are there before anybody asks."""
    told = subprocess.run([sys.executable, "-c", FIRST, str(tmp_path / "bus")], capture_output=True, text=True, check=True)
    before, after, asked_s = told.stdout.split()
    assert (before, after) == ("False", "True")
    assert float(asked_s) < 0.05


def test_each_calendar_is_opened_once(bus: EventBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the instruments that are there and of new ones, each once; one that cannot be opened keeps none of the others shut."""
    Asked.names = []
    monkeypatch.setattr("gcg_quant.open_calendars.Calendar", Asked)
    calendars = OpenCalendars(bus)
    calendars.look()
    for symbol, calendar in (("A", "XNYS"), ("B", "XHKG"), ("C", "XNYS"), ("D", "XSHG")):
        bus.instruments.add(Instrument(symbol=symbol, venue="V", calendar=calendar))
    calendars.look()
    calendars.look()
    bus.instruments.add(Instrument(symbol="E", venue="V", calendar="XNYS"))
    bus.instruments.add(Instrument(symbol="F", venue="V", calendar="FX"))
    calendars.look()
    assert Asked.names == ["XHKG", "XNYS", "XSHG", "FX"]


def test_nobody_waits_for_a_price_in_a_backtest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There a calendar is opened when it is needed, if ever."""
    Asked.names = []
    monkeypatch.setattr("gcg_quant.open_calendars.Calendar", Asked)
    with EventBus(tmp_path / "bus", world=World.BACKTEST, page_mb=1) as bus:
        bus.instruments.add(Instrument(symbol="A", venue="V", calendar="XNYS"))
        OpenCalendars(bus).look()
    assert Asked.names == []
