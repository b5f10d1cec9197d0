"""`verify`: the strategies of a recorded session are run again on its journal, and must publish what they had published."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError, JournalError, nearest
from gcg_quant.events import World

from .files import RecordedLoader
from .judge import Judge, StrategyTrial
from .lives import Life, read_lives
from .mute_manager import MuteManager
from .stored import JournalBars

if TYPE_CHECKING:
    from gcg_quant.history import History

    from .difference import ReplayDifference

__all__ = ["StrategyVerdict", "Verification", "verify"]


class StrategyVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy: how often its process began (`lives`), how many events it was given, how many of its outputs were compared.

    `difference` is the first one, None if there is none. `why` says why it could not be verified, or not to its end.
    """

    strategy: str
    file: str
    kind: str
    lives: int
    inputs: int
    outputs: int
    difference: ReplayDifference | None = None
    why: str = ""

    @property
    def same(self) -> bool:
        """Whether all that it published was published again, byte for byte."""
        return self.difference is None and not self.why


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a session that was run again."""

    bus: str
    strategies: list[StrategyVerdict]

    @property
    def same(self) -> bool:
        """Whether every strategy published what it had published."""
        return all(one.same for one in self.strategies)

    def sentence(self) -> str:
        """Return the outcome in one sentence: the first strategy that is not the same, or that all are."""
        for one in self.strategies:
            if one.difference is not None:
                return f"{one.strategy}: {one.difference}."
            if one.why:
                return f"{one.strategy}: {one.why}"
        inputs, outputs = (sum(getattr(one, name) for one in self.strategies) for name in ("inputs", "outputs"))
        return f"{len(self.strategies)} strategies, {inputs:,} inputs, {outputs:,} outputs: the same, byte for byte."


def verify(
    bus_folder: str | Path,
    strategies: Iterable[str] | None = None,
    files: Iterable[str | Path] | None = None,
    *,
    history: History | None = None,
) -> Verification:
    """Run the strategies of a recorded session again and compare what they publish with what they had published.

    Each strategy is loaded as it was, and given what it was given, in the recorded order: market data, what became of its orders, timers,
    commands where they took effect. All fields of its requests, signals, states and words are compared but those that publishing fills
    in. The journal is only read, also beside a running system; nothing leaves, so that nothing can trade.

    Args:
        bus_folder: the bus of a live or paper session.
        strategies: the ids of those to report; by default all that ran.
        files: copies of strategy files that ran, where they are not any more what or where they were; the content tells which is which.
        history: where stored bars are found that strategies were told; without it in the journal alone.

    Raises:
        JournalError: no bus, or a damaged one.
        BacktestError: no session; a strategy that did not run; a journal that does not reach back to the beginning.
    """
    wanted = None if strategies is None else list(strategies)
    folder = Path(bus_folder)
    if not (folder / "bus.meta").exists():
        raise JournalError(f"There is no bus in {folder}: name the bus folder of a session, such as gcg_home/bus.")
    with EventBus(folder, create=False, read_only=True) as bus:
        if bus.world not in (World.LIVE, World.PAPER):
            raise BacktestError(
                f"The bus {folder} is of the world {bus.world.name.lower()}: sessions (live, paper) are verified, a backtest is run again."
            )
        lives = read_lives(bus)
        known = list(dict.fromkeys(name for life in lives for name in life.strategies))
        if not known:
            raise BacktestError(f"No strategy has run on the bus {folder}.")
        for name in wanted or ():
            if name not in known:
                raise BacktestError(
                    f"No strategy {name!r} has run on the bus {folder} (these have: {', '.join(known)}).{nearest(name, known)}"
                )
        sources = [*([history] if history is not None else []), JournalBars(bus)]
        given = [Path(file) for file in files or ()]
        for file in given:
            if not file.expanduser().is_file():
                raise BacktestError(f"There is no strategy file {file}.")
        trials = [(life, _run_again(bus, life, given, sources)) for life in lives]
    return Verification(bus=str(folder), strategies=[_verdict(name, trials) for name in known if wanted is None or name in wanted])


def _run_again(bus: EventBus, life: Life, files: list[Path], sources: list[History]) -> dict[str, StrategyTrial]:
    kinds = {one.strategy: one.kind for one in life.statuses if one.kind}
    adapters = []
    if "backtrader" in kinds.values():  # it takes its time to import
        from .recorded_run import RecordedAdapter

        adapters.append(RecordedAdapter())
    judge = Judge(bus, life, lambda name: kinds.get(name) == "backtrader")
    try:
        MuteManager(judge, RecordedLoader(adapters, judge, files), adapters, sources).run_again(bus)
        return dict(judge.finish())
    finally:
        judge.close()


def _verdict(name: str, trials: list[tuple[Life, dict[str, StrategyTrial]]]) -> StrategyVerdict:
    own = [(life, found[name]) for life, found in trials if name in found]
    status = next(one for one in reversed(own[-1][0].statuses) if one.strategy == name and one.file)
    return StrategyVerdict(
        strategy=name,
        file=status.file,
        kind=status.kind,
        lives=len(own),
        inputs=sum(trial.inputs for _, trial in own),
        outputs=sum(trial.outputs for _, trial in own),
        difference=next((trial.difference for _, trial in own if trial.difference is not None), None),
        why=next((trial.why for _, trial in own if trial.why), ""),
    )
