"""The server's sentences on the Chinese page: each setting's help, alerts, refusals; none that the server does not say any more."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from gcg_quant.admin.changes.consequences import consequence
from gcg_quant.admin.monitoring import watches
from gcg_quant.admin.monitoring.lags import ReaderLag
from gcg_quant.admin.monitoring.machine import ProcessUse
from gcg_quant.admin.monitoring.order_latency import OrderLatency
from gcg_quant.bus import EventBus
from gcg_quant.monitoring_sections import MonitoringSettings
from gcg_quant.settings import Settings

from ..conftest import ROOT

TEXTS = ROOT / "admin" / "web" / "js" / "texts"
ROOMS = ("gcg_quant", "data_collector", "data_storage", "strategy_engine", "admin")
_KEY = re.compile(r"""^  (?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\w+)):""", re.MULTILINE)
_TALLY = ("recorder", "keeper", "cache", "collector", "bars", "strategies", "backtest", "charts", "monitor", "alerts", "web", "bridge")


def english(file: str) -> list[str]:
    """Return the English side of a table."""
    return ["".join(found).replace("\\'", "'") for found in _KEY.findall((TEXTS / file).read_text(encoding="utf-8"))]


def helps() -> set[str]:
    """Return what the settings are, as the server says it."""
    return {field.description or "" for model in Settings.sections().values() for field in model.model_fields.values()}


def literals() -> Iterator[str]:
    """Yield every text of the program, its gaps as a line end."""
    for room in ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    yield "".join(part.value if isinstance(part, ast.Constant) else "\n" for part in node.values)  # type: ignore[misc]
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def test_every_setting_is_explained_in_chinese() -> None:
    """Each key's help stands in the table as the server says it, and the table has no other."""
    table = english("setting_helps.js")
    assert sorted(helps() - set(table)) == [], "add these to admin/web/js/texts/setting_helps.js"
    assert sorted(set(table) - helps()) == [], "no setting is explained so any more"
    assert len(table) == len(set(table))


def test_no_sentence_is_translated_that_nobody_says() -> None:
    """Most of the words between the gaps of a sentence stand in the program as they are; some are put together there."""
    said = "\n".join(re.sub(r"\{\w\}", "\n", text) for text in literals())
    stale = []
    for text in english("sentences.js"):
        pieces = [piece.strip(" .:;,?()") for piece in re.split(r"\{\d\}|[:;.?)] |, (?=and )", text)]
        told = [piece in said for piece in pieces if piece.count(" ") > 1] or [any(piece in said for piece in pieces if " " in piece)]
        if 2 * sum(told) < len(told):
            stale.append(text)
    assert stale == []


def sentences(folder: Path) -> list[str]:
    """Return alerts as the thresholds raise and end them, what stopping means, and a refusal."""
    limits = MonitoringSettings()
    with EventBus(folder / "bus", page_mb=1) as bus:
        latency = OrderLatency(bus)
        delays = list(watches.latency_readings(latency, limits, 0.0, 0.0))
        latency.close()
    readings = [
        *delays,
        *watches.lag_readings([ReaderLag("recorder", 120_000, 31.5)], limits),
        *watches.memory_readings({"market": ProcessUse(3 * 10**9, 0.5)}, limits),
        *watches.disk_reading(5 * 10**8, "gcg_home", limits),
        watches.clock_reading(-1200.0, limits),
    ]
    alerts = [text for one in readings for text in (one.problem, one.well)]
    repeated = f"{alerts[0]} It lasts since 2026-11-27T10:00:00Z, and was told 3 times."
    stops = [consequence([name]) for name in _TALLY] + [consequence(["trading"], orders) for orders in (0, 1, 7)]
    return [*alerts, repeated, *stops, "order quantity 2e+06 is above max_order_quantity 1e+06"]
