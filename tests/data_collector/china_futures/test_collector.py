"""The collector at a counter: login, subscription, faults. The structs are the library's, the connections real ones on loopback."""

from __future__ import annotations

import stat
from collections.abc import Callable
from typing import Any

import pytest
from fakes.china.counter import Counter
from fakes.proxy import FaultProxy
from patience import within

from gcg_quant.bus import EventBus
from gcg_quant.clock import from_iso
from gcg_quant.data_collector.china_futures import CtpCollector
from gcg_quant.events import Applied, Depth, GapEvent, LogEvent, SubscribeEvent, Tick

Collect = Callable[..., CtpCollector]
NOW = from_iso("2021-01-06T21:10:00", "Asia/Shanghai")


def wall() -> int:
    """Return our clock: an evening."""
    return NOW


def push(counter: Counter, price: float = 4300.0, second: int = 0, symbol: str = "rb2105", **fields: Any) -> None:
    """Push a message of 21:09."""
    shown = {"TradingDay": "20210107", "ActionDay": "20210106", "UpdateTime": f"21:09:{second:02d}", "UpdateMillisec": 500}
    counter.push(InstrumentID=symbol, LastPrice=price, Volume=second, **{**shown, **fields})


def asked(counter: Counter) -> list[list[str]]:
    """Return the subscriptions that came in."""
    return [fields["symbols"] for name, fields in counter.requests if name == "SubscribeMarketData"]


def test_it_logs_in_subscribes_and_publishes(counter: Counter, collect: Collect, published: Any, wait_until: Any, bus: EventBus) -> None:
    """Blocks of symbols, one that the front does not have, ticks with the exchange as their venue, books, and a private folder."""
    counter.unknown.add("rb2999")
    collector = collect("rb2105", "SR105", "rb2999", block=2, wall=wall)
    wait_until(lambda: len(asked(counter)) == 2)
    wait_until(lambda: collector.faults.counts().get("symbol"))
    assert sorted(symbol for block in asked(counter) for symbol in block) == ["SR105", "rb2105", "rb2999"]
    push(counter, BidPrice1=4299.0, BidVolume1=1, BidPrice2=4298.0, BidVolume2=2)
    push(counter, 5300.0, symbol="SR105", TradingDay="20210106", UpdateMillisec=0)
    push(counter, 5301.0, symbol="SR105", TradingDay="20210106", UpdateMillisec=0)
    wait_until(lambda: len(published(Tick)) == 3)
    assert [(one.symbol, one.venue, one.ordinal, one.trading_day) for one in published(Tick)] == [
        ("rb2105", "SHFE", 0, 20210107),
        ("SR105", "CZCE", 0, 20210107),
        ("SR105", "CZCE", 1, 20210107),  # two a second, without milliseconds
    ]
    assert [one.levels for one in published(Depth)] == [5]
    folder = bus.path.resolve().parent / "openctp/ctp/ctp/market"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    bus.publish(SubscribeEvent(symbol="m2105", venue="DCE"))
    wait_until(lambda: asked(counter)[-1] == ["m2105"])
    bus.publish(SubscribeEvent(symbol="m2105", venue="DCE", subscribe=False))
    wait_until(lambda: "m2105" not in counter.apis("market")[0].symbols)
    bus.publish(SubscribeEvent(symbol="BTC/USDT", venue="binance"))
    bus.publish(SubscribeEvent(symbol="zz2105", venue="DCE"))
    wait_until(lambda: published(Applied)[-1].detail.startswith("'zz2105' is no contract"))
    assert len(published(Applied)) == 3


