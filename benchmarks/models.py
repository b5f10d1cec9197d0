"""What a served model takes from a closed bar to its signal: features, prediction, and both with the bus around them.

    python benchmarks/models.py [--quick] [--markdown]

What it measures: bars of a random walk through `FeatureRows` (17 features of bars, ta-lib and Chan theory), through onnxruntime, both one
after the other, and through the component that publishes `SignalEvent`s; the model has 200 trees of 8 leaves. Processor time is taken.
A regression means that strategies hear of a bar later. It does not show the way to another process, which `benchmarks/bus.py` does,
nor how good the predictions are.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from measures.rows import Plan, Row, bus_folder

from gcg_quant.backtest.models import DEFAULT_FEATURES, TrainingRequest, train
from gcg_quant.bus import EventBus
from gcg_quant.events import Bar, BarBasis, SignalEvent, World
from gcg_quant.history import MemoryHistory
from gcg_quant.strategy_engine.models import FeatureRows, ModelStore, check_features
from gcg_quant.strategy_engine.models.served_past import ServeRequest
from gcg_quant.strategy_engine.models.server import ModelServer

HOUR_NS = 3_600_000_000_000
FEATURES = (
    *DEFAULT_FEATURES,
    "talib.ATR(14)/close",
    "chan.stroke(30)",
    "chan.stroke_distance(30)",
    "chan.pivot(30)",
    "chan.b3(30)",
)
TARGET_US = 200.0
TRAINED, MEASURED = 4000, 4000


def bars(count: int) -> np.ndarray[Any, Any]:
    random = np.random.default_rng(1)
    closes = 100 * np.exp(np.cumsum(random.normal(0, 0.003, count)))
    rows = np.zeros(count, Bar.dtype)
    rows["start_ns"] = np.arange(1, count + 1) * HOUR_NS
    rows["event_ns"] = rows["start_ns"] + HOUR_NS
    rows["open"], rows["close"] = np.append(100.0, closes[:-1]), closes
    rows["high"], rows["low"] = np.maximum(rows["open"], closes) * 1.001, np.minimum(rows["open"], closes) * 0.999
    rows["volume"] = random.uniform(1, 9, count)
    rows["period"], rows["basis"] = b"1h", int(BarBasis.LAST)
    return rows


def events(rows: np.ndarray[Any, Any]) -> list[Bar]:
    names = ("open", "high", "low", "close", "volume")
    return [
        Bar(
            symbol="X",
            venue="SIM",
            period="1h",
            start_ns=int(row["start_ns"]),
            event_ns=int(row["event_ns"]),
            **{name: float(row[name]) for name in names},
        )
        for row in rows
    ]


def each_us(call: Callable[[Any], object], values: list[Any]) -> np.ndarray[Any, Any]:
    """Return the microseconds of processor time of each call: all of it is on this thread, and neighbours count little."""
    spent = np.empty(len(values))
    for place, value in enumerate(values):
        begin = time.thread_time_ns()
        call(value)
        spent[place] = (time.thread_time_ns() - begin) / 1e3
    return spent


def rows_of(name: str, spent: np.ndarray[Any, Any], *, target: bool) -> list[Row]:
    found = []
    for word, value in (("median", float(np.median(spent))), ("p99", float(np.percentile(spent, 99)))):
        goal = (f"< {TARGET_US:g} us", value < TARGET_US) if target else ("", None)
        found.append(Row(f"{name}, {word}", f"{value:.1f} us", *goal))
    return found


def measure(folder: Path, plan: Plan) -> list[Row]:
    count = plan.count(MEASURED)
    data = bars(TRAINED + count)
    history = MemoryHistory()
    history.add_bars("X", "SIM", data[:TRAINED])
    store = ModelStore(folder / "models")
    train(TrainingRequest(id="bench", symbol="X", period="1h", features=FEATURES, folds=1), history, store)
    _, model = store.load("bench")
    maker = FeatureRows(check_features(FEATURES))
    maker.add_rows(data[:TRAINED])
    later = events(data[TRAINED:])
    made: list[Any] = []
    found = rows_of(
        f"features of a bar ({len(FEATURES)})", each_us(lambda bar: made.append(maker.add_bar(bar).copy()), later), target=False
    )
    found += rows_of("prediction of a row (onnxruntime)", each_us(model.probability, made), target=False)
    again = FeatureRows(check_features(FEATURES))
    again.add_rows(data[:TRAINED])
    found += rows_of("inference: features and prediction", each_us(lambda bar: model.probability(again.add_bar(bar)), later), target=True)
    with EventBus(folder / "bus", world=World.PAPER, source="bench", sync="none") as bus:
        server = ModelServer(store, serve=[ServeRequest("bench")], bar_periods=("1h",), event_time=True)
        server.start(bus, history, threaded=False)
        bus.publish(later[0])  # the first bar reads the past
        server.turn()

        def serve(bar: Bar) -> None:
            bus.publish(bar)
            server.turn()

        found += rows_of("bar published to signal published", each_us(serve, later[1:]), target=False)
        with bus.reader(start="begin", events=[SignalEvent]) as reader:
            signals = sum(1 for _ in reader)
        if signals != len(later):
            raise SystemExit(f"{signals} signals came of {len(later)} bars: these figures say nothing.")
        server.stop()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the bars")
    parser.add_argument("--markdown", action="store_true", help="print a table for the README")
    options = parser.parse_args()
    import lightgbm
    import onnxruntime

    print(
        f"{platform.machine()}, Python {platform.python_version()}, lightgbm {lightgbm.__version__}, onnxruntime {onnxruntime.__version__}"
    )
    with bus_folder() as folder:
        rows = measure(folder, Plan(quick=options.quick))
    if options.markdown:
        print("| a served model | measured | target |\n|---|---|---|")
    for row in rows:
        print(row.markdown() if options.markdown else row.plain())


if __name__ == "__main__":
    main()
