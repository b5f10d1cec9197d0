"""What the log lane says, in files: for those who look with `less`, and for whoever collects logs."""

from __future__ import annotations

import contextlib
from typing import ClassVar

from gcg_quant.component import Component, event_handler
from gcg_quant.errors import JournalError
from gcg_quant.events import AlertEvent, LogEvent
from gcg_quant.redaction import Redactor
from gcg_quant.settings import Settings

from ..home import Home
from .daily_file import DailyFile
from .log_format import log_line
from .log_lines import LOG_LEVELS, line_of

__all__ = ["LogFiles"]


class LogFiles(Component):
    """Writes log lines and alerts of all processes into `logs/system.log` of the home, secrets masked.

    It goes on from where it was: what came while it was away is written then. A disk that is full stops nothing; one alert tells of it.

    Args:
        settings: [logs].
        name: of the component.
    """

    capabilities: ClassVar[tuple[str, ...]] = ("log_files",)
    drain_on_stop: ClassVar[bool] = True

    def __init__(self, settings: Settings, name: str = "log-files") -> None:
        super().__init__(name, durable=True, wait="sleep", sleep_s=0.05)
        logs = settings.logs
        self.file = DailyFile(Home(settings.home).logs / "system.log", logs.keep_days)
        self._form = logs.format
        self._least = LOG_LEVELS.index(logs.level)
        self._redact = Redactor(settings)
        self._told = False

    @event_handler(LogEvent, AlertEvent)
    def on_line(self, event: LogEvent | AlertEvent) -> None:
        """Write a line."""
        known = event.level in LOG_LEVELS
        if isinstance(event, LogEvent) and known and LOG_LEVELS.index(event.level) < self._least:
            return
        row = line_of(event)
        message, detail = self._redact(row["message"]), self._redact(row["detail"])
        about, alert = row["about"], row["alert"]
        self.file.write(log_line(self._form, event.time_ns, event.level, event.component, message, detail=detail, about=about, alert=alert))

    def on_batch(self) -> None:
        """Tell, once, that the files cannot be written, and once that they can again."""
        if bool(self.file.trouble) == self._told:
            return
        self._told = bool(self.file.trouble)
        if self._told:
            text = f"{self.file.path} cannot be written: {self.file.trouble}. Trading goes on, and the journal keeps every line; make room."
            event = AlertEvent(level="critical", component=self.name, name="log_files", message=text)
        else:
            text = f"{self.file.path} is written again; {self.file.lost:,} lines are missing in it, the journal has them."
            event = AlertEvent(level="info", component=self.name, name="log_files", message=text)
        with contextlib.suppress(JournalError):  # the same disk may have no room for it
            self.publish(event, cause=0)

    def on_stop(self) -> None:
        """Close the file."""
        self.file.close()
