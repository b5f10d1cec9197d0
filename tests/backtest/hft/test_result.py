"""`hft.Result`: frames over the arrays, trades and measures as of every other backtest, tables, files and the report."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import backtrader as bt
import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import INSTRUMENTS, START_NS, dtypes, empty_arrays, facts_of, make_run

from gcg_quant.backtest import EventDrivenCerebro, EventDrivenDataFeed, ResultAnalyzer
from gcg_quant.backtest.hft.chart_bars import chart_sources
from gcg_quant.backtest.hft.facts import RunArrays
from gcg_quant.backtest.hft.frames import span_name
from gcg_quant.backtest.hft.result import Result
from gcg_quant.backtest.hft.trips import round_trips
from gcg_quant.backtest.making.rows import maker_rows
from gcg_quant.backtest.results import round_trips as one_by_one
from gcg_quant.clock import NS_PER_DAY
from gcg_quant.enumerations import Liquidity, Side
from gcg_quant.errors import BacktestError
from gcg_quant.events import Fill, Tick
from gcg_quant.instruments import Instrument


def made(orders: int = 60, **others: Any) -> Result:
    """Return the result of a made-up run, with bars of its three instruments."""
    arrays = make_run(orders=orders)
    count = int(arrays.equity["event_ns"][-1] - START_NS) // 500_000_000
    return Result(arrays, facts_of(**{"ticks": 3 * count, **others}), lambda period: bars_of(count, period))


def bars_of(count: int, period: str) -> Any:
    """Return bars of so many ticks, one each half second, of each instrument."""
    rng = np.random.default_rng(3)
    data = {}
    for number, instrument in enumerate(INSTRUMENTS, start=1):
        rows = np.zeros(count, Tick.dtype)
        rows["event_ns"] = START_NS + np.arange(count) * 500_000_000
        rows["last_price"] = 100.0 * number + np.cumsum(rng.integers(-1, 2, count)) * instrument.tick_size
        rows["volume"], rows["volume_kind"] = np.arange(count), 1
        data[number] = [rows]
    return chart_sources(data, INSTRUMENTS, [one.symbol for one in INSTRUMENTS], period)


def test_frames_have_names_and_times_and_share_the_numbers() -> None:
    """Times are UTC, numbers are the arrays' own memory, and enumerations, symbols and order ids are words."""
    result = made()
    fills, orders = result.fills, result.orders
    assert str(fills.index.dtype) == "datetime64[ns, UTC]"
    assert fills.index.asi8.tolist() == result.arrays.fills["event_ns"].tolist()
    for frame, rows, names in (
        (fills, result.arrays.fills, ("price", "quantity", "fee", "position", "cash", "mid")),
        (orders, result.arrays.orders, ("price", "filled", "ahead")),
        (result.positions, result.arrays.positions, ("quantity", "last_price", "fees")),
        (result.equity, result.arrays.equity, ("equity", "cash", "margin")),
    ):
        for name in names:
            assert np.shares_memory(frame[name].to_numpy(), rows[name]), name
    first, row = fills.iloc[0], result.arrays.fills[0]
    assert first["order"] == f"{first['strategy']}-{row['order']}"
    assert (first["symbol"], first["side"]) == (INSTRUMENTS[row["number"] - 1].symbol, Side(row["side"]).name)
    assert first["liquidity"] == Liquidity(row["liquidity"]).name
    assert list(fills.columns[-4:]) == ["mid", "mid_100ms", "mid_1s", "mid_10s"]
    assert "offset" not in fills
    assert set(fills["order"]) <= set(orders["order"])
    refused = orders[orders["status"] == "REJECTED"]
    assert refused["arrived"].isna().all()
    assert set(refused["reason"]) == {"buying power"}
    assert orders["queue"].max() == pd.Timedelta(result.arrays.orders["queue_ns"].max(), "ns")
    assert result.positions.groupby("symbol", observed=True)["quantity"].last().index.tolist() == ["BTCUSDT", "IF2101", "IBM"]
    assert [span_name(span) for span in (100_000_000, 90_000_000_000, 1_500, 250_000)] == ["100ms", "90s", "1500ns", "250us"]


