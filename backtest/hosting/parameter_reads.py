"""Which parameters a Backtrader class reads while its objects are made: what it makes of them then no later change reaches."""

from __future__ import annotations

from typing import Any

__all__ = ["ParameterReads"]

READS_ALL = "__dict__"


class ParameterReads:
    """Watches the parameters of one class from `begin` to `end`. Meanwhile objects of it should be made by one thread only."""

    def __init__(self, cls: type) -> None:
        self.names: set[str] = set()
        self.done = False
        self._params: Any = cls.params  # type: ignore[attr-defined]

    def begin(self) -> None:
        """Note from now on every parameter that is read."""
        known, names = frozenset(self._params._getkeys()), self.names

        def read(params: Any, name: str) -> Any:
            if name in known:
                names.add(name)
            elif name == READS_ALL:
                names.update(known)
            return object.__getattribute__(params, name)

        self._params.__getattribute__ = read

    def end(self) -> None:
        """Stop; further calls do nothing."""
        if not self.done:
            self.done = True
            if "__getattribute__" in vars(self._params):
                del self._params.__getattribute__
