"""Components whose fold is there to be asked, from any thread."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Generic, TypeVar

from gcg_quant.errors import ComponentError
from gcg_quant.stateful import Fold, Stateful

__all__ = ["Keeper"]

F = TypeVar("F", bound=Fold)
Answer = TypeVar("Answer")


class Keeper(Stateful[F], Generic[F]):
    """Keeps a fold up to date for whoever asks.

    Invariant: the fold changes only while its guard is held. Subclasses hold it in `on_start`, and call `keep_up` in `read_batch`.
    """

    follows_always: ClassVar[bool] = True

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, wait="sleep", sleep_s=0.05, **options)
        self._guard = threading.Lock()

    def keep_up(self) -> None:
        """Bring the fold to the head of the journal; whoever asks may do so between two slices."""
        follower, more = self._follower, True
        while follower is not None and more and not self.stopping:
            with self._guard:
                more = follower.follow()

    def on_rest(self, idle: bool) -> None:
        """Put the fold down, if it is time."""
        with self._guard:
            super().on_rest(idle)

    def on_end(self) -> None:
        """Put the fold down."""
        with self._guard:
            super().on_end()

    def ask(self, question: Callable[[F], Answer]) -> Answer:
        """Return `question(fold)` while the fold stands still; from any thread.

        Raises:
            ComponentError: it does not run.
        """
        with self._guard:
            if self._follower is None:
                raise ComponentError(f"Component {self.name!r} does not run: start it first.", name=self.name)
            return question(self._follower.fold)

    @contextlib.contextmanager
    def standing(self) -> Iterator[None]:
        """Let nothing change while its figures are read; from any thread."""
        with self._guard:
            yield
