"""The log of one process: what its libraries and its crashes say, in a file of its own and on its standard error, secrets masked."""

from __future__ import annotations

import faulthandler
import io
import logging
import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from loguru import logger

from gcg_quant.clock import now_ns
from gcg_quant.redaction import hidden, hide_secrets_of
from gcg_quant.settings import Settings

from ..home import Home
from ..monitoring.daily_file import DailyFile
from ..monitoring.log_format import log_line

if TYPE_CHECKING:
    from loguru import Message

__all__ = ["ProcessLog", "log_to_stderr"]


def log_to_stderr(stream: TextIO | None = None, *, level: str = "INFO") -> None:
    """Let loguru and the logging of libraries write to standard error, secrets masked, and let every crash leave its traceback there."""
    target = stream or sys.stderr
    logger.remove()
    logger.add(
        lambda message: print(hidden(str(message)), end="", file=target, flush=True),
        level=level,
        format="{time:YYYY-MM-DD HH:mm:ss.SSS} {level} {message}",
        backtrace=False,
        diagnose=False,  # the values of variables are nobody's business
    )
    logging.basicConfig(handlers=[_ToLoguru()], level=logging.WARNING, force=True)
    logging.getLogger("gcg_quant").setLevel(logging.INFO)
    sys.excepthook = _on_exception
    threading.excepthook = _on_thread_exception
    if stream is None:
        faulthandler.enable()


class ProcessLog:
    """The file `logs/NAME.log` of a process, as [logs] has it; `close` ends it.

    Args:
        settings: [logs], and the secrets that are masked from now on in the whole process.
        name: of the process.
        libraries: whether what loguru gets is written, too.
    """

    def __init__(self, settings: Settings, name: str, *, libraries: bool = True) -> None:
        hide_secrets_of(settings)
        logs = settings.logs
        self._name = name
        self._form = logs.format
        self._file = DailyFile(Home(settings.home).logs / f"{name}.log", logs.keep_days)
        self._lock = threading.Lock()
        self._sink: int | None = None
        if libraries:
            self._sink = logger.add(self._take, level=logs.level.upper(), format="{message}", backtrace=False, diagnose=False)

    def write(self, text: str, level: str = "info", *, time_ns: int = 0, detail: str = "") -> None:
        """Write a line, of now if no time is given."""
        line = log_line(self._form, time_ns or now_ns(), level, self._name, hidden(text), detail=hidden(detail))
        with self._lock:
            self._file.write(line)

    def take_prints(self) -> None:
        """Write what this process prints (a strategy's `print`) into the file, too: nobody sees its standard output."""
        sys.stdout = _Printed(self)

    def close(self) -> None:
        """Write nothing more."""
        if self._sink is not None:
            logger.remove(self._sink)
            self._sink = None
        with self._lock:
            self._file.close()

    def _take(self, message: Message) -> None:
        record = message.record
        text, _, detail = str(message).rstrip("\n").partition("\n")
        level = record["level"].name.lower()
        self.write(text, level, time_ns=round(record["time"].timestamp() * 1e6) * 1000, detail=detail)


class _Printed(io.TextIOBase):
    # Standard output as lines of a log.
    def __init__(self, log: ProcessLog) -> None:
        self._log = log
        self._line = ""

    def write(self, text: str) -> int:
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            self._log.write(line)
        return len(text)

    def flush(self) -> None:
        if self._line:
            self._log.write(self._line)
            self._line = ""


class _ToLoguru(logging.Handler):
    # What libraries say by Python's own logging.
    def emit(self, record: logging.LogRecord) -> None:
        known = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}
        level = record.levelname if record.levelname in known else "INFO"
        logger.opt(exception=record.exc_info).log(level, "{}: {}", record.name, record.getMessage())


def _on_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logger.opt(exception=(kind, error, trace)).critical("the process ends: {}: {}", kind.__name__, error)


def _on_thread_exception(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is not SystemExit and args.exc_value is not None:
        name = args.thread.name if args.thread is not None else "a thread"
        logger.opt(exception=(args.exc_type, args.exc_value, args.exc_traceback)).error("{} ended: {!r}", name, args.exc_value)