def test_offsets_are_shown_where_there_are_any() -> None:
    """Fills of a futures exchange say whether they opened or closed; a symbol of two venues has their names."""
    arrays = make_run(3)
    arrays.fills["offset"] = 1
    here = Instrument(symbol="X", venue="A"), Instrument(symbol="X", venue="B"), INSTRUMENTS[2]
    fills = Result(arrays, facts_of(instruments=here)).fills
    assert set(fills["offset"]) == {"OPEN"}
    assert set(fills["symbol"]) == {"X@A", "X@B", "IBM"}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 80))
def test_trades_are_those_that_one_fill_after_the_other_gives(seed: int, orders: int) -> None:
    """All at once they are, to the last bit, what `results.round_trips` finds for each strategy, but for the size: the largest reached."""
    arrays, facts = make_run(seed, orders), facts_of()
    samples = arrays.equity["event_ns"]
    found, still_open = round_trips(arrays.fills, facts, samples)
    terms = {(one.symbol, one.venue): one for one in INSTRUMENTS}
    expected, left = [], 0
    for strategy in (1, 2):
        rows = arrays.fills[arrays.fills["strategy"] == strategy]
        events = [as_event(row) for row in rows]
        trades, more = one_by_one.round_trips(events, terms, samples, samples)
        expected += [msgspec.structs.replace(trade, size=size) for trade, size in zip(trades, reached(events, terms), strict=True)]
        left += more
    fields = ("symbol", "size", "entry_price", "profit", "commission", "net_profit")
    assert sorted(tuple(getattr(row, name) for name in fields) for row in found) == sorted(
        tuple(getattr(row, name) for name in fields) for row in expected
    )
    assert still_open == left
    assert [row.exit_ns for row in found] == sorted(row.exit_ns for row in found)


def reached(fills: list[Fill], terms: dict[tuple[str, str], Instrument]) -> list[float]:
    """Return the largest size of each closed trade, in the order in which they closed."""
    held: dict[str, int] = {}
    largest: dict[str, int] = {}
    found = []
    for fill in fills:
        instrument, name = terms[fill.symbol, fill.venue], fill.symbol
        before = held.get(name, 0)
        after = held[name] = before + instrument.lots(fill.quantity) * (1 if fill.side == Side.BUY else -1)
        if before and before * after <= 0:
            found.append(instrument.quantity(largest[name]))
        largest[name] = after if before * after <= 0 else max(largest[name], after, key=abs)
    return found


def as_event(row: Any) -> Fill:
    """Return a fill of the array as the event that the bus would carry."""
    instrument = INSTRUMENTS[row["number"] - 1]
    place = {"symbol": instrument.symbol, "venue": instrument.venue}
    values = {name: float(row[name]) for name in ("price", "quantity", "fee")}
    return Fill(**place, **values, side=Side(int(row["side"])), event_ns=int(row["event_ns"]))


class Plan(bt.Strategy):
    """Holds what a list says, bar by bar."""

    params = (("plan", ()),)

    def next(self) -> None:
        """Order what is missing."""
        self.order_target_size(target=self.p.plan[len(self) - 1])


def test_measures_are_those_of_backtrader(kit: ModuleType) -> None:
    """The account and the fills of a Backtrader run, as the tick engine would tell them, have the measures of its analyzers."""
    rng = np.random.default_rng(4)
    bars = kit.random_bars(3000, period="15m")
    cerebro = EventDrivenCerebro(stdstats=False)
    cerebro.adddata(EventDrivenDataFeed(dataname="X", period="15m", bars=bars), name="X")
    cerebro.broker.setcommission(commission=0.0002)
    cerebro.addstrategy(Plan, plan=np.repeat(rng.integers(-3, 4, 301), 10).tolist())
    cerebro.addanalyzer(ResultAnalyzer, _name="result")
    theirs = cerebro.run()[0].analyzers.result
    expected = theirs.get_analysis()
    facts = facts_of(instruments=(Instrument(symbol="X", venue=""),), cash=10_000.0, horizons_ns=())
    ours = Result(as_arrays(theirs, bars["start_ns"]), facts).measures
    assert expected.trades > 100
    assert expected.sharpe is not None
    for name, value in expected.to_dict().items():
        exact = isinstance(value, int) or value is None
        assert getattr(ours, name) == (value if exact else pytest.approx(value, rel=1e-9)), name


