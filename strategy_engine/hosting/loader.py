"""Loads strategy classes from files of the allowed folders, each time as a fresh module."""

from __future__ import annotations

import hashlib
import itertools
import linecache
import sys
import threading
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from gcg_quant.errors import GcgQuantError, StrategyError, nearest

from ..guests import GUESTS, GuestFile, tick_classes
from ..strategy.base import Strategy
from .adapter import StrategyAdapter
from .discovery import SHIPPED_FOLDER, StrategyFile, discover, scan
from .file_watch import digest_of

__all__ = ["LoadedClass", "StrategyLoader", "strategy_frame"]

_PREFIX = "_gcg_strategy_"
_numbers = itertools.count(1)
_modules = threading.RLock()  # the process's table of modules is changed for one strategy file at a time
_brought: dict[str, list[ModuleType]] = {}  # modules beside strategy files, by name, as the loads have brought them in


@dataclass(frozen=True, slots=True)
class LoadedClass:
    """A strategy class fresh from its file; `adapter` is None for a class of ours."""

    cls: type
    file: Path
    kind: str
    adapter: StrategyAdapter | None
    digests: Mapping[Path, str] = field(default_factory=dict)  # of its file and of the modules beside it that it has imported
    beside: tuple[ModuleType, ...] = ()  # these modules

    def make(self, parameters: dict[str, object]) -> Strategy:
        """Return a new strategy object. Raises StrategyError for wrong parameters or a constructor that raises."""
        try:
            if self.adapter is not None:
                return self.adapter.wrap(self.cls, parameters)
            made: Strategy = self.cls(**parameters)
            return made
        except GcgQuantError:
            raise
        except Exception as error:
            raise StrategyError(f"{strategy_frame(error, self.file)}: {self.cls.__name__} cannot be made: {_describe(error)}") from error

    def release(self) -> None:
        """Forget the module and those beside it that it has imported, when the last strategy of it is gone."""
        sys.modules.pop(self.cls.__module__, None)
        _forget_beside(self.beside)


class StrategyLoader:
    """Finds and loads strategy files, from the shipped folder and the allowed ones and from nowhere else.

    Args:
        folders: where files may lie, at any depth; missing folders are passed over. Symbolic links are followed before the check.
        adapters: for classes of other frameworks.
    """

    def __init__(self, folders: Iterable[Path | str] = (), adapters: Sequence[StrategyAdapter] = ()) -> None:
        self.folders = tuple(dict.fromkeys([SHIPPED_FOLDER, *(Path(folder).expanduser().resolve() for folder in folders)]))
        self.adapters = tuple(adapters)

    def discover(self) -> list[StrategyFile]:
        """Return every strategy file of the folders, without running any of them."""
        return discover(self.folders)

    def find(self, name: str) -> Path:
        """Return the path of a strategy file given as path or as short name ("grid").

        Raises StrategyError if there is none, or if it lies outside the allowed folders.
        """
        if not name:
            raise StrategyError("A strategy needs a file: name one, such as 'grid' or 'strategies/mine.py'.")
        given = Path(name).expanduser()
        candidates = [given] if given.suffix else []
        candidates += [folder / (name if given.suffix else f"{name}.py") for folder in self.folders]
        for candidate in candidates:
            path = candidate.resolve()
            if path.is_file():
                return self._allowed(path, name)
        known = [file.name for file in self.discover()]
        raise StrategyError(f"There is no strategy file {name!r} in {self._listed()}.{nearest(given.stem, known)}", file=name)

    def load(self, name: str, class_name: str = "") -> LoadedClass:
        """Run a strategy file as a fresh module and return its class.

        Raises StrategyError, naming file and line: not allowed, no Python, an import that fails, no strategy class in it, or several
        and none chosen.
        """
        path = self.find(name)
        source = _source(path)
        guests = GuestFile(GUESTS, source)
        module, beside = _run(path, source, guests)
        try:
            chosen = self._choose(path, module, guests, class_name)
        except StrategyError:
            sys.modules.pop(module.__name__, None)
            _forget_beside(beside)
            raise
        files = [Path(one.__file__) for one in beside if one.__file__]
        digests = {path: hashlib.sha256(source).hexdigest(), **{file: digest_of(file) for file in files}}
        return replace(chosen, digests=digests, beside=beside)

    def _choose(self, path: Path, module: ModuleType, guests: GuestFile, class_name: str) -> LoadedClass:
        theirs = guests.classes(module) or [(cls, "hft") for cls in tick_classes(module)]
        found = {cls.__name__: (cls, kind) for cls, kind in [*self._classes(module), *theirs]}
        chosen = class_name or _only(path, list(found))
        if chosen not in found:
            raise StrategyError(
                f"{path} has no strategy class {chosen!r} (it has: {', '.join(found) or 'none'}).{nearest(chosen, found)}",
                file=str(path),
            )
        cls, kind = found[chosen]
        adapter = next((one for one in self.adapters if one.kind == kind and one.matches(cls)), None)
        return LoadedClass(cls, path, kind, adapter)

    def _classes(self, module: ModuleType) -> list[tuple[type, str]]:
        found = []
        for member in vars(module).values():
            if isinstance(member, type) and member.__module__ == module.__name__:
                kind = self._kind(member)
                if kind:
                    found.append((member, kind))
        return found

    def _kind(self, cls: type) -> str:
        if issubclass(cls, Strategy):
            return "gcg_quant"
        return next((adapter.kind for adapter in self.adapters if adapter.matches(cls)), "")

    def _allowed(self, path: Path, name: str) -> Path:
        if path.suffix != ".py":
            raise StrategyError(f"A strategy file ends in .py; {name!r} does not.", file=name)
        if not any(path.is_relative_to(folder) for folder in self.folders):
            raise StrategyError(
                f"The strategy file {path} lies outside the allowed folders ({self._listed()}): move it there, or add its folder to "
                "[strategies].folders.",
                file=name,
            )
        return path

    def _listed(self) -> str:
        return ", ".join(str(folder) for folder in self.folders)


