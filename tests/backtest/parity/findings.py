"""What a run leaves behind, in sections that can be compared, and where two runs differ."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import backtrader as bt
from backtrader.lineiterator import LineIterator

from .speech import attributes, say

__all__ = ["Findings", "differences", "end_state"]

UNTOLD = ("p", "params", "array")  # compared by name: parameters are the user's, arrays are told as values
TOLD_APART = ("_orders", "_orderspending", "_trades", "_tradespending")
KINDS = {LineIterator.IndType: "indicator", LineIterator.StratType: "strategy", LineIterator.ObsType: "observer"}


@dataclass
class Findings:
    """Everything that a run has told and left, as texts by section, and why the run was not fast."""

    sections: dict[str, list[str]] = field(default_factory=dict)
    reason: str | None = None

    def put(self, section: str, text: str) -> None:
        """Add a line to a section."""
        self.sections.setdefault(section, []).append(text)


def differences(stock: Findings, ours: Findings) -> list[str]:
    """Return where `ours` differs from `stock`: the first place of each section, with what stands there on both sides."""
    found = []
    for section in [*stock.sections, *(name for name in ours.sections if name not in stock.sections)]:
        left, right = stock.sections.get(section, []), ours.sections.get(section, [])
        if left == right:
            continue
        at = next((at for at, (one, other) in enumerate(zip(left, right)) if one != other), min(len(left), len(right)))
        one, other = (_around(lines[at] if at < len(lines) else "nothing", left, right, at) for lines in (left, right))
        found.append(f"{section} {at} of {len(left)} (ours: {len(right)})\n  stock: {one}\n  ours:  {other}")
    return found


# Of two long lines only the part around the first different character is worth reading.
def _around(text: str, left: list[str], right: list[str], at: int) -> str:
    if at >= min(len(left), len(right)):
        return text[:300]
    same = next((n for n, (a, b) in enumerate(zip(left[at], right[at])) if a != b), min(len(left[at]), len(right[at])))
    begin = max(0, same - 120)
    return f"{'...' if begin else ''}{text[begin : same + 120]}"


def end_state(findings: Findings, cerebro: Any, strategies: list[Any]) -> None:
    """Add all that is left of a run: orders, trades, broker, lines, analyzers, feeds, attributes and the collector's settings."""
    for number, strategy in enumerate(strategies):
        _orders(findings, strategy, number)
        for path, node in _nodes(strategy, f"strategy {number}"):
            _lines(findings, path, node)
            _own(findings, path, node)
        for path, analyzer in _analyzers([*strategy.analyzers, *strategy._slave_analyzers], f"strategy {number}"):
            findings.put("analyzers", f"{path} {say(analyzer.get_analysis())}")
            _own(findings, path, analyzer)
    for number, data in enumerate(cerebro.datas):
        _lines(findings, f"data {number}", data)
        for name in sorted(vars(data)):
            findings.put("feeds", f"{name} of {number} = {'' if name in UNTOLD else say(vars(data)[name])}")
        for at, (one, _, _) in enumerate(data._filters):
            if hasattr(one, "__dict__"):
                findings.put("filters", f"{at} of {number}: {type(one).__qualname__} {attributes(one)}")
    broker = cerebro.broker
    for name, value in vars(broker).items():
        findings.put("broker", f"{name} = {'' if name in UNTOLD else say(value)}")
    findings.put("account", f"value {say(broker.getvalue())} cash {say(broker.getcash())} fund {say(broker.get_fundvalue())}")
    for name in ("_dorunonce", "_dopreload", "_doreplay", "_dolive", "_exactbars", "_event_stop", "_dtmaster", "_udtmaster"):
        findings.put("cerebro", f"{name}={say(getattr(cerebro, name, 'none'))}")
    findings.put("cerebro", f"collector {gc.isenabled()} {gc.get_threshold()} {gc.get_freeze_count()}")


def _orders(findings: Findings, strategy: Any, number: int) -> None:
    for name in ("_orders", "_orderspending"):
        for order in getattr(strategy, name):
            findings.put("orders", f"strategy {number} {name} {say(order)}")
    for data, by_id in strategy._trades.items():
        for trade_id, trades in by_id.items():
            for trade in trades:
                findings.put("trades", f"strategy {number} {say(data)} {trade_id} {say(trade)}")


def _nodes(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, node
    for kind, children in getattr(node, "_lineiterators", {}).items():
        for number, child in enumerate(children):
            yield from _nodes(child, f"{path} / {KINDS[kind]} {number} {type(child).__name__}")


def _analyzers(analyzers: list[Any], path: str) -> Iterator[tuple[str, Any]]:
    for number, analyzer in enumerate(analyzers):
        here = f"{path} / analyzer {number} {type(analyzer).__name__}"
        yield here, analyzer
        yield from _analyzers(analyzer._children, here)


def _lines(findings: Findings, path: str, node: Any) -> None:
    findings.put("lines", f"{path} len {len(node)} minperiod {node._minperiod} stage {node._opstage} lines {len(node.lines)}")
    findings.put("classes", f"{path} {_ancestry(node)}")
    for number, line in enumerate(node.lines):
        where = f"{path} line {number}"
        findings.put("classes", f"{where} {_ancestry(line)}")
        facts = [(name, vars(line).get(name, "none")) for name in ("_idx", "lencount", "extension", "mode", "useislice", "_minperiod")]
        facts += [("idx", line.idx), ("buflen", line.buflen()), ("bindings", len(line.bindings))]
        findings.put("lines", f"{where} {facts} {_container(line.array)}")
        findings.put("values", f"{where} {_bits(line.array)}")
        _own(findings, where, line)


# A set-up may make its classes anew for each run: what a class descends from tells it from one that a run has put in its place.
def _ancestry(owner: Any) -> str:
    return " ".join(f"{cls.__module__}.{cls.__qualname__}" for cls in type(owner).__mro__)


def _container(values: Any) -> str:
    return f"{type(values).__name__} {getattr(values, 'typecode', getattr(values, 'maxlen', ''))} {len(values)}"


def _bits(values: Any) -> str:
    if hasattr(values, "tobytes"):
        return str(values.tobytes().hex(" ", 8))
    return say(values)


def _own(findings: Findings, path: str, owner: Any) -> None:
    names = sorted(vars(owner))
    findings.put("attributes", f"{path} {names}")
    for name in names:
        if name not in UNTOLD and not (isinstance(owner, bt.Strategy) and name in TOLD_APART):
            findings.put("attributes", f"{path} {name}={say(vars(owner)[name])}")
