"""The collector of the kind "ccxt": its options, what it imports when, any exchange by ccxt.pro, and what it says of a wrong one."""

from __future__ import annotations

import subprocess
import sys

import pytest
from fakes.process import FakeVenue
from rig import Rig

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_HOUR, now_ns
from gcg_quant.collector_sections import CollectorEntry, CollectorsSettings
from gcg_quant.data_collector.crypto import CcxtCollector, CcxtOptions
from gcg_quant.data_collector.crypto.rest import redirected
from gcg_quant.data_collector.live.kinds import make_collector
from gcg_quant.errors import SettingsError
from gcg_quant.events import Bar, BarOrigin, Funding, InstrumentEvent, TradeTick


def test_ccxt_is_not_imported_before_it_connects() -> None:
    """Making a collector takes no second: neither ccxt nor aiohttp is there yet."""
    code = (
        "import sys\n"
        "from gcg_quant.data_collector.crypto import CcxtCollector\n"
        "CcxtCollector('binance', symbols=['BTC/USDT'])\n"
        "sys.exit(bool({'ccxt', 'aiohttp'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_entry_of_the_settings_makes_it() -> None:
    """`kind = "ccxt"` is this collector; its name is the exchange unless the options say another; the address comes from `urls`."""
    entry = CollectorEntry(name="binance", kind="ccxt", symbols=("BTC/USDT",), options={"candles": ["1m", "1h"]})
    made = make_collector(entry, CollectorsSettings(run=(entry,), urls={"binance": "http://127.0.0.1:9"}))
    assert isinstance(made, CcxtCollector)
    assert (made.exchange, made.venue, made.url, made.fast) == ("binance", "binance", "http://127.0.0.1:9", True)
    other = make_collector(
        CollectorEntry(name="futures", kind="ccxt", options={"exchange": "binanceusdm", "fast": False}), CollectorsSettings()
    )
    assert isinstance(other, CcxtCollector)
    assert (other.exchange, other.fast) == ("binanceusdm", False)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"candels": ["1m"]}, "candles"),
        ({"candles": ["1x"]}, "'1x' is not a bar period"),
        ({"streams": []}, "streams"),
        ({"streams": ["trade"]}, "streams"),
        ({"exchange": "../x"}, "exchange"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, object], said: str) -> None:
    """The sentence names the entry and the key, or the nearest one."""
    with pytest.raises(SettingsError) as error:
        CcxtCollector.options_of(CollectorEntry(name="binance", kind="ccxt", options=options))
    assert "[[collectors.run]] binance: options" in str(error.value)
    assert said in str(error.value)


def test_addresses_are_sent_elsewhere() -> None:
    """Paths stay; of Binance's websockets the first word of the host becomes a part of the path."""
    urls = {"public": "https://api.binance.com/api/v3", "ws": {"spot": "wss://stream.binance.com:9443/ws"}, "n": 5}
    found = redirected(urls, "http://127.0.0.1:9001", hosts=True)
    assert found == {"public": "http://127.0.0.1:9001/api/v3", "ws": {"spot": "ws://127.0.0.1:9001/stream/ws"}, "n": 5}
    assert redirected("wss://ws.okx.com:443/ws/v5", "https://proxy/okx", hosts=False) == "wss://proxy/okx/ws/v5"


def test_unknown_exchange_is_said_once(bus: EventBus) -> None:
    """The collector stays, refused, and names the nearest exchange."""
    pytest.importorskip("ccxt", reason="ccxt is not installed")
    with FakeVenue("binance") as fake, Rig("binanse", fake, bus, ["BTC/USDT"]) as one:
        one.start()
        one.until(lambda: one.collector.connection.state == "refused", "it is refused")
        assert "'binance'" in one.collector.connection.reason


def test_any_exchange_by_ccxt_pro(bus: EventBus) -> None:
    """Trades, tickers, books and terms come by ccxt's own streams, too, and again after the venue was restarted."""
    pytest.importorskip("ccxt", reason="ccxt is not installed")
    with FakeVenue("okx") as fake, Rig("okx", fake, bus, ["BTC/USDT"], fast=False) as one:
        one.start()
        one.flows("BTC/USDT")
        (terms,) = [event.terms for event in one.of(InstrumentEvent)]
        assert terms["tick_size"] == 0.1
        one.subscribe("ETH/USDT")
        one.flows("ETH/USDT")
        fake.kill()
        one.until(lambda: one.collector.connection.state != "connected", "it is noticed")
        fake.start()
        begin = len(one.look())
        one.flows("BTC/USDT", since=begin)
        assert one.until(lambda: one.gaps("disconnect", "BTC/USDT"), "a gap")


def test_history_needs_no_connection(bus: EventBus) -> None:
    """Who fills in by hand gets bars of a collector that never connects."""
    pytest.importorskip("ccxt", reason="ccxt is not installed")
    with FakeVenue("okx") as fake:
        collector = CcxtCollector("okx", options=CcxtOptions(candles=("1m", "1h")), url=f"http://127.0.0.1:{fake.port}")
        collector.attach(bus)
        assert collector.history_kinds == ("1m", "1h")
        end_ns = now_ns()
        rows = collector.past("BTC/USDT", "1h", end_ns - 400 * NS_PER_HOUR, end_ns)
        assert rows is not None
        starts = [int(start) for part in rows for start in part["start_ns"]]
        assert len(starts) == 400
        assert starts == sorted(set(starts))


def test_futures_have_funding(bus: EventBus) -> None:
    """USD-M futures come by their own streams, with the funding rate and when it is paid; what is no contract of theirs is refused."""
    pytest.importorskip("ccxt", reason="ccxt is not installed")
    with FakeVenue("binance") as fake, Rig("binanceusdm", fake, bus, ["BTC/USDT:USDT", "BTC/USDT"]) as one:
        one.start()
        one.flows("BTC/USDT:USDT")
        (funding, *_) = one.until(lambda: one.of(Funding), "funding")
        assert (funding.symbol, funding.venue) == ("BTC/USDT:USDT", "binanceusdm")
        assert funding.next_ns > funding.event_ns
        assert funding.mark_price is not None
        assert one.faults("symbol") == 1
        (terms,) = [event.terms for event in one.of(InstrumentEvent)]
        assert (terms["kind"], terms["description"]) == ("future", "linear swap, contracts of 1 BTC")


def test_candles_are_those_of_the_venue(bus: EventBus) -> None:
    """A candle comes once, when it is finished; the minute ends early here, by the venue's clock."""
    pytest.importorskip("ccxt", reason="ccxt is not installed")
    with FakeVenue("binance") as fake, Rig("binance", fake, bus, ["BTC/USDT"], streams=("candles", "trades")) as one:
        one.start()
        for count in (1, 2):
            known = len(one.of(TradeTick))
            one.until(lambda known=known: len(one.of(TradeTick)) > known + 5, "trades")
            fake.do("clock", ms=60_000)
            one.until(lambda count=count: len(one.of(Bar)) >= count, "a candle that is over")
        bars = one.of(Bar)
        assert all(bar.origin == BarOrigin.VENUE and bar.period == "1m" and bar.event_ns - bar.start_ns == 60 * 10**9 for bar in bars)
        assert len({bar.start_ns for bar in bars}) == len(bars)
        volume = sum(trade.size for trade in one.of(TradeTick) if bars[0].start_ns <= trade.event_ns < bars[0].event_ns)
        assert bars[0].volume >= volume - 1e-9  # it began before the first trade that was seen