def strategy_frame(error: BaseException, file: Path) -> str:
    """Return "file:line" of the innermost frame of `error` that lies in `file`, or of the innermost one at all."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == str(file)]
    if not frames:
        return str(file)
    frame = (own or list(frames))[-1]
    return f"{frame.filename}:{frame.lineno}"


def _only(path: Path, classes: list[str]) -> str:
    if len(classes) == 1:
        return classes[0]
    if classes:
        raise StrategyError(f"{path} has several strategy classes: say which one ({', '.join(classes)}).", file=str(path))
    hint = next((found for found in scan(path).classes if found.kind != "gcg_quant"), None)
    if hint is not None:
        raise StrategyError(
            f"{path}:{hint.line}: {hint.name} is a {hint.kind} strategy, and no adapter for it is installed here.", file=str(path)
        )
    raise StrategyError(
        f"{path} has no strategy class: derive one from gcg_quant.strategy_engine.Strategy or bt.Strategy (or write Kungfu's callbacks, "
        "such as on_quote, into a file that imports kungfu).",
        file=str(path),
    )


def _run(path: Path, source: bytes, guests: GuestFile) -> tuple[ModuleType, tuple[ModuleType, ...]]:
    # Compiled from the source every time, and so are the modules beside it: the interpreter's cache knows a file by its time in seconds
    # and its size, and a file that was changed twice within a second would come back old.
    name = f"{_PREFIX}{path.stem}_{next(_numbers)}"
    module = ModuleType(name)
    module.__file__ = str(path)
    guests.prepare(module)
    with _modules:
        sys.modules[name] = module  # dataclasses and pickle look their module up
        set_aside = _set_aside(path.parent)
        folder = str(path.parent)
        known_finder = sys.path_importer_cache.get(folder)
        sys.path_importer_cache[folder] = FileFinder(folder, (ExtensionFileLoader, EXTENSION_SUFFIXES), (_SourceLoader, SOURCE_SUFFIXES))
        sys.path.append(folder)
        try:
            exec(compile(source, str(path), "exec", dont_inherit=True), vars(module))
            beside = tuple(_neighbours(path.parent))
        except BaseException as error:
            del sys.modules[name]
            for one in _neighbours(path.parent):
                del sys.modules[one.__name__]
            if isinstance(error, KeyboardInterrupt):
                raise
            raise _load_error(path, error) from error
        finally:
            sys.path.remove(folder)
            if known_finder is None:
                sys.path_importer_cache.pop(folder, None)
            else:
                sys.path_importer_cache[folder] = known_finder
            for one in set_aside:
                sys.modules.setdefault(one.__name__, one)
        for one in beside:
            _brought.setdefault(one.__name__, []).append(one)
    linecache.checkcache(str(path))
    return module, beside


class _SourceLoader(SourceFileLoader):
    # Neither reads nor writes bytecode.
    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


# Modules beside the strategy file are imported afresh with it, and one of the same name that lies beside another strategy is not taken
# for its own. Those that it does not import stay known: Backtrader looks the module of a class up by name whenever it makes an object.
def _set_aside(folder: Path) -> list[ModuleType]:
    others = [modules[-1] for name, modules in _brought.items() if modules and sys.modules.get(name) is modules[-1]]
    found = list(dict.fromkeys([*_neighbours(folder), *others]))
    for module in found:
        del sys.modules[module.__name__]
    return found


# Several strategies may have imported a module of this name, each its own: the newest of those that are left is known by it.
def _forget_beside(modules: Iterable[ModuleType]) -> None:
    with _modules:
        for module in modules:
            name = module.__name__
            left = _brought[name] = [one for one in _brought.get(name, ()) if one is not module]
            if sys.modules.get(name) is module:
                if left:
                    sys.modules[name] = left[-1]
                else:
                    del sys.modules[name]
            if not left:
                del _brought[name]


def _neighbours(folder: Path) -> list[ModuleType]:
    found = []
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        own = name == "__main__" or name.startswith(_PREFIX) or "." in name
        if file and not own and Path(file).parent == folder and module.__name__ == name:
            found.append(module)
    return found


def _source(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StrategyError(f"The strategy file {path} cannot be read: {error.strerror}.", file=str(path)) from error


def _load_error(path: Path, error: BaseException) -> StrategyError:
    if isinstance(error, RuntimeError) and isinstance(error.__cause__, GcgQuantError):
        error = error.__cause__.with_traceback(error.__traceback__)  # a Parameter refused its place in the class body
    if isinstance(error, SyntaxError):
        place = f"{error.filename or path}:{error.lineno or 1}"
        return StrategyError(f"{place}: this is not valid Python: {error.msg}.", file=str(path))
    if isinstance(error, ImportError):
        return StrategyError(f"{strategy_frame(error, path)}: an import failed: {error}.", file=str(path))
    return StrategyError(f"{strategy_frame(error, path)}: the file cannot be loaded: {_describe(error)}", file=str(path))


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