def as_arrays(analyzer: Any, times_ns: Any) -> RunArrays:
    """Return what the engine would have noted of this run, a sample a bar."""
    kinds = dtypes(0)
    fills = np.zeros(len(analyzer.fills), kinds["fills"])
    rows = analyzer.fills
    fills["event_ns"], fills["price"], fills["fee"] = zip(*((row.time_ns, row.price, row.commission) for row in rows), strict=True)
    fills["quantity"] = [abs(row.size) for row in rows]
    fills["side"] = [int(Side.BUY if row.size > 0 else Side.SELL) for row in rows]
    fills["number"] = fills["strategy"] = fills["order"] = 1
    equity = np.zeros(len(analyzer.values), kinds["equity"])
    equity["event_ns"], equity["equity"] = times_ns, analyzer.values
    signed = np.where(fills["side"] == Side.BUY, 1, -1) * fills["quantity"]
    positions = np.zeros(len(equity), kinds["positions"])
    positions["event_ns"] = times_ns
    positions["number"] = positions["strategy"] = 1
    positions["quantity"] = [signed[fills["event_ns"] <= at].sum() for at in times_ns]
    return RunArrays(fills, np.empty(0, kinds["orders"]), positions, equity)


def test_trades_frame_and_text() -> None:
    """A row a closed trade by the time of its end; the result's text counts what happened."""
    result = made(200)
    trades = result.trades
    assert len(trades) == result.measures.trades > 5
    assert trades["net_profit"].sum() == pytest.approx(result.measures.net_profit)
    assert (trades.index >= trades["entry"]).all()
    assert str(trades["entry"].dtype) == "datetime64[ns, UTC]"
    assert repr(result).startswith("<Result grid, pairs on BTCUSDT, IF2101, IBM: ")
    assert f"{len(result.arrays.fills)} fills" in repr(result)
    assert result.net_profit == pytest.approx(result.making.loc["net_profit", "total"])
    assert result.making.loc["sent", "total"] == 200


def test_tables(capsys: pytest.CaptureFixture[str]) -> None:
    """The console shows ticks, samples, seconds, why orders were refused, and market making only where resting orders were filled."""
    made(parameters={"step": 2}).summary()
    shown = capsys.readouterr().out
    assert "grid, pairs(step=2) on BTCUSDT, IF2101, IBM ticks" in shown
    assert "Market making" in shown
    assert "Adverse after 100 ms (ticks / bps)" in shown
    assert "orders were refused: buying power." in shown
    assert "samples with a position" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "…" not in shown
    Result(make_run(takers_only=True), facts_of(ticks=100)).summary(trades=0)
    shown = capsys.readouterr().out
    assert "Market making" not in shown
    assert "Trades\n" not in shown


def small_trade() -> Result:
    """Return a run with one trade: 0.002 BTC bought twice and sold at once, for 0.008 dollars less."""
    fills = np.zeros(3, dtypes()["fills"])
    fills["order"], fills["number"], fills["strategy"] = [1, 2, 3], 1, 1
    fills["event_ns"] = START_NS + np.array([1, 2, 3]) * 10**9
    fills["price"], fills["quantity"] = [100.0, 100.0, 98.0], [0.002, 0.002, 0.004]
    fills["side"] = [int(Side.BUY), int(Side.BUY), int(Side.SELL)]
    equity = np.zeros(5, dtypes()["equity"])
    equity["event_ns"], equity["equity"] = START_NS + np.arange(5) * 10**9, 1_000_000.0 - np.array([0, 0, 0, 0.008, 0.008])
    only = INSTRUMENTS[:1]
    return Result(empty_arrays()._replace(fills=fills, equity=equity), facts_of(instruments=only, strategies=("grid",), ticks=100))


