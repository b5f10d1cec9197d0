"""PerformanceMonitor: measures the running system against the thresholds of [monitoring], and tells of what crosses them."""

from __future__ import annotations

import contextlib
import time
from collections import Counter, deque
from collections.abc import Iterator
from typing import ClassVar

from pydantic import ValidationError

from gcg_quant.bus import Cursor
from gcg_quant.clock import now_ns, to_iso
from gcg_quant.component import event_handler
from gcg_quant.errors import JournalError
from gcg_quant.events import (
    AlertEvent,
    CollectorStatusEvent,
    ConfigChangeEvent,
    GatewayStatus,
    Lane,
    LogEvent,
    MetricEvent,
    OrderCommand,
    OrderEvent,
    OrderRequest,
    SubscribeEvent,
    SystemEvent,
    World,
)
from gcg_quant.monitoring_sections import MonitoringSettings
from gcg_quant.redaction import Redactor
from gcg_quant.settings import Settings

from ..home import Home
from ..keeper import Keeper
from . import watches
from .alerts import LEVELS, Alert, AlertBook
from .components import Components
from .damping import Damper, Step
from .lags import Lags, ReaderLag
from .machine import ClockWatch, ProcessUse, free_bytes, process_use
from .order_latency import OrderLatency
from .reading import Reading
from .silence import Silence
from .webhook import Webhook

__all__ = ["PerformanceMonitor"]

_LOOK_S = 1.0
_USE_S = 10.0
_GRACE_S = 15.0  # what a start does to latencies, lags and errors is nobody's fault
_CLOCK_S = 60.0
_PREFIX = "monitoring."


