"""Strategy files in the tick engine: those written for `hft_backtest` run as they are, and so do those of ours."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gcg_quant.errors import GcgQuantError, StrategyError, nearest

from ...strategy_engine.guests import Guest, GuestFile
from ...strategy_engine.guests.hft import HFT_ROOT, HftBacktest, hft_names
from ...strategy_engine.hft import Strategy
from .file_run import FileRun, running_file

if TYPE_CHECKING:
    from .result import Result

__all__ = ["run_file", "strategies_of"]

_numbers = itertools.count(1)


def run_file(path: str | Path, config: str | Path | None = None, **settings: Any) -> Result:
    """Run a strategy file as a script and return the result of the last engine that it ran.

    The file may import `hft_backtest` (its `Engine` is ours) or `gcg_quant.backtest.hft`. One that runs no engine has its strategies
    run: those of its classes, in an engine of these settings.

    Args:
        path: the file.
        config: a settings file; its engines' `load_config` reads this one, whatever they name.
        settings: what its engines begin with, as keywords of `hft.Engine`.

    Raises:
        StrategyError: the file cannot be run, or a strategy of it raised. SettingsError: settings that make no sense.
    """
    file = Path(path)
    run = FileRun(None if config is None else Path(config), settings)
    with running_file(run):
        module, _ = _executed(file, _EngineModule(), "__main__")
    ran = [engine for engine in run.engines if engine.has_run]
    if ran:
        return ran[-1].result
    from .engine import Engine

    engine = Engine(config, **settings)
    for one in _objects(module, file, "", {}):
        engine.add_strategy(one)
    return engine.run()


def strategies_of(path: Path, class_name: str, parameters: Mapping[str, Any]) -> list[Strategy]:
    """Return the strategies of a file: those that it adds to an engine of `hft_backtest`, else one of each of its classes.

    Raises:
        StrategyError: the file cannot be loaded or has no such class.
    """
    guest = HftBacktest()
    module, provided = _executed(path, guest, f"_gcg_hft_{path.stem}_{next(_numbers)}")
    added: list[Strategy] = vars(provided[HFT_ROOT])["_added"] if provided else []
    if added and not class_name and not parameters:
        return list(added)
    return _objects(module, path, class_name, parameters)


class _EngineModule:
    """Provides `hft_backtest` with the engine itself."""

    kind = HFT_ROOT
    root = HFT_ROOT

    def modules(self) -> dict[str, ModuleType]:
        """Return the module."""
        from .engine import Engine

        module = ModuleType(self.root, "The names of hft_backtest, as gcg_quant provides them.")
        vars(module).update(hft_names(), Engine=Engine)
        return {self.root: module}

    def classes(self, module: ModuleType, provided: Mapping[str, ModuleType]) -> list[Any]:
        """Return nothing: who asks for the classes does it by himself."""
        return []


def _executed(path: Path, guest: Guest, name: str) -> tuple[ModuleType, Mapping[str, ModuleType]]:
    try:
        source = path.read_bytes()
    except OSError as error:
        raise StrategyError(f"The strategy file {path} cannot be read: {error.strerror or error}.", file=str(path)) from error
    guests = GuestFile([guest], source)
    module = ModuleType(name)
    module.__file__ = str(path)
    guests.prepare(module)
    before = sys.modules.get(name)
    sys.modules[name] = module  # dataclasses and pickle look their module up
    sys.path.insert(0, str(path.resolve().parent))
    try:
        exec(compile(source, str(path), "exec", dont_inherit=True), vars(module))
    except GcgQuantError:
        raise
    except SyntaxError as error:
        raise StrategyError(f"{error.filename or path}:{error.lineno or 1}: this is not valid Python: {error.msg}.") from error
    except Exception as error:
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise StrategyError(f"{path}:{_line(error, path)}: the file cannot be run: {said.rstrip('.')}.", file=str(path)) from error
    finally:
        sys.path.remove(str(path.resolve().parent))
        if before is not None:
            sys.modules[name] = before
    return module, guests.provided(guest.root)


def _line(error: BaseException, path: Path) -> int:
    line, trace = 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _objects(module: ModuleType, path: Path, class_name: str, parameters: Mapping[str, Any]) -> list[Strategy]:
    classes = {
        name: member
        for name, member in vars(module).items()
        if isinstance(member, type) and issubclass(member, Strategy) and member.__module__ == module.__name__
    }
    if class_name and class_name not in classes:
        listed = ", ".join(classes) or "none"
        raise StrategyError(f"{path} has no strategy class {class_name!r} (it has: {listed}).{nearest(class_name, classes)}")
    if not classes:
        raise StrategyError(f"{path} has no strategy class: derive one from hft.Strategy.", file=str(path))
    return [classes[class_name](**parameters)] if class_name else [one(**parameters) for one in classes.values()]