def test_small_trades_are_told_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """Sizes and profits far below one have their decimals, and the day stands in the title to leave room for them."""
    small_trade().summary()
    told = capsys.readouterr().out
    title, line = (row for row in told.splitlines() if row.startswith(("Trades, ", " BTCUSDT")))
    assert title.split() == ["Trades,", "2023-11-14"]
    assert "Total return −0.00000080 % CAGR" in " ".join(told.split())
    assert "Max drawdown 0.00000080 % 0.01" in " ".join(told.split())
    assert line.split() == ["BTCUSDT", "22:13:01", "22:13:03", "0.004", "100", "2", "s", "0.00", "−0.0080"]


def over_days(days: int) -> Result:
    """Return a made-up run whose samples of the account lie evenly on so many UTC days."""
    arrays = make_run(orders=60)
    equity = arrays.equity.copy()
    equity["event_ns"] = START_NS // NS_PER_DAY * NS_PER_DAY + np.linspace(0, days * NS_PER_DAY - 1, len(equity)).astype(np.int64)
    return Result(arrays._replace(equity=equity), facts_of(ticks=100))


@pytest.mark.parametrize(("days", "told"), [(4, False), (5, True)])
def test_days_are_judged_from_five_on(days: int, told: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """The returns of fewer days are measured, and not shown."""
    result = over_days(days)
    assert result.measures.sharpe is not None
    result.summary(trades=0)
    rows = {line[:18].strip(): line[18:].split() for line in capsys.readouterr().out.splitlines()}
    for name, value in (("Sharpe", result.measures.sharpe), ("Volatility", result.measures.volatility), ("Value at risk", 0.0)):
        assert value is not None
        assert (rows[name][0] != "n/a") == told, name
    assert "trading" in rows["Sharpe"] if not told else rows["Sharpe"][0] == f"{result.measures.sharpe:,.4f}".replace("-", "−")


def test_nothing_happened(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A run without an order has frames without rows, measures of an account that did not move, and a report."""
    result = Result(empty_arrays(0), facts_of(horizons_ns=()))
    assert [len(frame) for frame in (result.fills, result.orders, result.positions, result.equity, result.trades)] == [0] * 5
    assert (result.measures.end_value, result.measures.trades, result.net_profit) == (1_000_000.0, 0, 0.0)
    result.summary()
    assert "1,000,000.00" in capsys.readouterr().out
    assert result.report(tmp_path / "report.html").stat().st_size > 100_000


def test_saved_like_every_backtest(tmp_path: Path) -> None:
    """A folder holds result.json, values, trades and fills as CSV, the report, and the arrays."""
    result = made()
    folder = result.save(tmp_path / "runs" / "grid-1")
    assert sorted(path.name for path in folder.iterdir()) == [
        *("arrays.npz", "fills.csv", "report.html", "result.json", "trades.csv", "values.csv"),
    ]
    told = json.loads((folder / "result.json").read_text())
    assert told["measures"] == result.measures.to_dict()
    assert told["making"][0]["net_profit"] == pytest.approx(result.net_profit)
    assert (told["kind"], told["ticks"]) == ("hft", result.facts.ticks)
    assert len((folder / "fills.csv").read_text().splitlines()) == len(result.arrays.fills) + 1
    with np.load(folder / "arrays.npz") as arrays:
        assert all((arrays[name] == getattr(result.arrays, name)).all() for name in ("equity", "positions"))
    (tmp_path / "file").write_text("")
    with pytest.raises(BacktestError, match="cannot be saved in .*file"):
        result.save(tmp_path / "file")
    with pytest.raises(BacktestError, match="cannot be written to .*missing"):
        result.report(tmp_path / "missing" / "report.html")


@pytest.mark.browser
def test_report_of_ticks_in_a_browser(chromium: Any, tmp_path: Path) -> None:
    """Seconds, how long trades were held, market making, one axis for all charts, and pages of a thousand trades."""
    result = made(3_000, ticks=80_000, settings={"latency": "1 ms"})
    assert len(result.trades) > 50
    page = chromium.new_page(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(result.report(tmp_path / "report.html").as_uri())
    page.wait_for_selector("#fall canvas")
    assert "80,000 ticks" in page.inner_text("#subtitle")
    assert "Net" in page.inner_text("#making")
    assert page.locator("#making thead th").all_inner_texts() == ["", "Total", "BTCUSDT", "IF2101", "IBM"]
    assert page.inner_text("#making tr:has(th:text-is('Sent')) td") == "3,000"
    assert page.locator("#trades tbody tr").count() == 50
    assert "Held" in page.inner_text("#trades thead")
    assert "latency" in page.inner_text("#settings")
    view = "document.getElementById('charts').view.charts"
    assert page.evaluate(f"{view}.value.values.size === {view}.axis.length")
    page.click("#trades th button:has-text('Held')")  # the shortest first
    page.locator("#trades tbody tr").first.click()
    page.wait_for_selector("#price[data-fills=near]")
    drawn = page.evaluate(f"{view}.price.main.markers().length")
    assert 0 < drawn < page.evaluate(f"{view}.marks.fills.length")
    page.click("#symbols button:has-text('IF2101')")
    page.click("#more")
    assert page.locator("#trades tbody tr").count() == min(1050, len(result.trades))
    page.goto(Result(empty_arrays(), facts_of()).report(tmp_path / "empty.html").as_uri())
    page.wait_for_selector("#fall canvas")
    assert page.locator("#making").is_hidden()
    page.close()
    assert faults == []


@pytest.mark.browser
def test_report_of_one_symbol_in_a_browser(chromium: Any, tmp_path: Path) -> None:
    """The market makers' measures of one symbol stand in groups beside each other, all that a table would say; few days are not judged."""
    only = INSTRUMENTS[:1]
    result = Result(make_run(orders=60, instruments=only), facts_of(instruments=only, ticks=100, first_ns=START_NS + 7 * 10**9))
    page = chromium.new_page(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(result.report(tmp_path / "report.html").as_uri())
    page.wait_for_selector("#fall canvas")
    assert "BTCUSDT · 14 Nov 2023 22:13:07 – " in page.inner_text("#subtitle")
    assert page.locator("#making h3").all_inner_texts() == ["Orders", "Trading", "Queue", "Spread", "Inventory", "Profit"]
    told = [cells[0] for _, _, cells in maker_rows(result.maker_measures)]
    assert page.locator("#making dd").all_inner_texts() == told
    lefts = {round(box["x"]) for box in (group.bounding_box() for group in page.locator("#making dl").all())}
    assert len(lefts) == 3
    page.goto(small_trade().report(tmp_path / "small.html").as_uri())
    page.wait_for_selector("#fall canvas")
    cells = page.locator("#trades tbody td").all_inner_texts()
    assert (cells[2], cells[-2:]) == ("0.004", ["0.00", "−0.0080"])
    assert page.locator("#headline .down").all_inner_texts() == ["−0.00000080 %"] * 2
    assert "drawdown −0.0000010 %" in page.inner_text("#value-legend")  # of values in cents
    labels = page.evaluate("[0, -4e-7, -1e-6].map(document.getElementById('charts').view.charts.fall.main.options().priceFormat.formatter)")
    assert labels == ["0.0000000 %", "−0.0000004 %", "−0.0000010 %"]
    for days in (4, 5):
        page.goto(over_days(days).report(tmp_path / "days.html").as_uri())
        page.wait_for_selector("#fall canvas")
        for label in ("Sharpe", "Volatility", "Value at risk, a day, 95 %"):
            assert (page.inner_text(f"#groups dt:text-is('{label}') + dd") == "–") == (days < 5)
        assert ("less than 5 days" in page.inner_text("#headline")) == (days < 5)
    page.close()
    assert faults == []
