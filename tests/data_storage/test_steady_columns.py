"""Long ranges: what is the same in all rows is not read row by row, and comes back all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.data_storage import Database, DatabaseHistory
from gcg_quant.data_storage.sql.steady_columns import SAMPLE_ROWS
from gcg_quant.events import Bar

MINUTE_NS = 60_000_000_000
COUNT = SAMPLE_ROWS + 500


@pytest.fixture
def bars(bus: EventBus) -> np.ndarray[Any, Any]:
    """Return more bars than a sample holds."""
    rows = np.zeros(COUNT, Bar.dtype)
    rows["start_ns"] = np.arange(1, COUNT + 1) * MINUTE_NS
    rows["event_ns"] = rows["start_ns"] + MINUTE_NS
    rows["instrument"] = bus.instruments.number("A", "V")
    rows["period"], rows["turnover"], rows["quote_size"], rows["count"] = b"1m", np.nan, 0.1, -1
    for name in ("open", "high", "low", "close"):
        rows[name] = np.random.default_rng(1).normal(100, 1, COUNT)
    return rows


@pytest.mark.parametrize("change", [{}, {"turnover": 1.0, "event_ns": 7}, {"revision": 1}, {"quote_size": np.nan, "count": 5}], ids=str)
def test_a_long_range_comes_back_as_it_was_stored(
    bus: EventBus, database: Database, store_bus: Any, bars: np.ndarray[Any, Any], change: dict[str, Any]
) -> None:
    """Values that differ in one late row only are found, those of all others stay."""
    for name, value in change.items():
        bars[name][-3] = value + bars["start_ns"][-3] if name == "event_ns" else value
    bus.publish_batch(bars)
    store_bus(bus, database)
    found = DatabaseHistory(database).bars("A", "1m")
    for name in Bar.dtype.names or ():
        if name != "instrument":
            np.testing.assert_array_equal(found[name], bars[name], name)


def test_what_is_steady_is_not_read(bus: EventBus, store_bus: Any, bars: np.ndarray[Any, Any], tmp_path: Path) -> None:
    """The query over the whole range of SQLite has the prices, and none of the columns with one value."""
    bus.publish_batch(bars)
    statements: list[str] = []
    with Database(home=tmp_path) as database:
        store_bus(bus, database)
        with database.engine.connect() as connection:
            connection.connection.dbapi_connection.set_trace_callback(statements.append)  # type: ignore[union-attr]
        DatabaseHistory(database).bars("A", "1m")
    whole = [text for text in statements if text.startswith("SELECT") and "close" in text and "LIMIT" not in text]
    assert len(whole) == 1
    assert all(f'"{name}"' not in whole[0].split("FROM")[0] for name in ("turnover", "event_ns", "revision"))
