"""The comparison is not blind: each deliberate error of a run, however small, is found, and in the section where it is."""

from __future__ import annotations

import array
import gc
import math
import struct
from collections.abc import Callable
from typing import Any

import backtrader as bt
import pytest
from parity.findings import differences
from parity.setups import SETUPS
from parity.sides import Setup, Side, run, stock_side

Mutant = Callable[[pytest.MonkeyPatch], None]
BY_NAME = {setup.name: setup for setup in SETUPS}


def wrapped(owner: Any, name: str, change: Callable[..., Any]) -> Mutant:
    """Return what puts `change(original, self, *args, **kwargs)` in the place of a method."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        original = getattr(owner, name)
        patch.setattr(owner, name, lambda *args, **kwargs: change(original, *args, **kwargs))

    return apply


def running_sum(original: Any, self: Any, start: int, end: int) -> None:
    """Compute an average as everybody would: add the new value, take off the old one."""
    source, target, period = self.data.array, self.line.array, self.p.period
    total = math.fsum(source[start - period + 1 : start + 1])
    for at in range(start, end):
        target[at] = total / period
        if at + 1 < end:
            total += source[at + 1] - source[at + 1 - period]


def wrong_pnlcomm(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
    """Be wrong in the thirteenth decimal."""
    original(self, *args, **kwargs)
    self.pnlcomm += 1e-13


def dropped(original: Any, self: Any, order: Any) -> None:
    """Swallow the news that the ninth order was accepted."""
    if not (order.ref == 9 and order.status == order.Accepted):
        original(self, order)


def swapped_analyzers(original: Any, self: Any, minperstatus: int, once: bool = False) -> None:
    """Call the analyzers in the other order."""
    own = self.analyzers._items
    own.reverse()
    original(self, minperstatus, once)
    own.reverse()


def extra_attribute(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
    """Leave something behind in the strategy."""
    original(self, *args, **kwargs)
    self._cache = None


def other_order(original: Any, self: Any) -> Any:
    """Copy an order with its attributes in another order."""
    copied = original(self)
    facts = dict(reversed(vars(copied).items()))
    vars(copied).clear()
    vars(copied).update(facts)
    return copied


def shared_execution(original: Any, self: Any) -> Any:
    """Do not move the marks of the news that were told already."""
    marks = self.p1, self.p2
    copied = original(self)
    self.p1, self.p2 = copied.p1, copied.p2 = marks
    return copied


def one_ulp(original: Any, self: Any, *args: Any, **kwargs: Any) -> float:
    """Be wrong in the last bit of a commission."""
    return math.nextafter(original(self, *args, **kwargs), math.inf)


def other_nan(original: Any, self: Any, value: float = math.nan, size: int = 1) -> None:
    """Fill with a NaN of other bits."""
    odd = struct.unpack("<d", struct.pack("<Q", 0x7FF8000000000001))[0]
    original(self, odd if value != value else value, size)


def late_clock(original: Any, self: Any, runstrats: Any, dt0: float, cheat: bool = False) -> None:
    """Look at the timers one minute too early."""
    original(self, runstrats, dt0 - 1 / 1440.0, cheat)


def lagging(original: Any, self: Any) -> None:
    """Leave the feed's line one bar behind."""
    original(self)
    for data in self.datas:
        data.lines.close.lencount -= 1


def longer(original: Any, self: Any) -> None:
    """Leave a value too many in the observers' arrays."""
    original(self)
    for observer in self.getobservers():
        for line in observer.lines:
            if isinstance(line.array, array.array):
                line.array.append(math.nan)


def exchanged(original: Any, self: Any) -> None:
    """Leave the strategy with another class of the same name."""
    original(self)
    self.__class__ = type.__new__(type(type(self)), type(self).__name__, (type(self),), {})


def untouched_position(original: Any, self: Any, data: Any) -> Any:
    """Read a position without creating it."""
    return self.positions[data] if data in self.positions else bt.Position()


