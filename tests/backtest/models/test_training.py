"""Training: what is kept, that it is the same again, that the file predicts as LightGBM does, and what is refused."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gcg_quant.backtest.models import TrainingRequest, dataset_of, train
from gcg_quant.errors import InstrumentError, ModelError
from gcg_quant.events import Bar, BarBasis
from gcg_quant.history import MemoryHistory
from gcg_quant.strategy_engine.models import FeatureRows, ModelStore, check_features

HOUR_NS = 3_600_000_000_000
FEATURES = ("return(1)", "return(3)@1", "place(10)", "talib.RSI(5)")
QUICK = {"rounds": 30, "learning_rate": 0.1}


def made_bars(count: int = 1500, seed: int = 1) -> np.ndarray[Any, Any]:
    """Return hourly bars whose return leans against the one before: something that can be learnt."""
    random = np.random.default_rng(seed)
    steps = np.zeros(count)
    noise = random.normal(0, 0.01, count)
    for place in range(1, count):
        steps[place] = noise[place] - 0.5 * steps[place - 1]
    closes = 100 * np.exp(np.cumsum(steps))
    rows = np.zeros(count, Bar.dtype)
    rows["start_ns"] = np.arange(1, count + 1) * HOUR_NS
    rows["event_ns"] = rows["start_ns"] + HOUR_NS
    rows["open"], rows["close"] = np.append(100.0, closes[:-1]), closes
    rows["high"] = np.maximum(rows["open"], closes) * 1.001
    rows["low"] = np.minimum(rows["open"], closes) * 0.999
    rows["volume"] = np.nan
    rows["period"], rows["basis"] = b"1h", int(BarBasis.LAST)
    return rows


@pytest.fixture(scope="module")
def history() -> MemoryHistory:
    """Return a history with bars of one symbol."""
    made = MemoryHistory()
    made.add_bars("XYZ", "SIM", made_bars())
    return made


def request(**others: Any) -> TrainingRequest:
    """Return a request for a small model."""
    return TrainingRequest(
        **{"id": "xyz", "symbol": "XYZ", "period": "1h", "features": FEATURES, "horizon": 1, "folds": 3, "parameters": QUICK, **others}
    )


def test_the_same_data_give_the_same_file(history: MemoryHistory, tmp_path: Path) -> None:
    """Twice trained is the same file, byte for byte; another seed is another; what there was to learn was learnt; versions count up."""
    store, told = ModelStore(tmp_path), list[str]()
    first, second = train(request(), history, store, told.append), train(request(), history, store)
    assert (first.version, second.version) == (1, 2)
    assert first.sha256 == second.sha256
    assert train(request(seed=2), history, store).sha256 != first.sha256
    assert first.score.auc is not None
    assert first.score.ic is not None
    assert first.score.auc > 0.6
    assert first.score.log_loss < first.score.baseline_log_loss
    assert first.score.ic > 0.15
    assert len(first.folds) == 3
    assert all(fold.purged_rows == 21 for fold in first.folds)  # an embargo of 20 bars, and the label's one
    assert all(fold.train_end_ns + (1 + 20) * HOUR_NS < fold.test_start_ns for fold in first.folds)
    assert (first.start_ns, first.end_ns, first.bars) == (HOUR_NS, 1501 * HOUR_NS, 1500)
    assert (first.symbol, first.venue, first.basis) == ("XYZ", "SIM", "last")
    assert first.onnx_difference < 1e-6
    assert told[-1].startswith("fold 3 of 3")
    assert [record.name for record in store.records()] == ["xyz@3", "xyz@2", "xyz@1"]
    assert store.find("xyz", 1) == first


def test_the_served_model_predicts_what_the_rows_say(history: MemoryHistory, tmp_path: Path) -> None:
    """Bars fed one by one to the served features, and its prediction of each, are those of the training's rows, value by value."""
    store = ModelStore(tmp_path)
    train(request(), history, store)
    _, model = store.load("xyz")
    bars = history.bars("XYZ", "1h")
    data = dataset_of(bars, check_features(FEATURES), 1)
    live = FeatureRows(model.features)
    rows = [live.add_bar(Bar(symbol="XYZ", venue="SIM", **_fields(bar))) for bar in bars]
    found = [row for row in rows[:-1] if row is not None]
    assert np.array(found).tobytes() == data.features.tobytes()
    together = model.probabilities(data.features[:200])
    assert [model.probability(row) for row in data.features[:200]] == pytest.approx(together.tolist(), abs=1e-7)


