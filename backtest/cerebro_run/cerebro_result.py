"""The result of a cerebro that somebody runs himself, in a script or a notebook: made afterwards of what Backtrader has kept."""

from __future__ import annotations

import hashlib
import inspect
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
from numpy.typing import NDArray

from gcg_quant.errors import BacktestError
from gcg_quant.events import Bar
from gcg_quant.periods import period_ns

from ..analyzers.result import ResultAnalyzer, fill_row, refusal_of, trade_row
from ..conversion.days import ns_from_days
from ..conversion.facts import place_of
from ..conversion.parameters import plain_parameters
from ..conversion.timeframes import period_of
from ..history.bars import BarArray
from ..inputs.sources import Source
from ..inputs.spec import BacktestSpec
from ..pages.chan_data import chan_options
from ..pages.html_report import report_html
from ..preset_broker import PresetBroker
from ..results.curve import measure
from ..results.result import BacktestResult, TradeRow, refusal_notes

__all__ = ["CerebroResult", "result_of"]

TOLERANCE = 1e-9

Numbers = NDArray[np.float64]
Fills = Sequence[tuple[Any, Any]]  # (order, execution bit), in the order of their times


class CerebroResult(BacktestResult, frozen=True, kw_only=True, dict=True):
    """A `BacktestResult` without a folder: its report is made when it is asked for."""

    def page(self) -> str | None:
        """Return the HTML report."""
        own = self.__dict__
        if "made" not in own:
            own["made"] = report_html(self, own["sources"])
        made: str = own["made"]
        return made


def result_of(cerebro: Any, periods_per_year: float, seconds: float) -> CerebroResult:
    """Return the result of a cerebro's last run, over all of its strategies; see `EventDrivenCerebro.result`."""
    strategies = _strategies(cerebro)
    broker, first, data = cerebro.broker, strategies[0], cerebro.datas[0]
    fills = sorted(((order, bit) for order in broker.orders for bit in order.executed.exbits), key=lambda fill: float(fill[1].dt))
    analyzer = next((one for one in first.analyzers if isinstance(one, ResultAnalyzer)), None)
    if analyzer is not None:
        days, values = np.array(analyzer.times), np.array(analyzer.values)
        trades, measures = analyzer.trades, analyzer.get_analysis()
    else:
        days, values = _curve(first, broker, fills)
        trades = [row for one in strategies for row in _trade_rows(one, fills)]
        measures = measure(
            float(broker.startingcash),
            _times_ns(days),
            values,
            trades,
            open_trades=sum(trade.isopen for one in strategies for trade in _trades(one)),
            invested_bars=_invested(days, fills),
            traded=sum(abs(bit.size) * bit.price * broker.getcommissioninfo(order.data).p.mult for order, bit in fills),
            periods_per_year=periods_per_year,
        )
    period = period_of(data._timeframe, data._compression)
    sources = [_source(one, broker, period) for one in cerebro.datas]
    terms, file = sources[0].terms, _file(type(first))
    parameters = plain_parameters({name: value for one in strategies for name, value in one.p._getkwargs().items()})
    result = CerebroResult(
        run=cerebro.run_name or type(first).__name__,
        spec=BacktestSpec(
            file=str(file or type(first).__module__),
            symbols=[source.symbol for source in sources],
            period=period,
            cash=float(broker.startingcash),
            commission=float(broker.getcommissioninfo(data).p.commission),
            periods_per_year=measures.periods_per_year,
        ),
        strategy=" + ".join(type(one).__name__ for one in strategies),
        kind="backtrader",
        parameters=parameters,
        measures=measures,
        trades=trades,
        fills=[fill_row(order, bit) for order, bit in fills],
        notes=refusal_notes(Counter(filter(None, map(refusal_of, broker.orders)))),
        timezone=terms.timezone if terms is not None else "UTC",
        currency=terms.currency if terms is not None else "",
        code_sha256=hashlib.sha256(file.read_bytes()).hexdigest() if file is not None else "",
        seconds=seconds,
        fast_reason=cerebro.fast_reason,
        chan=chan_options(type(first), parameters, period),
        values=list(zip(_times_ns(days).tolist(), values.tolist(), strict=True)),
    )
    result.__dict__["sources"] = sources
    return result


