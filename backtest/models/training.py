"""Training a model: stored bars in, a kept model out."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gcg_quant.clock import now_ns
from gcg_quant.errors import ModelError, nearest
from gcg_quant.events import BarBasis
from gcg_quant.history import History, RecordArray

from ...strategy_engine.models.feature import Feature, check_features, digest_of_features
from ...strategy_engine.models.record import Fold, ModelRecord, check_id
from ...strategy_engine.models.served_model import ServedModel
from ...strategy_engine.models.store import ModelStore
from .dataset import Dataset, dataset_of, digest_of_data
from .onnx_file import INSTALL, onnx_file
from .scores import mean_score, score_of
from .split import walk_forward

__all__ = ["DEFAULT_FEATURES", "PARAMETERS", "TrainingRequest", "train"]

DEFAULT_FEATURES = (
    "return(1)",
    "return(1)@1",
    "return(5)",
    "return(20)",
    "volatility(20)",
    "place(20)",
    "range",
    "body",
    "hour",
    "talib.RSI(14)",
    "talib.ADX(14)",
    "talib.MACD(12,26,9).macdhist/close",
)
# LightGBM's own names. Weak ones: with returns, more than a little is noise learnt by heart.
PARAMETERS: Mapping[str, float] = {
    "rounds": 200,
    "learning_rate": 0.02,
    "num_leaves": 8,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.7,
    "lambda_l2": 1.0,
}
_WHOLE = ("rounds", "num_leaves", "min_data_in_leaf")
# The same numbers on the same data, whatever the machine's processors: one thread, in rows' order, in double precision.
_FIXED: Mapping[str, Any] = {
    "objective": "binary",
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "bagging_freq": 1,
    "verbosity": -1,
}
_MOST_DIFFERENCE = 1e-5  # of a probability, between LightGBM's doubles and the file's floats
_LIBRARIES = ("lightgbm", "onnxmltools", "onnx", "onnxruntime", "TA-Lib", "numpy")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequest:
    """What to train: `horizon` is how many bars ahead the close is higher or not; `start_ns` and `end_ns` bound the bars."""

    id: str
    symbol: str
    period: str
    venue: str = ""
    basis: BarBasis = BarBasis.LAST
    start_ns: int | None = None
    end_ns: int | None = None
    features: Sequence[str] = DEFAULT_FEATURES
    horizon: int = 5
    folds: int = 5
    embargo: int = 20
    seed: int = 1
    parameters: Mapping[str, float] = field(default_factory=dict)


def train(request: TrainingRequest, history: History, store: ModelStore, note: Callable[[str], None] = lambda text: None) -> ModelRecord:
    """Train a model on stored bars, test it by a purged walk-forward, and keep it, trained on all rows, as the next version of its id.

    The same bars, features, numbers and seed give the same file, byte for byte, with the same versions of the libraries.

    Args:
        request: what to train.
        history: where the bars are.
        store: where the model goes.
        note: is told how far it is.

    Raises:
        ModelError: a request that makes no sense, bars that nothing can be trained on, or a missing package; nothing was kept.
        InstrumentError: nothing is stored of the symbol. EventError: the period is none.
    """
    check_id(request.id)
    features = check_features(request.features)
    parameters = _parameters(request.parameters)
    bars = _bars(request, history)
    data = dataset_of(bars, features, request.horizon)
    note(f"{len(bars):,} bars, {len(data.bars):,} rows of {len(features)} features")
    folds: list[Fold] = []
    for split in walk_forward(data.bars, request.horizon, request.folds, request.embargo):
        share = float((data.returns[split.train] > 0).mean())
        predicted = _fitted(data, split.train, parameters, request.seed).predict(data.features[split.test])
        score = score_of(np.asarray(predicted), data.returns[split.test], share)
        first, last = split.train[[0, -1]], split.test[[0, -1]]
        times = {"train_start_ns": first[0], "train_end_ns": first[1], "test_start_ns": last[0], "test_end_ns": last[1]}
        where = {name: int(data.start_ns[place]) for name, place in times.items()}
        folds.append(Fold(**where, train_rows=len(split.train), purged_rows=split.purged, score=score))
        note(f"fold {len(folds)} of {request.folds}: AUC {'-' if score.auc is None else format(score.auc, '.4f')} over {score.rows:,} rows")
    booster = _fitted(data, np.arange(len(data.bars)), parameters, request.seed)
    made = onnx_file(booster, features)
    record = ModelRecord(
        id=request.id,
        version=0,
        sha256="",
        features=[str(feature) for feature in features],
        features_digest=digest_of_features(features),
        symbol=request.symbol.partition("@")[0],
        venue=_venue(request, history),
        period=request.period,
        basis=request.basis.name.lower(),
        horizon=request.horizon,
        start_ns=int(bars["start_ns"][0]),
        end_ns=int(bars["event_ns"][-1]),
        bars=len(bars),
        rows=len(data.bars),
        up_share=float((data.returns > 0).mean()),
        data_digest=digest_of_data(bars),
        embargo=request.embargo,
        parameters=parameters,
        seed=request.seed,
        folds=folds,
        score=mean_score([fold.score for fold in folds]),
        onnx_difference=_difference(booster, data.features, features, made, request.id),
        created_ns=now_ns(),
        libraries={name: importlib.metadata.version(name) for name in _LIBRARIES},
    )
    return store.keep(record, made)


def _parameters(given: Mapping[str, float]) -> dict[str, Any]:
    for name, value in given.items():
        if name not in PARAMETERS:
            raise ModelError(f"There is no parameter {name!r} of the training.{nearest(name, PARAMETERS)}", parameter=name)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not 0 <= value < 1e6
            or (name in _WHOLE and value != int(value))
        ):
            raise ModelError(f"The training takes a {'whole ' if name in _WHOLE else ''}number as {name}, not {value!r}.", parameter=name)
    return {name: int(value) if name in _WHOLE else float(value) for name, value in {**PARAMETERS, **given}.items()}


def _bars(request: TrainingRequest, history: History) -> RecordArray:
    bars = history.bars(
        request.symbol,
        request.period,
        venue=request.venue or None,
        start_ns=request.start_ns,
        end_ns=request.end_ns,
        basis=request.basis,
    )
    bars = bars[np.isfinite(bars["close"])] if len(bars) else bars
    if not len(bars):
        message = f"There are no stored {request.period} bars of {request.symbol} ({request.basis.name.lower()}) in that range"
        raise ModelError(f"{message}: `data list` shows what is stored, --basis chooses bid or ask.", symbol=request.symbol)
    return bars


def _venue(request: TrainingRequest, history: History) -> str:
    symbol, _, named = request.symbol.partition("@")
    venues = [venue for name, venue in history.symbols() if name == symbol]
    return request.venue or named or venues[0]


def _fitted(data: Dataset, rows: npt.NDArray[np.int64], parameters: Mapping[str, Any], seed: int) -> Any:
    try:
        import lightgbm
    except ImportError as error:
        raise ModelError(INSTALL.format(error)) from error
    ups = (data.returns[rows] > 0).astype(np.float32)
    if ups.min() == ups.max():
        raise ModelError(f"In {len(rows)} rows the price only {'rises' if ups[0] else 'falls'}: there is nothing to tell apart.")
    own = {name: value for name, value in parameters.items() if name != "rounds"}
    try:
        table = lightgbm.Dataset(data.features[rows], label=ups, params={"verbosity": -1})
        return lightgbm.train({**_FIXED, **own, "seed": seed}, table, num_boost_round=parameters["rounds"])
    except lightgbm.basic.LightGBMError as error:
        raise ModelError(f"LightGBM refuses to train: {error}") from None


def _difference(booster: Any, rows: npt.NDArray[np.float32], features: tuple[Feature, ...], data: bytes, model: str) -> float:
    served = ServedModel(model, features, data)
    difference = float(np.abs(served.probabilities(rows) - np.asarray(booster.predict(rows))).max())
    if not difference <= _MOST_DIFFERENCE:
        raise ModelError(f"The ONNX file predicts otherwise than LightGBM, by up to {difference:.3g}: it was not kept.", model=model)
    return difference
