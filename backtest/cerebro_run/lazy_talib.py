"""`bt.talib` is imported when it is first looked into, not with Backtrader.

Where TA-Lib is installed it brings pandas and Polars with it, and Backtrader makes 161 classes of its functions: that is three quarters
of the time in which Backtrader is imported, and 120 MB in every process that runs strategies. Few of them use it.

What does not work: `importlib.util.LazyLoader`, which before Python 3.12 runs the module twice where two threads look into it at once.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

__all__ = ["install"]

NAME = "backtrader.talib"
_LOADING = threading.RLock()


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name == NAME else None
        if spec is not None and spec.loader is not None:
            spec.loader = _LaterLoader(spec.loader)
        return spec


class _LaterLoader(Loader):
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _LaterModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["_loader"] = self._loader


class _LaterModule(ModuleType):
    # Asked for only where the name is not there yet. Of double underscores the import itself asks, which is no reason to load.
    def __getattr__(self, name: str) -> object:
        if name.startswith("__") and name != "__all__":
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        self._load()
        return ModuleType.__getattribute__(self, name)

    def __dir__(self) -> list[str]:
        self._load()
        return sorted(vars(self))

    def _load(self) -> None:
        with _LOADING:
            loader = vars(self).pop("_loader", None)
            if loader is None:
                return
            try:
                loader.exec_module(self)
            except BaseException:
                vars(self)["_loader"] = loader
                raise


def install() -> None:
    """Let `bt.talib` wait until it is used; without effect where Backtrader is imported already."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
