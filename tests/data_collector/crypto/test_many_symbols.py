"""Many symbols: streams split over connections as the venue's limits say, and all of them flow."""

from __future__ import annotations

import os

import pytest
from fakes.process import FakeVenue
from rig import Rig

from gcg_quant.bus import EventBus
from gcg_quant.data_collector.crypto.binance_desk import BinanceDesk
from gcg_quant.data_collector.crypto.okx_desk import OkxDesk
from gcg_quant.events import Tick

FULL = "GCG_TORTURE_S" in os.environ  # as `make torture` sets it: OKX, too
pytest.importorskip("ccxt", reason="ccxt is not installed")


@pytest.mark.parametrize(("exchange", "streams"), [("binance", 3), *([("okx", 2)] if FULL else [])])
def test_many_symbols_on_several_connections(bus: EventBus, exchange: str, streams: int) -> None:
    """1,000 symbols in torture, else 340, with three streams each (OKX: two) are split, and all of them flow."""
    count = 1000 if FULL else 340
    most = {"binance": BinanceDesk, "okx": OkxDesk}[exchange].most_streams
    with FakeVenue(exchange, "--symbols", str(count), "--moves", "1") as fake:
        symbols = [f"C{number:04}/USDT" for number in range(1, count + 1)]
        with Rig(exchange, fake, bus, symbols, streams=("trades", "tickers", "quotes"), connect_s=60.0) as one:
            one.start()
            one.until(lambda: sum(session["streams"] for session in fake.state["sessions"]) == count * streams, "all are asked for", 60)
            sessions = [session["streams"] for session in fake.state["sessions"] if session["streams"]]
            assert len(sessions) == -(-count * streams // most) > 1
            assert max(sessions) <= most
            one.until(lambda: len({tick.symbol for tick in one.of(Tick)}) == count, "ticks of all", 60)
            assert set(one.collector.faults.counts()) <= {"errand"}  # the venue's clock, asked for while it answers a thousand others
            assert one.collector.connection.sessions == 1
