"""The lives of a component on a journal: where each began and ended, and where it acted on which command."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import msgspec

from gcg_quant.errors import BacktestError
from gcg_quant.events import Applied, ConfigChangeEvent, Event, Lane, StrategyControlEvent, StrategyStatusEvent, SystemEvent
from gcg_quant.reader import Cursor

from ...strategy_engine.desk.beginning import TRADING_BEGAN, TRADING_ENDED, TradingBeginning
from ...strategy_engine.hosting.diary import BEGAN, ENDED, READ, Beginning, StoredRead

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

__all__ = ["STRATEGIES", "TRADING", "Life", "LifeKind", "Mark", "read_lives"]

HUNG = "strategy_hung"  # the supervisor's word for a strategy in which its process hung or ended
_SEQ = (1 << 60) - 1
B = TypeVar("B", Beginning, TradingBeginning)


class LifeKind(NamedTuple, Generic[B]):
    """Whose lives: the words that tell of their begin and end, what is told of the begin, and the commands that they act on."""

    began: str
    ended: str
    beginning: type[B]
    commands: tuple[type[Event], ...]


STRATEGIES = LifeKind(BEGAN, ENDED, Beginning, (StrategyControlEvent, StrategyStatusEvent))
TRADING = LifeKind(TRADING_BEGAN, TRADING_ENDED, TradingBeginning, (ConfigChangeEvent,))


class Mark(NamedTuple):
    """A command that a component acted on before the event with the id `at`, or a strategy that it started then of its own accord."""

    at: int
    control: Any
    applied: Applied


@dataclass(slots=True)
class Life(Generic[B]):
    """A component from its start to its end, as the journal tells it.

    `end` is where its events end: where the next life begins, or the journal's head. `ended` is the market lane's event before which it
    ended of its own accord, 0 if it was killed or is running.
    """

    component: str
    began: SystemEvent
    beginning: B
    end: Cursor
    ended: int = 0
    ended_ns: int = 0
    marks: list[Mark] = field(default_factory=list)
    statuses: list[StrategyStatusEvent] = field(default_factory=list)
    hung: dict[str, str] = field(default_factory=dict)  # strategies in whose callback it ended, and what the supervisor said
    reads: list[tuple[int, StoredRead]] = field(default_factory=list)  # what stored history told, each with its cause

    @property
    def last_input(self) -> int:
        """The id of the market lane's first event that it has certainly not handled."""
        return self.ended or (Lane.MARKET << 60) | self.end.market

    @property
    def strategies(self) -> list[str]:
        """The ids of the strategies that it loaded, in the order of their first loading."""
        return list(dict.fromkeys(one.strategy for one in self.statuses if one.file))


def read_lives(bus: EventBus, kind: LifeKind[B]) -> list[Life[B]]:
    """Return the lives that begin on the journal, in order, up to its present head.

    Raises:
        BacktestError: a strategy's states are on it, and not where its manager began.
    """
    head = Cursor(bus.bus_id, bus.epoch, *(bus.head(lane) for lane in Lane))
    lives: list[Life[B]] = []
    open_lives: dict[str, Life[B]] = {}
    commands: dict[int, Event] = {}
    answers: list[Applied] = []
    orphans: list[StrategyStatusEvent] = []
    for event in _told(bus, head, kind):
        if isinstance(event, SystemEvent):
            _system(event, lives, open_lives, head, kind)
        elif isinstance(event, Applied):
            answers.append(event)
        else:
            commands[event.id] = event
        if isinstance(event, StrategyStatusEvent):
            if event.source in open_lives:
                open_lives[event.source].statuses.append(event)
            else:
                orphans.append(event)
    if orphans and not lives:
        raise BacktestError(
            f"The journal {bus.path} does not say where the process of the strategy {orphans[-1].strategy!r} began: its beginning was "
            "pruned, or it was recorded by a version that did not write that down.",
            bus=str(bus.path),
        )
    for life in lives:
        life.marks = _marks(life, commands, answers)
    return lives


def _told(bus: EventBus, head: Cursor, kind: LifeKind[B]) -> Iterable[Event]:
    before = {Lane.CONTROL: head.control, Lane.MARKET: head.market}
    with bus.reader(start="begin", events=[SystemEvent, Applied, *kind.commands]) as reader:
        for event in reader:
            if event.id & _SEQ < before[Lane(event.id >> 60)]:
                yield event


def _system(event: SystemEvent, lives: list[Life[B]], open_lives: dict[str, Life[B]], head: Cursor, kind: LifeKind[B]) -> None:
    name = event.component
    life = open_lives.get(name)
    if event.action == kind.began:
        beginning = msgspec.convert(event.data, kind.beginning)
        if life is not None:
            life.end = msgspec.structs.replace(head, control=beginning.control, market=beginning.market, log=beginning.log)
        open_lives[name] = Life(name, event, beginning, head)
        lives.append(open_lives[name])
    elif event.action == HUNG:
        for one in open_lives.values():
            one.hung[name] = event.detail
    elif life is not None and event.action == kind.ended:
        life.ended, life.ended_ns = event.data["at"], event.data.get("now_ns", 0)
    elif life is not None and event.action == READ:
        life.reads.append((event.cause, msgspec.convert(event.data, StoredRead)))


# What was answered late, after a restart, has an older command and was not done.
def _marks(life: Life[B], commands: dict[int, Event], answers: list[Applied]) -> list[Mark]:
    found: dict[int, Mark] = {}
    for answer in answers:
        control = commands.get(answer.control)
        own = answer.component == life.component and life.beginning.market <= answer.id & _SEQ < life.end.market
        if control is not None and own and answer.control & _SEQ >= life.beginning.control:
            found.setdefault(control.id, Mark(answer.at, control, answer))
    return list(found.values())
