"""An example of every kind of record goes through bus, NumPy, Parquet and SQL and comes back without loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gcg_quant.bus import EventBus
from gcg_quant.data_storage import Database, DatabaseHistory, Ledger, read_parquet, write_parquet
from gcg_quant.events import Fill, OrderEvent, Record, World, from_array


def carried(bus: EventBus, other: EventBus, record: Record, folder: Path) -> None:
    """Take one record from a bus as an array, through a Parquet file, onto another bus."""
    kind = type(record)
    bus.publish(record)
    with bus.reader(start="begin") as reader:
        rows = reader.read_array(kind)[-1:]
    write_parquet(folder / "one.parquet", kind, rows, {number: bus.instruments.name(number) for number in rows["instrument"].tolist()})
    found, arrays, names = read_parquet(folder / "one.parquet")
    assert found is kind
    arrays["instrument"] = [other.instruments.number(*names[number]) for number in arrays["instrument"].tolist()]
    other.publish_batch(arrays)


def test_example_records_of_six_markets_survive_bus_numpy_parquet_and_sql(
    bus: EventBus, make_bus: Any, database: Database, store_bus: Any, market_records: list[Record], tmp_path: Path
) -> None:
    """A CTP snapshot, FX and US quotes, a book delta, an A-share, a HK trade, a depth and both kinds of bars come back equal."""
    other = make_bus("other", World.IMPORT)
    for record in market_records:
        carried(bus, other, record, tmp_path)
    store_bus(other, database)
    back = list(DatabaseHistory(database).events())
    assert sorted(back, key=repr) == sorted(market_records, key=repr)
    assert [one.event_ns for one in back] == sorted(one.event_ns for one in market_records)


def test_order_event_and_fill_survive_bus_numpy_parquet_and_sql(
    bus: EventBus, make_bus: Any, database: Database, store_bus: Any, order_records: list[Record], tmp_path: Path
) -> None:
    """An order report and a fill come back equal, from the tables of events and of states."""
    other = make_bus("other")
    for record in order_records:
        carried(bus, other, record, tmp_path)
    store_bus(other, database)
    ledger = Ledger(database)
    assert ledger.orders() == [one for one in order_records if isinstance(one, OrderEvent)]
    assert ledger.order_events((1 << 60) | 17) == ledger.orders()
    assert ledger.fills("rb2501") == [one for one in order_records if isinstance(one, Fill)]


def test_history_arrays_hold_the_bytes_that_were_published(
    bus: EventBus, database: Database, store_bus: Any, market_records: list[Record]
) -> None:
    """A range query gives the record's own dtype, NaN and -1 included, with instrument 0."""
    for record in market_records:
        bus.publish(record)
    store_bus(bus, database)
    quote = next(one for one in market_records if one.symbol == "IBM")
    rows = DatabaseHistory(database).ticks("IBM")
    assert rows.dtype == type(quote).dtype
    assert from_array(rows, "IBM", "NYSE") == [quote]
    assert np.isnan(rows["last_price"]).all()
    assert rows["instrument"].tolist() == [0]
