"""The component that serves trained models: closed bars in, signals out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from gcg_quant.bus import Subscription
from gcg_quant.calendar import Calendar
from gcg_quant.clock import now_ns
from gcg_quant.cold_events import REFILLED
from gcg_quant.component import event_handler
from gcg_quant.errors import GcgQuantError, InstrumentError, ModelError, nearest
from gcg_quant.events import Applied, Bar, BarBasis, GapEvent, ModelControlEvent, ModelStatusEvent
from gcg_quant.periods import period_ns
from gcg_quant.stateful import Stateful

from ..strategy.bar_book import BarBook, base_period, periods_of
from ..strategy.market import Market
from .model_feed import ModelFeed
from .past_bars import PastBars
from .record import ModelRecord
from .served import Served
from .served_model import ServedModel
from .served_past import ServedPast, ServeRequest
from .store import ModelStore

if TYPE_CHECKING:
    from gcg_quant.settings import Settings

__all__ = ["ModelServer"]

ACTIONS = ("serve", "stop")
_METRICS_EVERY_S = 10.0


class ModelServer(Stateful[ServedPast]):
    """Publishes a `SignalEvent` for each closed bar of each model that it serves, once that has enough bars.

    A model is served because the settings name it or a `ModelControlEvent` asks for it; a command is answered by an `Applied`, each change
    of a model's state told by a `ModelStatusEvent`. After a restart the models come back; bars from before it lead to no signals.

    Args:
        store: where the models are.
        serve: what the settings name.
        bar_periods: the periods of the bars that the bus carries; other periods are aggregated from them.
        event_time: it is a replay: the journal's times are not those of the market.
    """

    capabilities: ClassVar[tuple[str, ...]] = ("models",)

    def __init__(
        self,
        store: ModelStore,
        *,
        serve: Sequence[ServeRequest] = (),
        bar_periods: Sequence[str] = ("1s", "1m"),
        event_time: bool = False,
        name: str = "models",
    ) -> None:
        super().__init__(name, start="end")
        self._store = store
        self._serve = tuple(serve)
        self._bar_periods = tuple(bar_periods)
        self._event_time = event_time
        self._served: dict[str, Served] = {}
        self._told: dict[str, tuple[str, str]] = {}  # the state and detail that were published last
        self._feed: Subscription | None = None
        self._symbols: frozenset[str] = frozenset()
        self._metrics_at = 0.0

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return a server for [models], the bars of [bars] and [replay], and the folder of models in the home."""
        serve = [ServeRequest.of_entry(entry) for entry in settings.models.serve]
        store = ModelStore(Path(settings.model_folder))
        return cls(store, serve=serve, bar_periods=periods_of(settings), event_time=bool(settings.replay.data))

    # ---- its life

    def on_start(self) -> None:
        """Serve what the settings say, and what a command had asked for before."""
        self._served.clear()
        self._told.clear()
        self._feed, self._symbols = None, frozenset()
        self._market = Market(self.bus)
        self._bar_book = BarBook(self.history, self._bar_periods, self._market.sessions)
        for request in self.recover().copy().plan(self._serve):
            try:
                self._begin(request, 0)
            except GcgQuantError as error:
                self._refuse(request, str(error), 0)

    def new_fold(self) -> ServedPast:
        """Return an empty past."""
        return ServedPast()

    def on_batch(self) -> None:
        """Publish measurements now and then."""
        if time.monotonic() >= self._metrics_at:
            self._metrics_at = time.monotonic() + _METRICS_EVERY_S
            for served in self._served.values():
                for metric in served.metrics(self.name):
                    self.publish(metric)

    # ---- commands

    @event_handler(ModelControlEvent)
    def handle_control(self, event: ModelControlEvent) -> None:
        """Do what the command says and answer it."""
        try:
            detail, ok = self._act(event), True
        except GcgQuantError as error:
            detail, ok = str(error), False
        self.publish(Applied(control=event.id, component=self.name, ok=ok, detail=detail), cause=event.id)

    def _act(self, event: ModelControlEvent) -> str:
        if event.action == "serve":
            served = self._begin(ServeRequest(event.model, event.version, tuple(event.symbols), by_command=True), event.id)
            return f"{served.record.name} is served on {', '.join(served.symbols)}"
        if event.action == "stop":
            served = self._served_as(event.model)
            del self._served[event.model]
            self._told.pop(event.model, None)
            self._refresh()
            self._publish_state(served.request, served.record.version, served.symbols, "stopped", "", event.id)
            return f"{served.record.name} is no longer served"
        raise ModelError(f"There is no action {event.action!r} of models.{nearest(event.action, ACTIONS)} They take {', '.join(ACTIONS)}.")

    def _served_as(self, model: str) -> Served:
        if model not in self._served:
            raise ModelError(f"The model {model!r} is not served.{nearest(model, self._served)}", model=model)
        return self._served[model]

    def _begin(self, request: ServeRequest, cause: int) -> Served:
        record, model = self._store.load(request.model, request.version)
        base_period(record.period, self._bar_periods)
        served = Served(request, record, model, self._new_feed)
        self._served[record.id] = served
        self._told.pop(record.id, None)
        self._refresh()
        self._tell(served, cause)
        return served

    def _refuse(self, request: ServeRequest, why: str, cause: int) -> None:
        self.log(f"The model {request.model} is not served: {why}", level="error")
        self._publish_state(request, request.version, request.symbols, "refused", why, cause)

    # ---- market data

    def _on_bar(self, bar: Bar) -> None:
        for closed in self._bar_book.add(bar):
            for served in self._served.values():
                if not served.wants(closed):
                    continue
                try:
                    signal = served.signal(closed)
                except GcgQuantError as error:
                    served.state, served.detail = "waiting", str(error)
                    self._tell(served, None)
                    raise
                if signal is not None:
                    self.publish(signal)
                self._tell(served, None)

    @event_handler(GapEvent)
    def handle_gap(self, event: GapEvent) -> None:
        """Remember that market data is missing."""
        if event.kind != REFILLED:
            for served in self._served.values():
                served.note_gap(event)

    # ---- inside

    def _new_feed(self, bar: Bar, record: ModelRecord, model: ServedModel) -> ModelFeed:
        past = PastBars(
            self.bus,
            self.history,
            bar,
            record.period,
            BarBasis[record.basis.upper()],
            made=self._bar_periods,
            calendar=self._market.sessions(bar.symbol, bar.venue),
            event_time=self._event_time,
        )
        return ModelFeed(model.features, period_ns(record.period), past.read, self._hours(bar).is_open)

    def _hours(self, bar: Bar) -> Calendar:
        try:
            return Calendar(self.bus.instruments.get(bar.symbol, bar.venue).calendar)
        except InstrumentError:
            return Calendar()

    def _refresh(self) -> None:
        served = self._served.values()
        self._bar_book.want({one.record.period for one in served}, 0 if self._event_time else now_ns())
        symbols = frozenset(symbol for one in served for symbol in one.symbols)
        if symbols == self._symbols:
            return
        if self._feed is not None:
            self.unsubscribe(self._feed)
        self._feed = self.subscribe(Bar, self._on_bar, symbols=symbols) if symbols else None
        self._symbols = symbols

    def _tell(self, served: Served, cause: int | None) -> None:
        # A warm-up counts bar by bar: it is told when it begins, ends, and changes its reason.
        now = (served.state, served.detail if served.state == "waiting" else "")
        if self._told.get(served.record.id) == now:
            return
        self._told[served.record.id] = now
        record = served.record
        if served.state != "serving":
            self.log(f"{record.name} gives no signals yet: {served.detail}")
        elif served.signals:
            self.log(f"{record.name} gives signals")
        self._publish_state(served.request, record.version, served.symbols, served.state, served.detail, cause)

    def _publish_state(
        self, request: ServeRequest, version: int, symbols: Sequence[str], state: str, detail: str, cause: int | None
    ) -> None:
        event = ModelStatusEvent(
            model=request.model, version=version, symbols=list(symbols), state=state, detail=detail, by_command=request.by_command
        )
        self.publish(event, cause=cause)
