"""`verify`: the strategies and accounts of a recorded session are run again on its journal, and must publish what they had published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError, JournalError, nearest
from gcg_quant.events import World

from .files import RecordedLoader
from .judge import Judge, Trial
from .lives import STRATEGIES, TRADING, Life, read_lives
from .mute_engine import MuteEngine
from .mute_manager import MuteManager
from .outputs import OF_STRATEGIES, OF_TRADING
from .stored import JournalBars

if TYPE_CHECKING:
    from gcg_quant.history import History

    from ...strategy_engine.desk.beginning import TradingBeginning
    from ...strategy_engine.hosting.diary import Beginning
    from .difference import ReplayDifference

__all__ = ["ReplayVerdict", "Verification", "verify"]


class ReplayVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy, or a trading engine: how often its process began (`lives`), how many events it was given, how many outputs were compared.

    `difference` is the first one, None if there is none. `why` says why it could not be verified, or not to its end.
    """

    name: str
    kind: str
    lives: int
    inputs: int
    outputs: int
    file: str = ""
    difference: ReplayDifference | None = None
    why: str = ""

    @property
    def same(self) -> bool:
        """Whether all that it published was published again, byte for byte."""
        return self.difference is None and not self.why


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a session that was run again; `note` says what of it was left out, if anything was."""

    bus: str
    strategies: list[ReplayVerdict]
    engines: list[ReplayVerdict]
    note: str = ""

    @property
    def verdicts(self) -> list[ReplayVerdict]:
        """Strategies, then trading engines."""
        return [*self.strategies, *self.engines]

    @property
    def same(self) -> bool:
        """Whether everybody published what he had published."""
        return all(one.same for one in self.verdicts)

    def sentence(self) -> str:
        """Return the outcome in one sentence: the first one that is not the same, or that all are."""
        for one in self.verdicts:
            if one.difference is not None:
                return f"{one.name}: {one.difference}."
            if one.why:
                return f"{one.name}: {one.why}"
        outputs = sum(one.outputs for one in self.verdicts)
        return f"{', '.join(one.name for one in self.verdicts)}: {outputs:,} outputs, the same, byte for byte."


def verify(
    bus_folder: str | Path,
    strategies: Iterable[str] | None = None,
    files: Iterable[str | Path] | None = None,
    *,
    history: History | None = None,
) -> Verification:
    """Run the strategies and paper accounts of a recorded session again, and compare what they publish with what they had published.

    Each strategy is loaded as it was, and given what it was given, in the recorded order: market data, what became of its orders, timers,
    commands where they took effect. All fields of its requests, signals, states and words are compared but those that publishing fills
    in. A trading engine with a paper gateway is given the recorded requests and market data, and must give the same verdicts, commands,
    fills, positions and cash. The journal is only read, also beside a running system; nothing leaves, so that nothing can trade.

    Args:
        bus_folder: the bus of a live or paper session.
        strategies: the ids of those to report; by default all that ran, and the accounts.
        files: copies of strategy files that ran, where they are not any more what or where they were; the content tells which is which.
        history: where stored bars are found that strategies were told; without it in the journal alone.

    Raises:
        JournalError: no bus, or a damaged one.
        BacktestError: no session; a strategy that did not run; a journal that does not reach back to the beginning.
    """
    wanted = None if strategies is None else list(strategies)
    given = [Path(file) for file in files or ()]
    folder = Path(bus_folder)
    if not (folder / "bus.meta").exists():
        raise JournalError(f"There is no bus in {folder}: name the bus folder of a session, such as gcg_home/bus.")
    with EventBus(folder, create=False, read_only=True) as bus:
        lives, note = _lives(bus, wanted)
        for file in given:
            if not file.expanduser().is_file():
                raise BacktestError(f"There is no strategy file {file}.")
        sources = [*([history] if history is not None else []), JournalBars(bus)]
        trials = [(life, _run_strategies(bus, life, given, sources)) for life in lives]
        names = list(dict.fromkeys(name for life in lives for name in life.strategies))
        engines = (
            [] if wanted is not None else [(life, _run_engine(bus, life)) for life in read_lives(bus, TRADING) if life.beginning.gateway]
        )
    return Verification(
        bus=str(folder),
        strategies=[_verdict(name, trials) for name in names if wanted is None or name in wanted],
        engines=[_verdict(name, engines) for name in dict.fromkeys(life.component for life, _ in engines)],
        note=note,
    )


# The lives of strategies that can be done again, and what there is to say of the others.
def _lives(bus: EventBus, wanted: list[str] | None) -> tuple[list[Life[Beginning]], str]:
    if bus.world not in (World.LIVE, World.PAPER):
        raise BacktestError(
            f"The bus {bus.path} is of the world {bus.world.name.lower()}: sessions (live, paper) are verified, a backtest is run again."
        )
    every = read_lives(bus, STRATEGIES)
    first = _first_event(bus)
    lives = [life for life in every if life.beginning.market >= first]
    lost = f"The journal {bus.path} begins at event {first:,}, after the strategies' process had begun: what it was given"
    if every and not lives:
        raise BacktestError(f"{lost} before was pruned, so that it cannot be run again.", first=first)
    note = "" if len(lives) == len(every) else f"{lost} then was pruned; verified is what ran from its next beginning on."
    known = list(dict.fromkeys(name for life in lives for name in life.strategies))
    if not known:
        raise BacktestError(f"No strategy has run on the bus {bus.path}.")
    for name in wanted or ():
        if name not in known:
            listed = ", ".join(known)
            raise BacktestError(f"No strategy {name!r} has run on the bus {bus.path} (these have: {listed}).{nearest(name, known)}")
    return lives, note


def _first_event(bus: EventBus) -> int:
    with bus.reader(start="begin") as reader:
        return reader.cursor.market


def _run_strategies(bus: EventBus, life: Life[Beginning], files: list[Path], sources: list[History]) -> Mapping[str, Trial]:
    kinds = {one.strategy: one.kind for one in life.statuses if one.kind}
    adapters = []
    if "backtrader" in kinds.values():  # it takes its time to import
        from .recorded_run import RecordedAdapter

        adapters.append(RecordedAdapter())
    judge = Judge(bus, life, OF_STRATEGIES, life.strategies, lambda name: kinds.get(name) == "backtrader")
    try:
        MuteManager(judge, life, RecordedLoader(adapters, judge, life, files), adapters, sources).run_again(bus)
        return judge.finish()
    finally:
        judge.close()


def _run_engine(bus: EventBus, life: Life[TradingBeginning]) -> Mapping[str, Trial]:
    judge = Judge(bus, life, OF_TRADING, [life.component])
    try:
        engine = MuteEngine(judge, life)
        engine.run_again(bus)
        judge.trials[life.component].inputs = engine.health().handled
        return judge.finish()
    finally:
        judge.close()


def _verdict(name: str, trials: Sequence[tuple[Life[Any], Mapping[str, Trial]]]) -> ReplayVerdict:
    own = [(life, found[name]) for life, found in trials if name in found]
    status = next((one for one in reversed(own[-1][0].statuses) if one.strategy == name and one.file), None)
    return ReplayVerdict(
        name=name,
        kind=status.kind if status is not None else "trading",
        file=status.file if status is not None else "",
        lives=len(own),
        inputs=sum(trial.inputs for _, trial in own),
        outputs=sum(trial.outputs for _, trial in own),
        difference=next((trial.difference for _, trial in own if trial.difference is not None), None),
        why=next((trial.why for _, trial in own if trial.why), ""),
    )
