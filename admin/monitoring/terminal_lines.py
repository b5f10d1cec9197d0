"""What the log lane says, in the terminal of `run`: for whoever sits before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from gcg_quant.component import Component, event_handler
from gcg_quant.events import AlertEvent, ConfigChangeEvent, LogEvent
from gcg_quant.redaction import Redactor
from gcg_quant.settings import Settings

from .log_format import log_line
from .log_lines import LOG_LEVELS, line_of

__all__ = ["TerminalLines"]

_KEY = "system.log_level"


class TerminalLines(Component):
    """Shows log lines and alerts of all processes from [system] log_level on, secrets masked, without their tracebacks; the level is live.

    Args:
        settings: [system], and the secrets.
        show: takes each line, without its end.
        name: of the component.
    """

    capabilities: ClassVar[tuple[str, ...]] = ("terminal",)
    drain_on_stop: ClassVar[bool] = True

    def __init__(self, settings: Settings, show: Callable[[str], None], name: str = "terminal") -> None:
        super().__init__(name, wait="sleep", sleep_s=0.05)
        self._show = show
        self._least = LOG_LEVELS.index(settings.system.log_level)
        self._redact = Redactor(settings)

    @event_handler(LogEvent, AlertEvent)
    def on_line(self, event: LogEvent | AlertEvent) -> None:
        """Show a line, if it is one of those that are asked for; a level that nobody knows is always.

        That a process has died is left out: the supervisor says it there itself.
        """
        if isinstance(event, AlertEvent) and event.name == "process_died":
            return
        if event.level in LOG_LEVELS and LOG_LEVELS.index(event.level) < self._least:
            return
        message = self._redact(line_of(event)["message"])
        self._show(log_line("text", event.time_ns, event.level, event.component, message).rstrip("\n"))

    @event_handler(ConfigChangeEvent)
    def on_config(self, event: ConfigChangeEvent) -> None:
        """Take another level."""
        level = event.changes.get(_KEY)
        if level in LOG_LEVELS:
            self._least = LOG_LEVELS.index(level)