def unticked(original: Any, self: Any, force: bool = False) -> None:
    """Forget one of a bar's ticks."""
    original(self, force)
    self.tick_last = None


def told_twice(original: Any, self: Any, qorders: Any = (), qtrades: Any = ()) -> None:
    """Tell cash and value once more, at the twentieth bar."""
    original(self, qorders, qtrades)
    if len(self) == 20:
        self.notify_cashvalue(self.broker.getcash(), self.broker.getvalue())


def thawed(patch: pytest.MonkeyPatch) -> None:
    """Leave the garbage collector with other thresholds."""
    original, before = bt.Strategy._stop, gc.get_threshold()

    def change(self: Any) -> None:
        original(self)
        gc.set_threshold(before[0] * 10, *before[1:])

    patch.setattr(bt.Strategy, "_stop", change)


def other_text(original: Any, self: Any, ago: int) -> float:
    """Raise another text than the array's own."""
    try:
        return float(original(self, ago))
    except IndexError as error:
        raise IndexError("index out of range") from error


MUTANTS: list[tuple[str, str, Mutant]] = [
    ("indicators SMA to MACD", "values", wrapped(bt.ind.Average, "once", running_sum)),
    ("market orders", "trades", wrapped(bt.Trade, "update", wrong_pnlcomm)),
    ("brackets", "trace", wrapped(bt.brokers.BackBroker, "notify", dropped)),
    ("three strategies", "trace", wrapped(bt.Strategy, "_next_analyzers", swapped_analyzers)),
    ("crossing", "attributes", wrapped(bt.Strategy, "_stop", extra_attribute)),
    ("limits and stops", "trace", wrapped(bt.order.OrderBase, "clone", other_order)),
    ("fills by volume", "trace", wrapped(bt.order.OrderData, "clone", shared_execution)),
    ("percent commission", "trace", wrapped(bt.CommInfoBase, "_getcommission", one_ulp)),
    ("twenty indicators", "values", wrapped(bt.linebuffer.LineBuffer, "forward", other_nan)),
    ("timers", "trace", wrapped(bt.Cerebro, "_check_timers", late_clock)),
    ("crossing without observers", "lines", wrapped(bt.Strategy, "_stop", lagging)),
    ("all observers", "values", wrapped(bt.Strategy, "_stop", longer)),
    ("crossing", "classes", wrapped(bt.Strategy, "_stop", exchanged)),
    ("six feeds with holes", "broker", wrapped(bt.brokers.BackBroker, "getposition", untouched_position)),
    ("a feed that ends early", "trace", wrapped(bt.feed.DataBase, "_tick_fill", unticked)),
    ("market orders", "trace", wrapped(bt.Strategy, "_notify", told_twice)),
    ("crossing", "cerebro", thawed),
    ("a writer of columns", "written", wrapped(bt.WriterFile, "addvalues", lambda original, self, values: original(self, [*values, 0.0]))),
    ("interest on shorts", "trace", wrapped(bt.CommInfoBase, "_get_credit_interest", one_ulp)),
    (
        "an exception in next",
        "trace",
        wrapped(bt.linebuffer.LineBuffer, "__getitem__", other_text),
    ),
]


@pytest.mark.parametrize(("name", "section", "mutant"), MUTANTS, ids=[f"{row[0]}: {row[1]} {at}" for at, row in enumerate(MUTANTS)])
def test_deliberate_error_is_found(name: str, section: str, mutant: Mutant) -> None:
    """A set-up that equals stock differs in the expected section once the error is made."""
    setup: Setup = BY_NAME[name]
    stock = run(setup, stock_side())
    before = gc.get_threshold()
    try:
        with pytest.MonkeyPatch.context() as patch:
            mutant(patch)
            ours = run(setup, Side("drop-in", fast=False))
    finally:
        gc.set_threshold(*before)
    found = differences(stock, ours)
    assert any(text.startswith(section + " ") for text in found), found[:3]