class PerformanceMonitor(Keeper[AlertBook]):
    """Watches latencies, lags, memory, silence, errors, gateways, collectors, disk and clock; publishes AlertEvents, keeps the book of all.

    An alert is raised when its threshold has been crossed for a few seconds, told again every `repeat_min` minutes while that lasts, and
    ended by an "info" once all has been well for a while. What was raised before a restart is not raised again. It watches live and
    paper buses only: in a backtest it does nothing.

    Args:
        settings: [monitoring]; thresholds change live.
        name: of the component.
        grace_s: how long after its start it raises nothing.
        hold_s: how long a threshold must be crossed.
        rest_s: how long all must be well.
    """

    capabilities: ClassVar[tuple[str, ...]] = ("alerts",)
    drain_on_stop: ClassVar[bool] = True

    def __init__(
        self, settings: Settings, name: str = AlertBook.KEEPER, *, grace_s: float = _GRACE_S, hold_s: float = 5.0, rest_s: float = 20.0
    ) -> None:
        super().__init__(name, durable=True)
        self.limits: MonitoringSettings = settings.monitoring
        self.components = Components()
        self.lags: list[ReaderLag] = []
        self.uses: dict[str, ProcessUse] = {}
        self.free_bytes: int | None = None
        self.event_counts: Counter[tuple[str, str]] = Counter()  # by lane and class, since the start
        self.latency: OrderLatency | None = None
        self.webhook = Webhook(settings.monitoring, Redactor(settings), self.log)
        self._settings = settings
        trading = settings.trading
        on_paper = "paper" in (trading.gateway, *(entry.gateway for entry in trading.accounts))
        self._modelled_ms = trading.latency_ms + trading.jitter_ms if on_paper else 0.0
        self._home = Home(settings.home)
        self._grace_s, self._hold_s, self._rest_s = grace_s, hold_s, rest_s
        self._dampers: dict[tuple[str, str], Damper] = {}
        self._endings: dict[tuple[str, str], str] = {}
        self._steps: deque[tuple[float, float]] = deque()
        self._watching = False
        self.looks = 0  # how often it has compared values with thresholds

    # ---- its life

    def new_fold(self) -> AlertBook:
        """Return an empty book."""
        return AlertBook()

    def on_start(self) -> None:
        """Read which alerts there are, and begin to look."""
        bus = self.bus
        self._watching = bus.world in (World.LIVE, World.PAPER)
        with self._guard:
            book = self.recover().fold
            self.latency = OrderLatency(bus)
            self._lags = Lags(bus)
            self._silence = Silence(bus, now_ns())
            self._counter = bus.reader()
            self._clock = ClockWatch()
            self._dampers = {alert.key: self._resumed(alert) for alert in book.alerts.values() if self._is_mine(alert)}
            self._catch_up()
        self._began_s = time.monotonic()
        self._next_s = self._next_use_s = 0.0
        self.webhook.start(bus.world.name.lower())

    def on_stop(self) -> None:
        """Let the webhook send what it has, for a moment."""
        self.webhook.stop()
        with self._guard:
            for reader in (self.latency, self._lags, self._silence, self._counter):
                if reader is not None:
                    reader.close()

    def read_batch(self) -> int:
        """Handle what came, and let the book follow."""
        count = 0
        if self.reader.wait(0.0 if self.stopping else 0.05):  # or a stop would wait for as long as anybody talks
            with self._guard:
                count = self.handle_waiting(0.0)
        self.keep_up()
        return count

    def on_rest(self, idle: bool) -> None:
        """Look, if it is time."""
        if time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + _LOOK_S
            with self._guard:
                self._measure()
                self._tell()
                self.looks += 1
        super().on_rest(idle)

    # ---- events

    @event_handler(OrderRequest)
    def on_request(self, event: OrderRequest) -> None:
        """Take an order's beginning."""
        if self.latency is not None:
            self.latency.on_request(event)

    @event_handler(OrderCommand)
    def on_command(self, event: OrderCommand) -> None:
        """Take what goes to a gateway."""
        if self.latency is not None:
            self.latency.on_command(event)

    @event_handler(OrderEvent)
    def on_order(self, event: OrderEvent) -> None:
        """Take what becomes of an order."""
        if self.latency is not None:
            self.latency.on_event(event)

    @event_handler(MetricEvent)
    def on_metric(self, event: MetricEvent) -> None:
        """Take a measured value."""
        self.components.on_metric(event)

    @event_handler(LogEvent)
    def on_log(self, event: LogEvent) -> None:
        """Take a log line."""
        self.components.on_log(event)

    @event_handler(GatewayStatus)
    def on_gateway(self, event: GatewayStatus) -> None:
        """Take a gateway's state."""
        self.components.on_gateway(event)

    @event_handler(CollectorStatusEvent)
    def on_collector(self, event: CollectorStatusEvent) -> None:
        """Take a collector's state."""
        self.components.on_collector(event)

    @event_handler(SubscribeEvent)
    def on_subscription(self, event: SubscribeEvent) -> None:
        """Take what is wanted no longer."""
        self._silence.on_subscription(event)

    @event_handler(SystemEvent)
    def on_system(self, event: SystemEvent) -> None:
        """Take what happens to processes; one that died is told at once."""
        self.components.on_system(event)
        if event.action == "group_died":
            message = f"Process {event.component} died ({event.detail}); it is started again. Its last words: logs/{event.component}.out"
            self._alert("critical", event.component, "process_died", message, event.id)
        elif event.action == "group_started" and (book := self._book()) and book.lasting(event.component, "process_died"):
            self._alert("info", event.component, "process_died", f"Process {event.component} runs again.", event.id)

    @event_handler(AlertEvent)
    def on_alert(self, event: AlertEvent) -> None:
        """Hand an alert, whoever raised it, to the webhook."""
        if event.level not in LEVELS or LEVELS.index(event.level) >= LEVELS.index(self.limits.webhook_level):
            self.webhook.offer(event)

    @event_handler(ConfigChangeEvent)
    def on_config(self, event: ConfigChangeEvent) -> None:
        """Take changed thresholds; those that a run begins with are known."""
        changes = {key.removeprefix(_PREFIX): value for key, value in event.changes.items() if key.startswith(_PREFIX)}
        changes.pop("webhook_url", None)
        if event.revision == 1 or not changes:
            return
        try:
            self.limits = MonitoringSettings.model_validate({**self.limits.model_dump(), **changes})
        except ValidationError:
            self.log(f"Thresholds were not changed: {', '.join(changes)} makes no sense.", level="warning", about=event.id)

    # ---- inside

    def _book(self) -> AlertBook | None:
        return self._follower.fold if self._follower is not None else None

    def _is_mine(self, alert: Alert) -> bool:
        return not alert.over_ns and alert.source == self.name and alert.name != "process_died"

    def _resumed(self, alert: Alert) -> Damper:
        damper = Damper(self._hold_s, self._rest_s)
        damper.resume(time.monotonic() - (now_ns() - alert.last_ns) / 1e9, alert.count)
        return damper

    def _catch_up(self) -> None:
        # The processes that run were started before this one may have begun to read, and what is down may last since then. The control
        # lane alone is looked through.
        bus = self.bus
        with bus.reader(start="begin", events=[SystemEvent, GatewayStatus, CollectorStatusEvent]) as reader:
            reader.seek(Cursor(bus.bus_id, bus.epoch, reader.cursor.control, bus.head(Lane.MARKET), bus.head(Lane.LOG)))
            for event in reader:
                if isinstance(event, SystemEvent):
                    self.components.on_system(event)
                elif isinstance(event, GatewayStatus):
                    self.components.on_gateway(event)
                elif isinstance(event, CollectorStatusEvent):
                    self.components.on_collector(event)

    def _measure(self) -> None:
        now_s = time.monotonic()
        for cls, count in self._counter.count().items():
            self.event_counts[Lane(cls.LANE).name.lower(), cls.__name__] += count
        self._silence.listen()
        self.lags = self._lags.look(now_ns())
        self._steps.append((now_s, self._clock.step_ms()))
        while now_s - self._steps[0][0] > _CLOCK_S:
            self._steps.popleft()
        if now_s >= self._next_use_s:
            self._next_use_s = now_s + _USE_S
            self.free_bytes = free_bytes(self._home.path)
            self.uses = self._look_at_processes()

    def _look_at_processes(self) -> dict[str, ProcessUse]:
        # Groups that share a process (--one-process) are seen once.
        names = {pid: group for group, pid in self.components.pids.items()}
        supervisor = (self._home.facts() or {}).get("pid")
        if isinstance(supervisor, int):
            names[supervisor] = "supervisor"
        uses = process_use(names)
        return {names[pid]: use for pid, use in sorted(uses.items())}

    def _tell(self) -> None:
        latency, now_s = self.latency, time.monotonic()
        if not self._watching or latency is None:
            return
        if now_s - self._began_s < self._grace_s:
            latency.recent_ticks.forget()
            latency.recent_acks.forget()
            self.components.forget_errors()
            return
        quiet = set(self._dampers)
        for reading in self._readings(latency, now_s):
            key = reading.component, reading.name
            quiet.discard(key)
            damper = self._dampers.get(key)
            if damper is None:
                damper = self._dampers[key] = Damper(0.0 if reading.at_once else self._hold_s, self._rest_s)
            self._endings[key] = reading.well
            self._say(reading, damper, damper.look(reading.crossed, now_s, self._repeat_s))
        for key in quiet:  # what is no longer measured: a reader or a process that is gone
            if self._dampers[key].look(False, now_s, None) is Step.CLEAR:
                self._alert("info", *key, self._endings.get(key, f"{key[1]} of {key[0]} is watched no longer."))
            if not self._dampers[key].raised:
                del self._dampers[key]

    def _readings(self, latency: OrderLatency, now_s: float) -> Iterator[Reading]:
        limits, now = self.limits, now_ns()
        yield from watches.latency_readings(latency, limits, self._modelled_ms, now_s)
        yield from watches.lag_readings(self.lags, limits)
        yield from watches.database_readings(self.components, limits, now, self._known)
        yield from watches.memory_readings(self.uses, limits)
        yield from watches.disk_reading(self.free_bytes, str(self._home.path), limits)
        yield from watches.gateway_readings(self.components, limits, now, self._known)
        yield from watches.collector_readings(self.components, limits, now)
        yield from watches.error_readings(self.components, limits)
        yield watches.clock_reading(max((step for _, step in self._steps), key=abs, default=0.0), limits)
        if not self._settings.replay.data:  # what is played ends, and that is no fault
            yield from self._silence.readings(now, limits.silence_s, limits.symbol_silence_s)

    def _say(self, reading: Reading, damper: Damper, step: Step) -> None:
        match step:
            case Step.RAISE:
                self._alert(reading.level, reading.component, reading.name, reading.problem)
            case Step.REPEAT:
                book = self._book()
                alert = book.lasting(reading.component, reading.name) if book is not None else None
                since = f" since {to_iso(alert.time_ns // 10**9 * 10**9)}" if alert is not None else ""
                lasts = f" It lasts{since}, and was told {damper.told} times."
                self._alert(reading.level, reading.component, reading.name, reading.problem + lasts)
            case Step.CLEAR:
                self._alert("info", reading.component, reading.name, reading.well)

    @property
    def _repeat_s(self) -> float | None:
        return None if self.limits.repeat_min is None else 60 * self.limits.repeat_min

    def _known(self, component: str, name: str) -> bool:
        book = self._book()
        alert = book.lasting(component, name) if book is not None else None
        return alert is not None and alert.source != self.name

    def _alert(self, level: str, component: str, name: str, message: str, about: int = 0) -> None:
        event = AlertEvent(level=level, component=component, name=name, message=message, about=about)
        with contextlib.suppress(JournalError):  # a full disk: whoever publishes next says so, and there is nowhere to tell
            self.publish(event, cause=about)
