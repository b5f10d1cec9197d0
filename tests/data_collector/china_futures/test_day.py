"""A day of the market through the real library's struct and our callbacks: its candles are those that pandas makes of the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from fakes.china.api import spoil
from fakes.china.counter import DBL_MAX, Counter

from gcg_quant.bars import aggregate
from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_MINUTE
from gcg_quant.data_collector.china_futures import CtpCollector
from gcg_quant.events import Tick, VolumeKind

_FIELDS = {
    "InstrumentID": "instrument",
    "ExchangeID": "exchange",
    "TradingDay": "trading_day",
    "ActionDay": "action_day",
    "LastPrice": "last",
    "OpenPrice": "open",
    "HighestPrice": "high",
    "LowestPrice": "low",
    "UpperLimitPrice": "upper_limit",
    "LowerLimitPrice": "lower_limit",
    "Volume": "total_volume",
    "Turnover": "total_turnover",
    "OpenInterest": "open_interest",
    "PreClosePrice": "pre_close",
    "PreSettlementPrice": "pre_settle",
    "PreOpenInterest": "pre_oi",
    "BidPrice1": "bid1",
    "BidVolume1": "bid1_size",
    "AskPrice1": "ask1",
    "AskVolume1": "ask1_size",
}
_MISSING = [f"{side}Price{level}" for side in ("Bid", "Ask") for level in range(2, 6)]


def test_candles_of_a_day_equal_those_of_pandas(
    bus: EventBus, counter: Counter, collect: Callable[..., CtpCollector], wait_until: Any, shared_data: Path
) -> None:
    """Each row of the CFFEX day, set into the library's struct, passes through the callback; the minutes equal pandas', bar by bar."""
    rows = pd.read_csv(shared_data / "future/CFFEX_IF_tick_20210104.csv.gz", dtype={"trading_day": str, "action_day": str})
    moments = pd.to_datetime(rows["action_day"] + " " + rows["time"]).dt.tz_localize("Asia/Shanghai")
    times = moments.dt.tz_convert("UTC").astype("datetime64[ns, UTC]").astype("int64").to_numpy()
    clock = [0]
    collector = collect("IF2101", wall=lambda: clock[0] or int(times[0]), silence_s=86_000.0)
    wait_until(lambda: collector.connection.connected)
    api = counter.apis("market")[0]
    struct = counter.struct(api, "CThostFtdcDepthMarketDataField")  # one for all, as the library's memory is
    values = {field: rows[column].tolist() for field, column in _FIELDS.items()}
    for place, clock_text in enumerate(rows["time"]):
        for field, column in values.items():
            setattr(struct, field, column[place])
        struct.UpdateTime, struct.UpdateMillisec = clock_text[:8], int(clock_text[9:])
        struct.SettlementPrice = struct.ClosePrice = struct.CurrDelta = DBL_MAX
        struct.AveragePrice = values["Turnover"][place] / max(1, values["Volume"][place])
        for field in _MISSING:
            setattr(struct, field, DBL_MAX)
        clock[0] = int(times[place]) + 3_000_000
        api.spi.OnRtnDepthMarketData(struct)
        if place % 1000 == 0:
            spoil(struct)
    ticks = _ticks(bus)
    inside = times < times[0] + (5 * 60 + 32) * NS_PER_MINUTE  # 09:29 .. 15:01: what the front repeats after the close is left out
    outside = int((~inside).sum())
    assert len(ticks) == int(inside.sum())
    counts = collector.faults.counts()
    counts.pop("clock", None)  # ours runs through a day in seconds here
    assert counts == {"outside": outside}
    assert (ticks["volume_kind"] == VolumeKind.DAY).all()
    assert np.isnan(ticks["settlement"]).all()
    assert (ticks["trading_day"] == 20210104).all()
    assert (ticks["recv_ns"] - ticks["event_ns"] == 3_000_000).all()
    assert np.allclose(ticks["average_price"], ticks["turnover"] / ticks["volume"] / 300)

    frame = rows[inside].assign(minute=times[inside] // NS_PER_MINUTE * NS_PER_MINUTE)
    grouped = frame.groupby("minute")
    expected = grouped["last"].agg(["first", "max", "min", "last", "size"])
    expected["oi"] = grouped["open_interest"].last()
    totals = grouped[["total_volume", "total_turnover"]].last()
    expected["volume"] = totals["total_volume"].diff()
    expected["turnover"] = totals["total_turnover"].diff()
    bars = aggregate(ticks, "1m")
    assert bars["start_ns"].tolist() == expected.index.tolist()
    for column, field in {"first": "open", "max": "high", "min": "low", "last": "close", "oi": "open_interest"}.items():
        assert bars[field].tolist() == expected[column].tolist(), field
    assert bars["volume"][1:].tolist() == expected["volume"].tolist()[1:]
    assert bars["turnover"][1:].tolist() == expected["turnover"].tolist()[1:]
    assert bars["count"].tolist() == expected["size"].tolist()


def _ticks(bus: EventBus) -> Any:
    with bus.reader(start="begin") as reader:
        rows = reader.read_array(Tick, limit=100_000)
    ticks = np.zeros(len(rows), Tick.dtype)
    for name in Tick.dtype.names:
        ticks[name] = rows[name]
    return ticks
