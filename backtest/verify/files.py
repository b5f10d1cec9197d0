"""The strategy files of a recorded session: loaded only as they were, wherever they lie now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gcg_quant.errors import StrategyError

from ...strategy_engine.hosting.file_watch import digest_of
from ...strategy_engine.hosting.loader import LoadedClass, StrategyLoader

if TYPE_CHECKING:
    from gcg_quant.events import StrategyStatusEvent

    from ...strategy_engine.hosting.adapter import StrategyAdapter
    from ...strategy_engine.hosting.diary import Beginning
    from .judge import Judge
    from .lives import Life

__all__ = ["RecordedLoader"]

_SHORT = 12  # of a digest, as a person compares it


class RecordedLoader(StrategyLoader):
    """Loads a file only if it is, byte for byte, the one that ran then, and so are the modules beside it that it imports.

    Who verifies a journal may read what ran on it: the allowed folders guard what comes over a bus.

    Args:
        adapters: for classes of other frameworks.
        judge: is told what cannot be loaded.
        life: what was loaded.
        files: where the files lie now, if not where they lay; several versions of one may be among them.

    Attributes:
        control: the command that is being done again, 0 at a manager's beginning.
    """

    def __init__(self, adapters: Sequence[StrategyAdapter], judge: Judge, life: Life[Beginning], files: Iterable[Path]) -> None:
        super().__init__((), adapters)
        self.control = 0
        self._judge = judge
        self._life = life
        self._files = [file.expanduser().resolve() for file in files]

    def find(self, name: str) -> Path:
        """Return where the file lies that was loaded under this name. Raises StrategyError if it is gone or another."""
        status = self._status(name)
        there = Path(status.file)
        self._refuse_hung(status)
        wanted = status.code.get(there.name, "")
        candidates = [file for file in self._files if file.name == there.name] or [there]
        candidates += [file for file in self._files if file not in candidates and wanted and digest_of(file) == wanted]
        here = next((file for file in candidates if digest_of(file) == wanted), candidates[0]) if wanted else candidates[0]
        try:
            self._check(here, status)
        except StrategyError as error:
            self._judge.give_up([one.strategy for one in self._life.statuses if one.file == status.file], error.message)
            raise
        self._judge.note_moved(here, status.file)
        return here

    def load(self, name: str, class_name: str = "") -> LoadedClass:
        """Run the file as a fresh module and return its class; see `find`."""
        loaded = super().load(name, class_name)
        code = self._status(name).code
        for path, digest in loaded.digests.items():
            if code and path != loaded.file and code.get(path.name) != digest:
                loaded.release()
                sentence = f"The module {path}, which the strategy's file imports, has changed since it ran."
                self._judge.give_up([one.strategy for one in self._life.statuses if one.file == self._status(name).file], sentence)
                raise StrategyError(sentence, file=str(path))
        return loaded

    # Whoever hung, or took his process with him, would do so here.
    def _refuse_hung(self, status: StrategyStatusEvent) -> None:
        names = [one.strategy for one in self._life.statuses if one.file == status.file]
        for name in names:
            if name in self._life.hung:
                sentence = f"Its process ended in it ({self._life.hung[name]}): it is not run again."
                self._judge.give_up(names, sentence)
                raise StrategyError(sentence, strategy=name)

    def _status(self, name: str) -> StrategyStatusEvent:
        told = [one for one in self._life.statuses if one.file and _is(one.file, name)]
        if not told:
            raise StrategyError(f"The strategy file {name!r} was not loaded then.", file=name)
        return next((one for one in told if self.control and one.cause == self.control), told[0])

    def _check(self, here: Path, status: StrategyStatusEvent) -> None:
        wanted = status.code.get(Path(status.file).name, "")
        found = digest_of(here)
        if not found:
            raise StrategyError(
                f"The file {here} of the strategy {status.strategy!r} is not there any more: name a copy of it.", file=str(here)
            )
        if wanted and found != wanted:
            raise StrategyError(
                f"The file {here} of the strategy {status.strategy!r} has changed since it ran (SHA-256 {wanted[:_SHORT]} then, "
                f"{found[:_SHORT]} now): name a copy of what ran.",
                file=str(here),
            )


# A short name, a path as the settings have it, or the whole one.
def _is(file: str, name: str) -> bool:
    path = Path(file)
    return name in (file, path.stem, path.name) or path.match(name)
