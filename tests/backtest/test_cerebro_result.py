"""`cerebro.result()`: what a cerebro of one's own leaves is the result that the engine's runs have."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import backtrader as bt
import msgspec
import pytest

from gcg_quant.backtest import EventDrivenCerebro, EventDrivenDataFeed, PresetBroker, ResultAnalyzer
from gcg_quant.errors import BacktestError
from gcg_quant.instruments import preset

DOCS = Path(__file__).resolve().parents[2] / "docs" / "backtest.md"


class Turning(bt.Strategy):
    """Buys and sells short in turn, adds to what it has, and asks for too much now and then."""

    params = (("size", 3),)

    def next(self) -> None:
        """Trade by the count."""
        size = (len(self) // 5 % 7 - 3) * self.p.size
        if len(self) % 5 == 0:
            self.order_target_size(self.datas[len(self) // 5 % len(self.datas)], size)
        if len(self) % 50 == 0:
            self.buy(size=10_000_000)


def run(kit: ModuleType, analyzed: bool, feeds: int = 1, **options: Any) -> EventDrivenCerebro:
    """Return a cerebro that has run, with a ResultAnalyzer or without."""
    cerebro = EventDrivenCerebro()
    for number in range(feeds):
        bars = kit.random_bars(200 - 30 * number, seed=number + 1, period="1h")
        cerebro.adddata(EventDrivenDataFeed(dataname=f"X{number}", period="1h", bars=bars))
    cerebro.broker.setcommission(**options.pop("commission", {"commission": 0.001}))
    cerebro.addstrategy(Turning)
    if analyzed:
        cerebro.addanalyzer(ResultAnalyzer)
    cerebro.run(**options)
    return cerebro


@pytest.mark.parametrize("options", [{}, {"feeds": 2}, {"stdstats": False}, {"stdstats": False, "feeds": 2}, {"preload": False}])
@pytest.mark.parametrize("commission", [{"commission": 0.001}, {"commission": 2.0, "mult": 10.0, "margin": 50.0}], ids=["share", "future"])
def test_what_is_made_afterwards_is_what_an_analyzer_sees(kit: ModuleType, options: dict[str, Any], commission: dict[str, float]) -> None:
    """Measures, trades, fills, values and notes are those of a ResultAnalyzer that was there all the time."""
    made, seen = (run(kit, analyzed, commission=commission, **options).result() for analyzed in (False, True))
    assert made.measures.trades > 10
    figures, expected = made.measures.to_dict(), seen.measures.to_dict()
    assert {name for name, value in figures.items() if value is None} == {name for name, value in expected.items() if value is None}
    assert [one for one in figures.values() if one is not None] == pytest.approx([one for one in expected.values() if one is not None])
    for mine, others in zip(made.trades, seen.trades, strict=True):  # Backtrader's trade works out the price of its opening as a mean
        assert msgspec.structs.replace(mine, entry_price=others.entry_price) == others
        assert mine.entry_price == pytest.approx(others.entry_price, rel=1e-12)
    assert made.fills == sorted(seen.fills, key=lambda row: row.time_ns)
    assert [time_ns for time_ns, _ in made.values] == [time_ns for time_ns, _ in seen.values]
    assert [value for _, value in made.values] == pytest.approx([value for _, value in seen.values], rel=1e-12)
    assert made.notes == ["3 orders were refused: not enough cash."]


def test_the_example_of_the_docs(
    kit: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example runs as it stands: a table, a report that needs no network, and JSON."""
    (text,) = (one for one in re.findall(r"^```python\n(.*?)^```", DOCS.read_text(), re.DOTALL | re.MULTILINE) if "cerebro.result()" in one)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"history": kit.stored(kit.random_bars(120, period="1d"), "SPY"), "SmaCross": kit.Cross}
    exec(compile(text, str(DOCS), "exec"), names)
    page = Path("sma_cross.html").read_text()
    out = capsys.readouterr().out
    result = names["result"]
    assert "Cross(fast=5, slow=30) on SPY 1d" in out
    assert json.loads(out[out.index("{") :])["measures"]["trades"] == result.measures.trades > 0
    assert "Cross on SPY 1d" in page
    assert 'src="http' not in page
    assert result._repr_html_() is not None
    assert result.seconds > 0


def test_terms_of_a_preset_are_told(kit: ModuleType) -> None:
    """Currency and time zone are those of the terms that were traded on."""
    cerebro = EventDrivenCerebro()
    cerebro.adddata(EventDrivenDataFeed(dataname="600519@SSE", period="1d", bars=kit.random_bars(60, period="1d")))
    cerebro.broker = PresetBroker({("600519", "SSE"): preset("cn_stock", "600519", "SSE")})
    cerebro.broker.set_cash(1_000_000.0)
    cerebro.addstrategy(Turning, size=100)
    cerebro.run()
    result = cerebro.result()
    assert (result.currency, result.timezone, result.fast_reason) == ("CNY", "Asia/Shanghai", "")
    assert result.measures.commission > 0


class Paid(bt.Strategy):
    """Is given cash."""

    def next(self) -> None:
        """Take it."""
        if len(self) == 5:
            self.broker.add_cash(100.0)


def test_runs_without_a_result_say_so(kit: ModuleType) -> None:
    """No run, several parameter sets, bars that were not kept, and cash from elsewhere are a sentence each."""
    cerebro = EventDrivenCerebro()
    with pytest.raises(BacktestError, match="call result\\(\\) after run\\(\\)"):
        cerebro.result()
    cerebro.adddata(EventDrivenDataFeed(dataname="X", period="1m", bars=kit.random_bars(20)))
    cerebro.addstrategy(Paid)
    cerebro.run(stdstats=False)
    with pytest.raises(BacktestError, match="cannot be told any more"):
        cerebro.result()
    cerebro.run(stdstats=True)
    assert cerebro.result().measures.end_value == 10_100.0
    cerebro.run(exactbars=1)
    with pytest.raises(BacktestError, match="without exactbars"):
        cerebro.result()
    swept = EventDrivenCerebro()
    swept.adddata(EventDrivenDataFeed(dataname="X", period="1m", bars=kit.random_bars(20)))
    swept.optstrategy(Turning, size=[1, 2])
    swept.run(maxcpus=1)
    with pytest.raises(BacktestError, match="optstrategy has no single result"):
        swept.result()