def test_a_lost_connection_is_made_anew_and_the_hole_declared(counter: Counter, collect: Collect, published: Any, wait_until: Any) -> None:
    """The counter goes and comes back: logged in again, subscribed again, and the gap from the last tick to the first is told."""
    collector = collect("rb2105", wall=wall)
    wait_until(lambda: collector.connection.connected)
    push(counter, second=1)
    wait_until(lambda: len(published(Tick)) == 1)
    counter.stop()
    wait_until(lambda: not collector.connection.connected)
    counter.start()
    wait_until(lambda: collector.connection.connected and counter.apis("market"))
    assert asked(counter) == [["rb2105"], ["rb2105"]]
    push(counter, second=5)
    wait_until(lambda: published(GapEvent))
    (gap,) = published(GapEvent)
    assert (gap.symbol, gap.venue, gap.kind) == ("rb2105", "SHFE", "disconnect")
    assert [one.event_ns for one in published(Tick)] == [gap.start_ns, gap.end_ns]
    assert "reading from the network failed (reason 0x1001)" in gap.detail


@pytest.mark.parametrize("fault", ["refuse", "reset", "half_open"])
def test_network_faults_end_in_a_connection(counter: Counter, collect: Collect, published: Any, wait_until: Any, fault: str) -> None:
    """Refused, reset, and open but dead, which only our own watchdog sees: the stream goes on, and the hole is declared."""
    with FaultProxy(counter.port) as proxy:
        silence_s = within(0.4, 4.0) if fault == "half_open" else 30.0
        collector = collect("rb2105", address=f"tcp://127.0.0.1:{proxy.port}", wall=wall, silence_s=silence_s)
        wait_until(lambda: collector.connection.connected)
        push(counter, second=1)
        wait_until(lambda: published(Tick))
        session = collector.connection.sessions
        if fault == "refuse":
            proxy.refuse()
        elif fault == "reset":
            proxy.reset()
        else:
            proxy.half_open()
        wait_until(lambda: collector.connection.sessions > session or not collector.connection.connected)
        proxy.open()
        wait_until(lambda: collector.connection.connected and collector.connection.sessions > session and counter.apis("market"))
        push(counter, second=9)
        wait_until(lambda: len(published(Tick)) >= 2)
        wait_until(lambda: published(GapEvent))


def test_another_front_takes_over(counter: Counter, collect: Collect, published: Any, wait_until: Any, ctp: Any) -> None:
    """Of two fronts the first does not answer: the library goes to the next."""
    collector = collect("rb2105", fronts=("tcp://127.0.0.1:1", counter.address), wall=wall)
    wait_until(lambda: collector.connection.connected)
    push(counter)
    wait_until(lambda: published(Tick))


def test_nobody_there_is_said_within_the_time_to_connect(counter: Counter, collect: Collect, wait_until: Any) -> None:
    """The library calls back never, if nothing listens: our own limit ends the wait, with a sentence."""
    collector = collect("rb2105", address="tcp://127.0.0.1:1", connect_s=0.2)
    wait_until(lambda: collector.connection.reason)
    assert "127.0.0.1:1" in collector.connection.reason or "no connection within 0.2 s" in collector.connection.reason


def test_wrong_credentials_are_sent_once(counter: Counter, collect: Collect, wait_until: Any) -> None:
    """A refused login is said once, and not sent again: a counter locks its user."""
    collector = collect("rb2105", user={"broker": "9999", "user": "100001", "password": "wrong-word"})
    wait_until(lambda: "not tried again" in collector.connection.reason)
    wait_until(lambda: collector.connection.state == "refused")
    assert "user or password is wrong; CTP: wrong password (error 3)" in collector.connection.reason
    assert counter.sessions == 1
    assert "wrong-word" not in collector.connection.reason


def test_missing_credentials_name_their_variable(counter: Counter, collect: Collect, wait_until: Any) -> None:
    """What the login needs and is not set is named."""
    collector = collect("rb2105", user={"broker": "9999", "user": "100001"})
    wait_until(lambda: "GCG_QUANT_CREDENTIALS__CTP__PASSWORD" in collector.connection.reason)


