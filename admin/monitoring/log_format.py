"""A line of the log as text for people, or as JSON."""

from __future__ import annotations

import json
from typing import Any, Literal

from gcg_quant.clock import to_datetime

__all__ = ["LogFormat", "log_line"]

LogFormat = Literal["text", "json"]


def log_line(form: LogFormat, time_ns: int, level: str, component: str, message: str, *, detail: str = "", **facts: Any) -> str:
    """Return the line with its end; `detail` (a traceback) follows indented, empty `facts` are left out."""
    moment = to_datetime(time_ns).isoformat(" ", "milliseconds").partition("+")[0]
    told = {name: value for name, value in facts.items() if value}
    if form == "json":
        row = {"time": moment.replace(" ", "T") + "Z", "time_ns": time_ns, "level": level, "component": component, "message": message}
        return json.dumps(row | ({"detail": detail} if detail else {}) | told, ensure_ascii=False) + "\n"
    more = f" ({', '.join(f'{name} {value}' for name, value in told.items())})" if told else ""
    lines = [f"{moment} {level.upper():<8} {component}: {message}{more}", *detail.rstrip().splitlines()]
    return "\n    ".join(line.rstrip() for text in lines for line in text.splitlines() or [""]) + "\n"
