"""Exchanges the classes of everything with lines for the time of a run, and gives the old ones back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import backtrader as bt
from backtrader.feed import DataClone
from backtrader.linebuffer import LineBuffer
from backtrader.lineseries import LineAlias, LineSeries

from .class_asked import asks_for_class
from .graph import indicators_of, lines_of, nodes_of, observers_of, place_of
from .native import (
    FastClock,
    FastLine,
    FastSeries,
    fast_attach_line,
    fast_attach_series,
    fast_detach,
    fast_set_clock,
    fast_setup,
)
from .ticks import tick_properties, write_ticks

__all__ = ["Swap"]

OPERATORS = (
    "add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "floordiv", "rfloordiv", "pow", "rpow", "neg", "abs",
    "lt", "le", "eq", "ne", "gt", "ge", "bool", "hash",
)  # fmt: skip
OPERATOR_NAMES = tuple(f"__{name}__" for name in OPERATORS)
BEHIND_OPERATORS = ("__getitem__", "_operation", "_roperation", "_operationown", "_operation_stage2", "_operationown_stage2")
LINE_METHODS = ("__len__", "__getitem__", "__setitem__", "set", "get", "forward", "home", "advance", "rewind", "datetime", "buflen")
LINE_ATTRIBUTES = ("_idx", "idx", "lencount", "array", "_opstage")
SERIES_METHODS = ("__len__", "__getitem__")


class Swap:
    """The lines of one run, out of Backtrader's classes and back.

    Between `enter()` and `leave()` every line stands still on its own until `bind()` gives it the clock of its feed.

    Args:
        strategies: the run's strategies.
        datas: its feeds, in the order in which the loop asks them.
        preloaded: the feeds are full, and stay as long; else they grow bar by bar, and what is written at each bar stays an attribute.
        held: the strategies' `position` is looked up in C.
    """

    def __init__(self, strategies: Sequence[Any], datas: Sequence[Any], *, preloaded: bool = True, held: bool = True) -> None:
        self._strategies, self._datas, self._preloaded = strategies, datas, preloaded
        self._series_names = _series_names if preloaded else _growing_series_names if held else _bare_series_names
        self._classes: dict[type, type] = {}
        self._swapped: list[tuple[Any, type]] = []
        self._attached: list[Any] = []
        self._aliases: list[tuple[Any, str, Any]] = []
        self._still = FastClock()
        self.data_clocks = [FastClock() for _ in datas]
        self.strategy_clocks = [FastClock() for _ in strategies]
        self.indicator_clocks: list[list[Any]] = [[None] * len(datas) for _ in strategies]
        self.observer_clocks: dict[int, Any] = {}
        fast_setup(bt.lineroot.LineRoot, LineBuffer.datetime)

    def enter(self) -> None:
        """Exchange the classes. If that fails nothing has changed."""
        try:
            for node in nodes_of(self._strategies, self._datas):
                lines = lines_of(node)
                for line in lines:
                    self._enter_line(line)
                if not isinstance(node, LineBuffer) and lines and not _keeps_class(node):
                    self._enter_series(node, lines[0])
        except BaseException:
            self.leave()
            raise

    def bind(self) -> None:
        """Let all lines that Backtrader moves at a bar follow their clocks."""
        self.bind_datas()
        for strategy, own, followed in zip(self._strategies, self.strategy_clocks, self.indicator_clocks, strict=True):
            _follow(strategy, own)
            places = place_of(strategy, self._datas)
            for indicator in indicators_of(strategy):
                place = places[id(indicator)]
                if followed[place] is None:
                    followed[place] = FastClock()
                _follow(indicator, followed[place])
            for observer in observers_of(strategy):
                clock = self.observer_clocks[id(observer)] = FastClock()
                _follow(observer, clock)

    def bind_datas(self) -> None:
        """Let the lines of the feeds alone follow their clocks."""
        for data, clock in zip(self._datas, self.data_clocks, strict=True):
            _follow(data, clock)

    def leave(self) -> None:
        """Give everything its own class back, and its place in time to its attributes."""
        try:
            for data, clock in zip(self._datas, self.data_clocks, strict=True):
                if self._preloaded and clock.position:
                    write_ticks(data)
                    if isinstance(data, DataClone):
                        data._dlen += clock.position
        finally:
            self._put_back()

    def _put_back(self) -> None:
        for node, alias, line in self._aliases:
            if vars(node).get(alias) is line:
                del vars(node)[alias]
        for thing, cls in reversed(self._swapped):
            thing.__class__ = cls
        for thing in reversed(self._attached):
            state = fast_detach(thing)
            if isinstance(state, tuple):
                _write_state(thing, *state)
            elif state is not None and state != thing._opstage:
                thing._opstage = state
        self._aliases, self._swapped, self._attached = [], [], []

    # --- one object -----------------------------------------------------------------------------------------------------------

    def _enter_line(self, line: Any) -> None:
        if type(line) in self._classes.values():
            return
        cls = type(line)
        plain = cls.__getitem__ is LineBuffer.__getitem__
        fast_attach_line(line, line._idx, line.lencount, line.array, line.bindings, line._opstage, self._still, plain)
        self._attached.append(line)
        self._exchange(line, _line_names)

    def _enter_series(self, node: Any, first: Any) -> None:
        cls = type(node)
        fast_attach_series(node, first, node._opstage, self._still, cls.__getitem__ is LineSeries.__getitem__)
        self._attached.append(node)
        self._exchange(node, self._series_names)
        mine = vars(node)
        for alias, number in _aliases(type(node.lines)).items():
            if alias not in mine and not hasattr(cls, alias):
                mine[alias] = node.lines.lines[number]
                self._aliases.append((node, alias, mine[alias]))

    def _exchange(self, thing: Any, names: Any) -> None:
        cls = type(thing)
        if cls not in self._classes:
            base = FastLine if names is _line_names else FastSeries
            common = {"__slots__": (), "__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
            # By type's own hand: the metaclasses would register it as a class of the user's.
            self._classes[cls] = type.__new__(type(cls), cls.__name__, (cls, base), {**common, **names(cls)})
        thing.__class__ = self._classes[cls]
        self._swapped.append((thing, cls))


# All that an object with lines does at a bar, it lets its lines do: they are fast, whatever its own class is.
def _keeps_class(node: Any) -> bool:
    return not isinstance(node, bt.feed.AbstractDataBase) and asks_for_class(type(node))


# What a class gets of the fast one: only where it has Backtrader's own.
def _stock_only(cls: type, stock: type, fast: type, names: Sequence[str]) -> dict[str, Any]:
    return {name: fast.__dict__[name] for name in names if getattr(cls, name) is getattr(stock, name)}


def _operators(cls: type, stock: type, fast: type) -> dict[str, Any]:
    if any(getattr(cls, name) is not getattr(stock, name) for name in BEHIND_OPERATORS):
        names = _stock_only(cls, stock, fast, ())
    else:
        names = _stock_only(cls, stock, fast, OPERATOR_NAMES)
    names.setdefault("__hash__", cls.__hash__)  # or a class with an __eq__ of its own would lose it
    return names


def _line_names(cls: type) -> dict[str, Any]:
    names = {name: FastLine.__dict__[name] for name in LINE_ATTRIBUTES}
    return {**names, **_operators(cls, LineBuffer, FastLine), **_stock_only(cls, LineBuffer, FastLine, LINE_METHODS)}


def _bare_series_names(cls: type) -> dict[str, Any]:
    names = {"_opstage": FastSeries.__dict__["_opstage"]}
    return {**names, **_operators(cls, LineSeries, FastSeries), **_stock_only(cls, LineSeries, FastSeries, SERIES_METHODS)}


def _series_names(cls: type) -> dict[str, Any]:
    names = _bare_series_names(cls)
    if issubclass(cls, bt.Strategy):
        return {**names, **_strategy_names(cls)}
    return {**names, **tick_properties(cls)} if issubclass(cls, bt.feed.AbstractDataBase) else names


def _growing_series_names(cls: type) -> dict[str, Any]:
    names = _bare_series_names(cls)
    return {**names, **_strategy_names(cls, growing=True)} if issubclass(cls, bt.Strategy) else names


def _strategy_names(cls: type, *, growing: bool = False) -> dict[str, Any]:
    from .strategy import strategy_names

    return strategy_names(cls, growing=growing)


def _aliases(lines: type) -> dict[str, int]:
    found: dict[str, int] = {}
    for cls in reversed(lines.__mro__):
        found.update((name, value.line) for name, value in vars(cls).items() if isinstance(value, LineAlias))
    return found


def _follow(node: Any, clock: Any) -> None:
    for line in lines_of(node):
        fast_set_clock(line, clock)


def _write_state(line: Any, index: int, length: int, array: Any, stage: int) -> None:
    mine = vars(line)
    mine["_idx"], mine["lencount"], mine["array"] = index, length, array
    if stage != line._opstage:
        line._opstage = stage