def test_a_second_login_is_not_fought(counter: Counter, collect: Collect, wait_until: Any) -> None:
    """Thrown out at once, twice: said, with what it means, and tried again late."""
    collector = collect("rb2105", wall=wall)
    for _ in range(2):
        wait_until(lambda: collector.connection.connected and counter.apis("market"))
        session = collector.connection.sessions
        counter.apis("market")[0].drop()
        wait_until(lambda session=session: collector.connection.sessions > session or not collector.connection.connected)
    wait_until(lambda: "another program is logged in with it" in collector.connection.reason)
    assert collector.connection.state == "refused"


def test_rubbish_is_counted_and_the_stream_goes_on(counter: Counter, collect: Collect, published: Any, wait_until: Any) -> None:
    """Messages without a time, of unknown contracts, negative, crossed, older or twice: none of them is published or fatal."""
    collector = collect("rb2105", wall=wall)
    wait_until(lambda: collector.connection.connected and counter.apis("market"))
    push(counter, second=5)
    push(counter, UpdateTime="")
    push(counter, TradingDay="x", ActionDay="y")
    push(counter, -4300.0, second=6)
    push(counter, second=7, BidPrice1=4301.0, BidVolume1=1, AskPrice1=4300.0, AskVolume1=1)
    push(counter, second=4)
    push(counter, second=5)
    push(counter, second=8, UpdateTime="19:00:00")
    push(counter, second=9)
    wait_until(lambda: len(published(Tick)) == 2)
    counts = collector.faults.counts()
    assert counts == {"malformed": 2, "negative": 1, "crossed": 1, "out of order": 1, "duplicate": 1, "outside": 1}
    assert any("malformed" in one.message for one in published(LogEvent))


def test_a_thousand_contracts_in_a_burst(counter: Counter, collect: Collect, published: Any, wait_until: Any, bus: EventBus) -> None:
    """A thousand symbols in blocks of 200, and ten messages of each at once: all of them arrive, in order."""
    symbols = [f"rb{number}" for number in range(1000, 2000)]
    collector = collect(*symbols, wall=wall, silence_s=86_000.0)
    wait_until(lambda: collector.connection.connected and counter.apis("market"))
    assert [len(block) for block in asked(counter)] == [200] * 5
    api = counter.apis("market")[0]
    for second in range(10):
        for symbol in symbols:
            shown = {"TradingDay": "20210107", "ActionDay": "20210106", "UpdateTime": f"21:09:{second:02d}", "LastPrice": 1.0 + second}
            api.deliver("OnRtnDepthMarketData", counter.struct(api, "CThostFtdcDepthMarketDataField", InstrumentID=symbol, **shown))
    assert collector.counts["Tick"] == 10_000
    assert not collector.faults.counts()


def test_the_counter_lists_its_contracts(counter: Counter, collect: Collect, wait_until: Any, bus: EventBus) -> None:
    """With a trading front the terms are the counter's; a contract that it does not list is said, options are left out."""
    row = {"InstrumentID": "rb2105", "ExchangeID": "SHFE", "ProductID": "rb", "ProductClass": "1", "PriceTick": 1.0, "VolumeMultiple": 10}
    option = {**row, "InstrumentID": "rb2105C4000", "ProductClass": "2"}
    counter.contracts = [{**row, "LongMarginRatio": 0.17}, {**row, "InstrumentID": "rb2110", "PriceTick": 2.0}, option]
    counter.returns["QryInstrument"] = [-2, -3]
    collector = collect("rb2105", "rb2199", trader_fronts=(counter.address,), wall=wall, connect_s=8.0)
    wait_until(lambda: collector.connection.connected)
    assert collector.discover() == ["rb2105", "rb2110"]
    assert bus.instruments.get("rb2105", "SHFE").margin_rate == 0.17
    wait_until(lambda: collector.faults.counts().get("symbol"))
    assert counter.apis("market")[0].symbols == {"rb2105"}
