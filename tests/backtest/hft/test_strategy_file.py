"""Strategy files in the tick engine: the sample that the API comes from, files of ours, and those that cannot be run."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tick_kit import TERMS, make_ticks, walk

from gcg_quant.backtest import hft
from gcg_quant.errors import SettingsError, StrategyError

OURS = """
    from gcg_quant.backtest import hft

    class Once(hft.Strategy):
        size = hft.Parameter(1.0, low=0.1)

        def on_tick(self, tick):
            if not self.orders and not self.position(tick.symbol):
                self.order = self.buy(tick.symbol, None, self.size)
    """


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Return a function that writes a file."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return write


def sample(shared_seeds: Path) -> str:
    """Return the sample of the document that describes the API."""
    (document,) = shared_seeds.glob("001_*.txt")
    (text,) = re.findall(r"```python\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
    return str(text)


def test_sample_of_the_document_runs_unchanged(
    write: Callable[[str, str], Path],
    shared_seeds: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its own engine reads its own settings file and data, and buys above 100, once a tick: it never notes that it has."""
    write("sample.py", sample(shared_seeds))
    (tmp_path / "conf").mkdir()
    np.save(tmp_path / "conf/ticks.npy", make_ticks([99.0, 100.5, 101.0, 100.0]))
    config = {"data": [{"path": "ticks.npy", "symbol": "ABC@SIM"}], "instruments": {"ABC": TERMS}, "cash": 1000}
    write("conf/config_replay.json", json.dumps(config))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hft.Engine, "add_data", add_saved(hft.Engine.add_data))
    result = hft.run_file("sample.py")
    assert capsys.readouterr().out.split("\n")[:3] == ["Strategy Initialized", "Buy at 100.5", "Buy at 101.0"]
    fills = result.arrays.fills
    assert sorted(zip(fills["order"].tolist(), fills["price"].tolist(), strict=True)) == [(1, 100.5), (2, 101.0)]
    assert result.facts.strategies == ("GridStrategy",)


def add_saved(add_data: Any) -> Any:
    """Return an `add_data` that also takes NumPy's own files."""

    def add(self: hft.Engine, source: Any, symbol: str = "", **options: Any) -> None:
        path = str(source) if isinstance(source, str | Path) else ""
        add_data(self, np.load(path) if path.endswith(".npy") else source, symbol, **options)

    return add


def test_sample_is_loaded_into_an_engine(write: Callable[[str, str], Path], shared_seeds: Path, make_engine: Any) -> None:
    """load_strategies takes what the file adds to its engine, and passes over what it runs."""
    path = write("sample.py", sample(shared_seeds))
    engine = make_engine(data={"ABC@SIM": make_ticks([99.0, 100.5, 101.0])})
    assert engine.load_strategies(path) == ["GridStrategy"]
    assert len(engine.run().arrays.orders) == 2


def test_classes_of_a_file_are_loaded_with_parameters(write: Callable[[str, str], Path], make_engine: Any) -> None:
    """A file that only has classes gives one object of each, or of the one that is named."""
    path = write("two.py", OURS + "\n    class Twice(Once):\n        pass\n")
    engine = make_engine(data={"ABC@SIM": make_ticks([99.0, 100.5])})
    assert engine.load_strategies(path, size=2) == ["Once", "Twice"]
    assert engine.load_strategies(path, "Twice") == ["Twice2"]
    assert [one.parameters for one in engine.strategies.values()] == [{"size": 2.0}, {"size": 2.0}, {"size": 1.0}]
    assert engine.run().arrays.fills["quantity"].tolist() == [2.0, 2.0, 1.0]


def test_a_file_without_an_engine_is_run_with_the_settings(write: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """run_file makes an engine for classes alone; what the file does under __main__ is done, with the settings as defaults."""
    monkeypatch.setattr(hft.Engine, "add_data", add_saved(hft.Engine.add_data))
    path = write("once.py", OURS)
    np.save(path.parent / "ticks.npy", walk(20))
    data = [{"path": str(path.parent / "ticks.npy"), "symbol": "ABC@SIM"}]
    result = hft.run_file(path, data=data, instruments={"ABC": TERMS}, cash=5e3)
    assert (result.facts.cash, len(result.arrays.fills)) == (5e3, 1)
    main = """
    if __name__ == "__main__":
        engine = hft.Engine(cash=7e3)
        engine.add_strategy(Once(size=3))
        engine.run()
    """
    result = hft.run_file(write("main.py", OURS + main), data=data, instruments={"ABC": TERMS}, cash=5e3)
    assert (result.facts.cash, result.arrays.fills["quantity"].tolist()) == (7e3, [3.0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = (", "bad.py:1: this is not valid Python"),
        ("import hft_backtest as hft\n1 / 0", "bad.py:2: the file cannot be run: ZeroDivisionError: division by zero."),
        ("x = 1", "bad.py has no strategy class: derive one from hft.Strategy."),
        ("import hft_backtest as hft\nhft.Engine().add_strategy(hft.Strategy)", "derived from hft.Strategy, not"),
    ],
)
def test_mistakes_of_a_file_are_sentences(write: Callable[[str, str], Path], text: str, message: str) -> None:
    """A file that is no Python, that raises, or that has no strategy is told with its line."""
    path = write("bad.py", text)
    with pytest.raises(StrategyError) as caught:
        hft.run_file(path)
    assert message in str(caught.value)


def test_missing_files_and_classes_are_named(write: Callable[[str, str], Path], make_engine: Any) -> None:
    """A file that is not there, a class that it does not have, and a setting that is none."""
    with pytest.raises(StrategyError, match="none.py cannot be read: No such file"):
        hft.run_file("none.py")
    path = write("once.py", OURS)
    with pytest.raises(StrategyError, match=r"has no strategy class 'Onse' \(it has: Once\). Did you mean 'Once'"):
        make_engine().load_strategies(path, "Onse")
    with pytest.raises(SettingsError, match="no setting 'cahs'. Did you mean 'cash'"):
        hft.run_file(path, cahs=1)
