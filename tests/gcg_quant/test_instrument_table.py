"""The instrument table of a bus."""

from __future__ import annotations

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.errors import InstrumentError
from gcg_quant.instruments import Instrument, preset


def test_terms_come_back_in_another_process_s_view(bus: EventBus) -> None:
    """Every opener of the bus sees the terms, and newer ones replace older ones under the same number."""
    instrument = preset("crypto", "BTC/USDT", "SIM")
    number = bus.instruments.add(instrument)
    with EventBus(bus.path) as other:
        assert other.instruments[number] == instrument
        changed = preset("crypto", "BTC/USDT", "SIM", tick_size=0.5)
        assert bus.instruments.add(changed) == number
        assert other.instruments.get("BTC/USDT") == changed
        assert len(other.instruments) == 1
        assert other.instruments.number("ETH/USDT", "SIM") != number
        assert [one.symbol for one in bus.instruments] == ["BTC/USDT", "ETH/USDT"]


def test_unknown_symbol_names_the_nearest(bus: EventBus) -> None:
    """An unknown symbol is one sentence with a suggestion."""
    bus.instruments.add(preset("us", "SPY", "NYSE"))
    with pytest.raises(InstrumentError, match="There is no instrument 'SPX'. Did you mean 'SPY'?"):
        bus.instruments.get("SPX")
    with pytest.raises(InstrumentError, match="no instrument number 99"):
        bus.instruments[99]


def test_symbol_on_several_venues_must_be_chosen(bus: EventBus) -> None:
    """A symbol that two venues have needs its venue."""
    for venue in ("A", "B"):
        bus.instruments.number("X", venue)
    with pytest.raises(InstrumentError, match="X@A, X@B"):
        bus.instruments.get("X")
    assert bus.instruments.get("X@B").venue == "B"
    assert isinstance(bus.instruments.get("X", "A"), Instrument)


def test_overrides_win_over_what_is_registered_before_and_later(bus: EventBus) -> None:
    """Settings say other terms: for a symbol everywhere, or at one venue, which then needs nobody else to be known."""
    before = bus.instruments.add(preset("cn_future", "rb2501", "SHFE"))
    bus.instruments.override("rb2501", "", {"taker_fee": 0.0002})
    bus.instruments.override("rb2501", "SIM", {"margin_rate": 0.15})
    assert bus.instruments[before].taker_fee == 0.0002
    assert (bus.instruments.get("rb2501@SIM").margin_rate, bus.instruments.get("rb2501@SIM").taker_fee) == (0.15, 0.0002)
    later = bus.instruments.add(preset("cn_future", "rb2501", "SIM", margin_rate=0.05))
    assert (bus.instruments[later].margin_rate, bus.instruments[later].tick_size) == (0.15, 1)
    assert bus.instruments.get("rb2501@SHFE").margin_rate == 0.08
    with pytest.raises(InstrumentError, match="taker_fee must be at least 0"):
        bus.instruments.override("rb2501", "SIM", {"taker_fee": -1.0})
