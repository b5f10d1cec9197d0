"""Make schema-1.db.gz: a database as the first version made it, with some rows. Run once, by that version; kept to tell how."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

from gcg_quant.bus import EventBus
from gcg_quant.data_storage import Database, Recorder
from gcg_quant.events import (
    AlertEvent,
    Bar,
    Depth,
    Fill,
    InstrumentEvent,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    SignalEvent,
    Tick,
    TradeTick,
    World,
)


def main() -> None:
    """Publish an example of several tables, record them, and pack the file."""
    name = {"symbol": "rb2501", "venue": "SHFE"}
    with tempfile.TemporaryDirectory() as folder:
        with EventBus(Path(folder) / "bus", world=World.PAPER, source="golden") as bus, Database(home=folder) as database:
            bus.publish(InstrumentEvent(**name, terms={"tick_size": 1.0, "currency": "CNY"}))
            for at in range(3):
                bus.publish(Tick(**name, event_ns=1_700_000_000_000_000_000 + at, last_price=3305.0 + at, exchange="SHFE"))
            bus.publish(TradeTick(**name, event_ns=1_700_000_000_000_000_001, price=3305.0, size=2.0, trade_id="t1", condition="碎股"))
            bus.publish(Depth(**name, event_ns=1_700_000_000_000_000_002, bid_prices=(3304.0, 3303.0), bid_sizes=(1.0, 2.0), levels=2))
            bus.publish(Bar(**name, start_ns=1_699_999_940_000_000_000, end_ns=1_700_000_000_000_000_000, period="1m", close=3305.0))
            request = bus.publish(OrderRequest(**name, account="paper", strategy="grid", quantity=1.0))
            bus.publish(OrderEvent(**name, account="paper", strategy="grid", request=request, status=OrderStatus.FILLED, quantity=1.0))
            bus.publish(Fill(**name, account="paper", strategy="grid", request=request, trade_id="x1", price=3305.0, quantity=1.0))
            bus.publish(SignalEvent(**name, strategy="grid", name="cross", event_ns=1, data={"level": 3}))
            bus.publish(AlertEvent(level="info", component="golden", name="made", message="by the first version"))
            recorder = Recorder(database, flush_ms=1)
            recorder.start(bus)
            assert recorder.stop()
        content = (Path(folder) / "gcg_quant.db").read_bytes()
    (Path(__file__).parent / "schema-1.db.gz").write_bytes(gzip.compress(content, 9, mtime=0))


if __name__ == "__main__":
    main()