def _fields(row: Any) -> dict[str, Any]:
    return {name: float(row[name]) for name in ("open", "high", "low", "close", "volume")} | {
        "start_ns": int(row["start_ns"]),
        "event_ns": int(row["event_ns"]),
        "period": "1h",
    }


def test_labels_are_returns_so_many_bars_on(history: MemoryHistory) -> None:
    """A row's return is that of the close `horizon` bars later; the last bars have none and give no row."""
    bars = history.bars("XYZ", "1h")
    data = dataset_of(bars, check_features(["return(1)"]), 7)
    closes = bars["close"]
    assert data.bars.tolist() == list(range(1, 1493))
    assert data.returns == pytest.approx(np.log(closes[8:] / closes[1:-7]))


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"id": "../x"}, "model's id has up to 40 letters"),
        ({"horizon": 0}, "looks at least 1 bar ahead"),
        ({"folds": 0}, "folds of 1 or more"),
        ({"features": ("return(1)", "volume(5)")}, "no value of volume"),
        ({"features": ()}, "1 to 500 features"),
        ({"parameters": {"round": 3}}, "Did you mean 'rounds'?"),
        ({"parameters": {"rounds": 2.5}}, "takes a whole number as rounds"),
        ({"parameters": {"learning_rate": "x"}}, "takes a number as learning_rate"),
        ({"parameters": {"num_leaves": 1}}, "LightGBM refuses to train"),
        ({"basis": BarBasis.BID}, "no stored 1h bars of XYZ .bid."),
        ({"end_ns": 30 * HOUR_NS}, "29 bars, and the features need 60"),
        ({"end_ns": 70 * HOUR_NS}, "too few for 3 folds"),
    ],
)
def test_what_cannot_be_trained_keeps_nothing(history: MemoryHistory, tmp_path: Path, others: dict[str, Any], message: str) -> None:
    """A bad request is one sentence, and no model is there afterwards."""
    store = ModelStore(tmp_path)
    with pytest.raises(ModelError, match=message):
        train(request(**others), history, store)
    assert store.records() == []


def test_unknown_symbol_is_an_error(history: MemoryHistory, tmp_path: Path) -> None:
    """A symbol that is not stored is named."""
    with pytest.raises(InstrumentError, match="Nothing is stored of 'XY'"):
        train(request(symbol="XY"), history, ModelStore(tmp_path))


def test_prices_that_only_rise_teach_nothing(tmp_path: Path) -> None:
    """Where every label is the same there is nothing to train."""
    rows = made_bars(600)
    rows["close"] = rows["open"] = rows["high"] = rows["low"] = np.linspace(100, 200, 600)
    rising = MemoryHistory()
    rising.add_bars("UP", "SIM", rows)
    with pytest.raises(ModelError, match="the price only rises"):
        train(request(symbol="UP"), rising, ModelStore(tmp_path))


@pytest.mark.parametrize("missing", ["lightgbm", "onnxmltools", "onnxruntime"])
def test_a_missing_package_is_named_with_its_command(
    history: MemoryHistory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """Without one of the packages the message has the command that installs it."""
    real = builtins.__import__

    def without(name: str, *others: Any) -> Any:
        if name.partition(".")[0] == missing:
            raise ImportError(f"No module named {missing!r}", name=missing)
        return real(name, *others)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModelError, match=r"pip install 'gcg_quant\[models\]'"):
        train(request(), history, ModelStore(tmp_path))


def test_the_file_parts_neighbouring_floats_as_lightgbm_does() -> None:
    """Rows that differ in their last bit: a threshold between them, rounded to the nearest float, would be one of them."""
    import lightgbm

    from gcg_quant.backtest.models.onnx_file import onnx_file
    from gcg_quant.strategy_engine.models import ServedModel

    steps = np.arange(400, dtype=np.uint32)
    rows = (np.float32(1.1).view(np.uint32) + steps).view(np.float32).reshape(-1, 1)
    ups = steps // 50 % 2
    parameters = {"objective": "binary", "min_data_in_leaf": 1, "max_bin": 500, "min_data_in_bin": 1, "verbosity": -1, "num_threads": 1}
    booster = lightgbm.train(parameters, lightgbm.Dataset(rows, label=ups, params=parameters), num_boost_round=20)
    expected = np.asarray(booster.predict(rows))
    assert np.abs(np.diff(expected)).max() > 0.1
    features = check_features(["range"])
    assert ServedModel("near", features, onnx_file(booster, features)).probabilities(rows) == pytest.approx(expected, abs=1e-6)
