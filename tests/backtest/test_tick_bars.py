"""Backtests of symbols of which only ticks are stored: bars are made of them."""

from __future__ import annotations

import numpy as np
import pytest

from gcg_quant.backtest import BacktestSpec
from gcg_quant.backtest.history.tick_bars import bars_from_ticks
from gcg_quant.backtest.inputs.sources import load_sources
from gcg_quant.errors import BacktestError, InstrumentError
from gcg_quant.events import Tick
from gcg_quant.history import MemoryHistory

MINUTE_NS = 60_000_000_000
START_NS = 1_700_000_040_000_000_000


@pytest.fixture
def ticks() -> MemoryHistory:
    """Return a history with a tick every 20 s for five and a half minutes, and quotes without last prices of another symbol."""
    rows = np.zeros(17, Tick.dtype)
    history = MemoryHistory()
    for name in Tick.dtype.names or ():
        if rows[name].dtype.kind == "f":
            rows[name] = np.nan
    rows["event_ns"] = START_NS + 20_000_000_000 * np.arange(17)
    rows["last_price"] = 100.0 + np.arange(17)
    history.add_ticks("IF", "CFFEX", rows.copy())
    rows["last_price"] = np.nan
    rows["bid_price"], rows["ask_price"] = 1.0 + np.arange(17), 3.0 + np.arange(17)
    history.add_ticks("EURUSD", "FX", rows)
    return history


def spec_of(symbol: str, **options: object) -> BacktestSpec:
    """Return a spec over one-minute bars."""
    return BacktestSpec(file="f.py", symbols=[symbol], period="1m", **options)  # type: ignore[arg-type]


def test_bars_are_made_of_stored_ticks(ticks: MemoryHistory) -> None:
    """Each whole minute becomes a bar of the last price, or of the middle where there is none; the one that is not over does not."""
    (source,) = load_sources(spec_of("IF"), ticks)
    assert source.bars["start_ns"].tolist() == [START_NS + MINUTE_NS * number for number in range(5)]
    assert source.bars["event_ns"].tolist() == [START_NS + MINUTE_NS * number for number in range(1, 6)]
    assert [tuple(row) for row in source.bars[["open", "high", "low", "close"]].tolist()][:2] == [
        (100, 102, 100, 102),
        (103, 105, 103, 105),
    ]
    assert source.bars["period"].tolist() == [b"1m"] * 5
    (quotes,) = load_sources(spec_of("EURUSD"), ticks)
    assert quotes.bars["close"].tolist() == [4.0, 7.0, 10.0, 13.0, 16.0]
    (part,) = load_sources(spec_of("IF", start_ns=START_NS + MINUTE_NS, end_ns=START_NS + 3 * MINUTE_NS), ticks)
    assert part.bars["start_ns"].tolist() == [START_NS + MINUTE_NS, START_NS + 2 * MINUTE_NS]


def test_what_cannot_be_made_is_said(ticks: MemoryHistory) -> None:
    """No trade of that basis, and no symbol, are the same sentences as without ticks."""
    with pytest.raises(BacktestError, match="no stored 1m bars \\(ask\\) of IF"):
        load_sources(spec_of("IF", basis="ask"), ticks)
    with pytest.raises((BacktestError, InstrumentError), match="'IFF'.*Did you mean 'IF'"):
        load_sources(spec_of("IFF"), ticks)


def test_a_last_bar_that_is_over_is_there_without_a_tick_behind_it(ticks: MemoryHistory) -> None:
    """The end of the range finishes a bar as a tick does; without an end only the data do, and a limit keeps the newest."""
    whole = bars_from_ticks(ticks, "IF", "1m", end_ns=START_NS + 6 * MINUTE_NS)
    assert whole["start_ns"].tolist() == [START_NS + MINUTE_NS * number for number in range(6)]
    assert whole["close"].tolist()[-1] == 116
    assert len(bars_from_ticks(ticks, "IF", "1m", end_ns=START_NS + 6 * MINUTE_NS - 1)) == len(bars_from_ticks(ticks, "IF", "1m")) == 5
    silent = bars_from_ticks(ticks, "IF", "1m", start_ns=START_NS + MINUTE_NS, end_ns=START_NS + 3 * MINUTE_NS - 1, limit=1)
    assert silent["start_ns"].tolist() == [START_NS + MINUTE_NS]
    assert bars_from_ticks(ticks, "IF", "1m", limit=2)["start_ns"].tolist() == [START_NS + 3 * MINUTE_NS, START_NS + 4 * MINUTE_NS]
    assert len(bars_from_ticks(ticks, "IF", "1m", limit=0)) == 0
