"""One model that is served: its symbols, what it predicts, and how long that takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gcg_quant.bus import symbol_matches
from gcg_quant.cold_events import MODEL_SIGNAL
from gcg_quant.events import Bar, BarBasis, GapEvent, MetricEvent, Side, SignalEvent

from .model_feed import ModelFeed
from .record import ModelRecord
from .served_model import ServedModel
from .served_past import ServeRequest

__all__ = ["Served"]


@dataclass(slots=True)
class Served:
    """A model with its feeds by symbol and venue. `make_feed` returns a new one for the place of a bar. One thread."""

    request: ServeRequest
    record: ModelRecord
    model: ServedModel
    make_feed: Callable[[Bar, ModelRecord, ServedModel], ModelFeed]
    state: str = "warming_up"
    detail: str = "waiting for the first bar"
    signals: int = 0
    spent_ns: int = 0  # for these signals, features included
    longest_ns: int = 0
    _feeds: dict[tuple[str, str], ModelFeed] = field(default_factory=dict)
    _wanted: dict[int, bool] = field(default_factory=dict)  # by the instrument's number
    _basis: BarBasis = BarBasis.LAST

    def __post_init__(self) -> None:
        """Note what a bar must be made of."""
        self._basis = BarBasis[self.record.basis.upper()]

    @property
    def symbols(self) -> tuple[str, ...]:
        """Of which instruments it speaks."""
        record = self.record
        return self.request.symbols or (f"{record.symbol}@{record.venue}" if record.venue else record.symbol,)

    def wants(self, bar: Bar) -> bool:
        """Return whether it is served with this bar."""
        known = self._wanted.get(bar.instrument)
        if known is None:
            known = self._wanted[bar.instrument] = symbol_matches(frozenset(self.symbols), bar)
        return known and bar.period == self.record.period and bar.basis == self._basis

    def note_gap(self, gap: GapEvent) -> None:
        """Remember that data is missing, if it concerns one of its instruments."""
        feed = self._feeds.get((gap.symbol, gap.venue))
        if feed is not None:
            feed.note_gap(gap.start_ns, gap.end_ns)

    def signal(self, bar: Bar) -> SignalEvent | None:
        """Return what the model says after a closed bar, None while it has too few bars: `state` and `detail` say so.

        Raises:
            ModelError: the bar makes no sense.
        """
        begin = time.perf_counter_ns()
        feed = self._feeds.get((bar.symbol, bar.venue))
        new = feed is None
        if feed is None:
            feed = self._feeds[bar.symbol, bar.venue] = self.make_feed(bar, self.record, self.model)
        row = feed.add(bar)
        if row is None:
            if feed.why:
                self.state, self.detail = "warming_up" if feed.warming_up else "waiting", f"{bar.symbol}: {feed.why}"
            return None
        probability = self.model.probability(row)
        self.state, self.detail = "serving", ""
        record = self.record
        data = {
            "model": record.id,
            "version": record.version,
            "sha256": record.sha256[:16],
            "probability": probability,
            "horizon": record.horizon,
            "period": record.period,
            "bar_ns": bar.start_ns,
            "inputs": dict(zip(record.features, row.tolist(), strict=True)),
        }
        self.signals += 1
        if not new:  # the first one reads the past
            spent = time.perf_counter_ns() - begin
            self.spent_ns += spent
            self.longest_ns = max(self.longest_ns, spent)
        return SignalEvent(
            symbol=bar.symbol,
            venue=bar.venue,
            strategy=record.id,
            name=MODEL_SIGNAL,
            event_ns=bar.event_ns,
            direction=Side.BUY if probability > 0.5 else Side.SELL if probability < 0.5 else Side.NONE,
            strength=abs(2 * probability - 1),
            price=bar.close,
            text=f"{record.name}: {probability:.4f} up in {record.horizon} x {record.period}",
            data=data,
        )

    def metrics(self, component: str) -> Iterator[MetricEvent]:
        """Yield how many signals it has given, and the mean and longest time from a bar to its signal, in microseconds."""
        labels = {"model": self.record.id}
        yield MetricEvent(component=component, name="model_signals", value=self.signals, labels=labels)
        if self.spent_ns:
            yield MetricEvent(component=component, name="model_mean_us", value=self.spent_ns / max(self.signals, 1) / 1e3, labels=labels)
            yield MetricEvent(component=component, name="model_max_us", value=self.longest_ns / 1e3, labels=labels)
