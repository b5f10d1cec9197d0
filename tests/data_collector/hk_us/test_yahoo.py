"""The collector of Yahoo's history against a fake Yahoo, with yfinance and curl_cffi in between."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gcg_quant.adjustment import factors_of
from gcg_quant.clock import NS_PER_SECOND, from_iso
from gcg_quant.data_collector.stocks.yahoo import yahoo_name
from gcg_quant.errors import CollectorError
from gcg_quant.events import CorporateAction

DAY = 86_400_000_000_000


def _file(shared_data: Path, symbol: str) -> dict[str, np.ndarray[Any, Any]]:
    with gzip.open(shared_data / "stock" / f"{symbol}_daily.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    found = {name: np.array([float(row[name]) for row in rows]) for name in ("open", "high", "low", "close", "volume")}
    return found | {"day": np.array([int(row["time"][:10].replace("-", "")) for row in rows])}


@pytest.mark.parametrize("symbol", ["AAPL", "SPY"])
def test_daily_bars_come_back_as_they_were_traded(yahoo: Any, published: Any, wait_until: Any, shared_data: Path, symbol: str) -> None:
    """Every value of the file, through pages, splits and single precision; and adjusted they are Yahoo's adjusted close."""
    collector = yahoo(symbols=[symbol])
    wait_until(lambda: collector.connection.connected)
    parts = collector.past(symbol, "1d", from_iso("1998-01-01", "UTC"), from_iso("2021-04-01", "UTC"))
    assert parts is not None
    assert len(parts) == 3  # pages
    bars, file = np.concatenate(parts), _file(shared_data, symbol)
    assert bars["trading_day"].tolist() == file["day"].tolist()
    for name in ("open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(bars[name], file[name], name)
    count = {"AAPL": 9, "SPY": 2}[symbol]  # they come one by one
    actions = wait_until(lambda: told if len(told := published(CorporateAction)) >= count else None)
    assert len(actions) == count
    assert all(action.symbol == symbol and action.venue == "US" for action in actions)
    factors = factors_of(actions, lambda day: float(bars["close"][bars["trading_day"] < day][-1]), 20210401)
    forward = factors.adjusted(bars, bars["trading_day"].astype(np.int64), "forward")
    import yfinance

    theirs = yfinance.Ticker(symbol).history(start="1998-01-01", end="2021-04-01", auto_adjust=False)["Adj Close"].to_numpy()
    np.testing.assert_allclose(forward["close"], theirs, rtol=2e-6)
    if symbol == "AAPL":
        told = {(one.kind, one.ex_day): one.ratio or one.amount for one in actions}
        assert told["split", 20140609] == 7.0
        assert told["dividend", 20120809] == 2.65
        assert told["dividend", 20210205] == 0.205


def test_minute_bars_come_in_pages_without_empty_rows(yahoo: Any, wait_until: Any) -> None:
    """Within the last 30 days, a page a week; rows without a price are none, and older ones are refused with a sentence."""
    collector = yahoo(symbols=["AAPL"])
    wait_until(lambda: collector.connection.connected)
    now = collector.recv_ns()
    parts = collector.past("AAPL", "1m", now - 16 * DAY, now - 2 * DAY)
    bars = np.concatenate(parts)
    assert len(parts) in (2, 3)
    assert np.all(np.diff(bars["event_ns"]) >= 60_000_000_000)
    assert np.all(bars["event_ns"] - bars["start_ns"] == 60_000_000_000)
    assert np.all(bars["start_ns"] // 60_000_000_000 % 13 != 0)
    assert set(bars["close"]) <= {50.0 + number for number in range(10)}
    with pytest.raises(CollectorError, match=r"keeps 1m bars for 30 days only"):
        collector.past("AAPL", "1m", now - 60 * DAY, now - 50 * DAY)
    assert collector.past("AAPL", "trade", now - DAY, now) is None


def test_a_page_that_is_busy_rubbish_or_lost_is_asked_again(yahoo: Any, yahoo_server: Any, wait_until: Any, shared_data: Path) -> None:
    """429 is an OSError and pauses, wrong JSON is counted; the page is not remembered, and comes the next time."""
    collector = yahoo(symbols=["SPY"], options={"pause_s": 0.05})
    wait_until(lambda: collector.connection.connected)
    start, end = from_iso("2013-01-01", "UTC"), from_iso("2014-01-01", "UTC")
    assert collector.past("SPY", "1d", start, end)
    for order, what in (
        ({"status": 429, "body": "Too Many Requests", "count": 2}, "429"),
        ({"body": '{"chart": {"result": [{"meta"'}, "JSON"),
        ({"body": '{"chart": {"result": [{"meta": {}}], "error": null}}'}, "SPY"),
        ({"body": '{"chart": {"result": [], "error": null}}'}, "no chart"),  # which yfinance takes for a stretch without rows
        ({"body": '{"status_code": 503}'}, "no chart"),
        ({"status": 500, "body": "<html>oops</html>", "kind": "text/html", "count": 2}, "JSON"),
    ):
        end += DAY
        # Of this page alone: the collector's own thread asks for actions and the time meanwhile.
        yahoo_server.do("meet", only=f"period2={(end + DAY) // NS_PER_SECOND}", **order)
        with pytest.raises(OSError, match=what):
            collector.past("SPY", "1d", start, end)
        yahoo_server.do("calm")
        assert collector.past("SPY", "1d", start, end)
    assert collector.faults.counts()["malformed"] == 5


def test_what_yahoo_does_not_have_is_said(yahoo: Any, wait_until: Any) -> None:
    """A delisted share, an empty stretch, a symbol of no market."""
    collector = yahoo(symbols=["SPY"])
    wait_until(lambda: collector.connection.connected)
    with pytest.raises(CollectorError, match="may be delisted"):
        collector.instrument("GONE")
    assert collector.past("SPY", "1d", from_iso("1990-01-01", "UTC"), from_iso("1991-01-01", "UTC")) == []
    assert collector.instrument("00700").currency == "HKD"
    assert collector.instrument("SPY").kind == "etf"
    assert [yahoo_name(one) for one in ("00700", "09988", "BRK.B")] == ["0700.HK", "9988.HK", "BRK-B"]
    with pytest.raises(CollectorError, match="is no share of Hong Kong or the USA"):
        yahoo_name("600519")
    assert (collector.bus.path.resolve().parent / "yahoo").is_dir()