def _strategies(cerebro: Any) -> list[Any]:
    runs = getattr(cerebro, "runstrats", [])
    if not runs or not runs[0]:
        raise BacktestError("There is no result yet: call result() after run().")
    if cerebro._dooptimize:
        raise BacktestError(
            "A run of optstrategy has no single result: sweep with `python -m gcg_quant optimize`, or run one set at a time."
        )
    if cerebro._exactbars > 0:
        raise BacktestError("The run has kept only its newest bars: run without exactbars to have a result.")
    found: list[Any] = list(runs[0])
    return found


# The value at each bar of the first strategy: as its Value or Broker observer saw it, else from fills and closes.
def _curve(strategy: Any, broker: Any, fills: Fills) -> tuple[Numbers, Numbers]:
    days = _column(strategy, strategy.lines.datetime)
    for observer in strategy.observers:
        if isinstance(observer, bt.observers.Value | bt.observers.Broker) and not getattr(observer, "_fundmode", False):
            return days, _column(strategy, observer.lines.value)
    values = np.full(len(days), float(broker.startingcash))
    for data in {id(order.data): order.data for order, _ in fills}.values():
        bits = [bit for order, bit in fills if order.data is data]
        factor = broker.getcommissioninfo(data).p.mult
        upto = np.searchsorted([bit.dt for bit in bits], days, "right")
        held, paid, fees = (
            np.append(0.0, np.cumsum(column))[upto]
            for column in ([bit.size for bit in bits], [bit.size * bit.price for bit in bits], [bit.comm for bit in bits])
        )
        closes = _column(data, data.lines.close)
        shown = np.maximum(np.searchsorted(_column(data, data.lines.datetime), days, "right") - 1, 0)
        values += factor * (np.where(held == 0.0, 0.0, held * closes[shown]) - paid) - fees
    known = float(broker.getvalue())
    if len(values) and not abs(values[-1] - known) <= TOLERANCE * max(abs(known), abs(values).max()):
        raise BacktestError(
            "What the account was worth bar by bar cannot be told any more (cash was added, or interest charged): leave stdstats on, or "
            "add a ResultAnalyzer."
        )
    return days, values


def _column(node: Any, line: Any) -> Numbers:
    return np.array(line.array[: len(node)], dtype=np.float64)


def _times_ns(days: Numbers) -> NDArray[np.int64]:
    return np.array([ns_from_days(one) for one in days], dtype=np.int64)


def _invested(days: Numbers, fills: Fills) -> int:
    held = np.zeros(len(days), dtype=bool)
    for data in {id(order.data): order.data for order, _ in fills}.values():
        bits = [bit for order, bit in fills if order.data is data]
        after = np.append(0.0, [bit.psize for bit in bits])
        held |= after[np.searchsorted([bit.dt for bit in bits], days, "right")] != 0.0
    return int(held.sum())


def _trades(strategy: Any) -> Iterator[Any]:
    for numbered in strategy._trades.values():
        for trades in numbered.values():
            yield from trades


def _trade_rows(strategy: Any, fills: Fills) -> list[TradeRow]:
    opening: dict[Any, Any] = {}
    for order, bit in fills:
        if bit.opened and order.owner is strategy:
            opening.setdefault((id(order.data), order.tradeid, bit.dt), bit)
    rows = []
    for trade in sorted((one for one in _trades(strategy) if one.isclosed), key=lambda one: (one.dtclose, one.ref)):
        bit = opening.get((id(trade.data), trade.tradeid, trade.dtopen))
        rows.append(trade_row(trade, float(bit.opened), float(bit.price)) if bit is not None else trade_row(trade, 0.0, float(trade.price)))
    return rows


def _source(data: Any, broker: Any, period: str) -> Source:
    symbol, venue = place_of(data)
    bars: BarArray = np.zeros(len(data), dtype=Bar.dtype)
    bars["start_ns"] = _times_ns(_column(data, data.lines.datetime))
    bars["event_ns"] = bars["start_ns"] + period_ns(period)
    bars["period"] = period.encode()
    for name in ("open", "high", "low", "close", "volume"):
        bars[name] = _column(data, getattr(data.lines, name))
    terms = broker._terms.get((symbol, venue)) if isinstance(broker, PresetBroker) else None
    return Source(str(data._name or symbol), venue, bars, terms)


def _file(cls: type) -> Path | None:
    try:
        path = Path(inspect.getsourcefile(cls) or "")
    except TypeError:  # of a notebook or a console
        return None
    return path if path.is_file() else None
