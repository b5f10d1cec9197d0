"""`hft.Engine`: market data, strategies and settings in, a result out.

engine = hft.Engine(cash=1_000_000, latency={"order_ms": 2})
engine.add_data("IF1311.csv")
engine.add_strategy(Grid(step=0.4))
result = engine.run()
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gcg_quant.clock import to_iso
from gcg_quant.errors import BacktestError, StrategyError
from gcg_quant.instruments import Instrument

from ...strategy_engine.hft import Strategy
from .config import HftConfig
from .config_file import changed_config, read_config
from .desk import LogLine
from .file_run import current_file
from .progress import Progress
from .run import Added, Run
from .terms import run_instruments

if TYPE_CHECKING:
    from .market import Feed
    from .result import Result

__all__ = ["Engine"]


class Engine:
    """The native tick engine with its data, strategies and settings.

    `run` goes to the end, `step` a number of market events; `result` is what came of it so far, also after Ctrl-C or an error of a
    strategy. When a run is over, the next `run` or `step` begins a new one: strategies are made anew, and the same data give the same
    result. Settings, data and strategies may be changed between two runs.

    Args:
        config: a settings file (JSON or TOML), or settings.
        settings: any of the keys of `HftConfig`, such as cash=1e6, latency={"order_ms": 2}, queue="risk_averse".

    Raises:
        SettingsError: a key or a value that makes no sense; the nearest known key is named.
    """

    def __init__(self, config: HftConfig | str | Path | None = None, **settings: Any) -> None:
        self._config = HftConfig()
        self._feeds: list[Feed] = []
        self._strategies: dict[str, Added] = {}
        self._run: Run | None = None
        self._seconds = 0.0
        self._result: Result | None = None
        self._result_of = (0, False)
        file = current_file()
        if file is not None:
            file.engines.append(self)
            self._change(dict(file.settings))
        if isinstance(config, HftConfig):
            self._config = config
            self._add_configured(config)
        elif config is not None:
            self.load_config(config)
        if settings:
            self._change(settings)

    # ---- before the run

    @property
    def config(self) -> HftConfig:
        """The settings of the next run."""
        return self._config

    def load_config(self, path: str | Path) -> None:
        """Take the settings of a JSON or TOML file in place of the present ones, key by key; its data are added.

        Raises:
            SettingsError: with path and line, a file that cannot be read, a key or a value that makes no sense.
        """
        self._check_idle("load settings")
        file = current_file()
        chosen = file.config if file is not None and file.config is not None else path
        config = read_config(chosen, self._config)
        if config.data != self._config.data:
            self._add_configured(config)
        self._config = config

    def add_data(self, source: Any, symbol: str | Sequence[str] = "", **options: Any) -> None:
        """Add market data; several instruments and sources are merged by event time.

        Args:
            source: a journal (a bus folder), a CSV or Parquet file, a database, a frame, or a structured array of a record's dtype
                (`hft.rows(hft.Tick, ...)`), which is read where it lies.
            symbol: "IF1311" or "IF1311@CFFEX": which instruments of it, or what it is, where it does not tell.
            options: `kind`, `start`, `end`, `timezone`, `sort` and others; see `gcg_quant.backtest.hft.data.load`.

        Raises:
            ImportFileError: the data cannot be read, or are of no record's fields. InstrumentError: there is no such symbol.
        """
        self._check_idle("add data")
        from .data import load  # reading files takes pyarrow

        self._feeds += load(source, symbol, **options)
        self._forget()

    def add_strategy(self, strategy: object, name: str = "", symbols: str | Sequence[str] = ()) -> str:
        """Add a strategy, which the engine keeps alive, and return what it is called: its class, numbered where it is not the first.

        Args:
            strategy: an object of a class that derives from `hft.Strategy`.
            name: what it is called instead.
            symbols: what it sees; by default its class's `symbols`, and everything if that names none.

        Raises:
            StrategyError: it is no such object, was added already, or there is one of that name.
        """
        self._check_idle("add a strategy")
        if not isinstance(strategy, Strategy):
            hint = f"; make an object of it: {strategy.__name__}()" if isinstance(strategy, type) else ""
            raise StrategyError(f"Engine.add_strategy wants an object of a class derived from hft.Strategy, not {strategy!r}{hint}.")
        if any(one.strategy is strategy for one in self._strategies.values()):
            raise StrategyError(f"This {type(strategy).__name__} was added already: make another object of the class.")
        chosen = name or self._free_name(type(strategy).__name__)
        if chosen in self._strategies:
            raise StrategyError(f"There is a strategy {chosen!r} already: give another name.", name=chosen)
        wanted = symbols or strategy.symbols
        self._strategies[chosen] = Added(chosen, strategy, (wanted,) if isinstance(wanted, str) else tuple(wanted))
        self._forget()
        return chosen

    def load_strategies(self, path: str | Path, class_name: str = "", **parameters: Any) -> list[str]:
        """Add the strategies of a file and return their names: those that it adds to an engine of its own, else its classes.

        Args:
            path: a Python file that imports `hft_backtest` or `gcg_quant.backtest.hft`; what it runs at the end is passed over.
            class_name: only this class of it.
            parameters: given to each of its classes.

        Raises:
            StrategyError: the file cannot be loaded, or has no such class.
        """
        from .strategy_file import strategies_of

        return [self.add_strategy(one) for one in strategies_of(Path(path), class_name, parameters)]

    # ---- the run

    def run(self, *, progress: bool | None = None) -> Result:
        """Run to the end of the data and return the result.

        It goes on after `step` or Ctrl-C, and begins anew after an end.

        Args:
            progress: whether to show a bar; by default in a terminal or a notebook, for what takes longer than half a second.

        Raises:
            StrategyError: a callback raised. KeyboardInterrupt: Ctrl-C. BacktestError: there is nothing to run.
        """
        with Progress(progress) as bar:
            self._advance(-1, bar.show)
        if self._config.report:
            self.result.report(self._config.report)
        return self.result

    def step(self, events: int = 1) -> int:
        """Handle the next market events and return how many there were: fewer at the end of the data.

        Raises: as `run`.
        """
        if events < 0:
            raise BacktestError(f"step() takes a number of market events, not {events!r}.")
        return self._advance(events, None)

    def reset(self) -> None:
        """Forget the run: the next one begins at the first event, with each strategy as it was made."""
        self._forget()

    @property
    def result(self) -> Result:
        """What has come of the run so far: orders, fills, positions and equity. Raises BacktestError before the first one."""
        run = self._run
        if run is None or not run.begun:
            raise BacktestError("There is no result yet: call run() or step() first.")
        state = (run.native.done, run.over)
        if self._result is None or self._result_of != state:
            from .outcome import result_of  # frames take pandas

            self._result, self._result_of = result_of(run, self._feeds, self._seconds), state
        return self._result

    @property
    def log(self) -> list[LogLine]:
        """What the strategies have logged: (time_ns, strategy, text)."""
        return list(self._run.log) if self._run is not None else []

    @property
    def strategies(self) -> dict[str, Strategy]:
        """The strategies by name, in the order in which they are called."""
        return {name: one.strategy for name, one in self._strategies.items()}

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """The terms of the instruments that take part, in the order of their numbers."""
        return tuple(run_instruments(self._config, self._feeds))

    @property
    def now(self) -> int:
        """The time of the last event in nanoseconds, 0 before the first."""
        return self._run.native.now_ns if self._run is not None else 0

    @property
    def has_run(self) -> bool:
        """Whether there is a result."""
        return self._run is not None and self._run.begun

    @property
    def finished(self) -> bool:
        """Whether the data have ended."""
        return self._run is not None and self._run.ended

    def __repr__(self) -> str:
        """Return what it holds and how far it has come."""
        names = ", ".join(self._strategies) or "none"
        symbols = ", ".join(dict.fromkeys(symbol for feed in self._feeds for symbol, _, _ in feed.places)) or "none"
        return f"<hft.Engine data: {symbols}; strategies: {names}; {self._state()}>"

    # ---- inside

    def _state(self) -> str:
        run = self._run
        if run is None or not run.begun:
            return "not run yet"
        if run.failed:
            return f"failed at {to_iso(self.now)}"
        return f"finished after {run.native.done:,} events" if run.ended else f"{run.native.done:,} events, at {to_iso(self.now)}"

    def _advance(self, most: int, show: Any) -> int:
        if self._run is None or self._run.over:
            self._begin()
        run = self._run
        assert run is not None
        begin = time.perf_counter()
        try:
            return run.advance(most, show)
        finally:
            self._seconds += time.perf_counter() - begin

    def _begin(self) -> None:
        if not self._feeds:
            raise BacktestError("There is no market data to run over: call add_data() first, or name it in the settings.")
        instruments = run_instruments(self._config, self._feeds)
        currency = self._config.currency or instruments[0].currency
        for one in self._strategies.values():
            if one.strategy.has_run:
                one.strategy.make_anew()
        self._result = None
        self._run = Run(self._config, currency, instruments, self._feeds, list(self._strategies.values()))
        self._seconds = 0.0

    def _forget(self) -> None:
        self._run = self._result = None

    def _check_idle(self, what: str) -> None:
        run = self._run
        if run is not None and run.begun and not run.over:
            raise BacktestError(f"The run is on its way: call reset() first to {what}, or run() to end it.")

    def _change(self, settings: Mapping[str, Any]) -> None:
        config = changed_config(self._config, settings, "hft.Engine")
        if "data" in settings:
            self._add_configured(config)
        self._config = config

    def _add_configured(self, config: HftConfig) -> None:
        for entry in config.data:
            if isinstance(entry, str):
                self.add_data(entry)
            else:
                options = dict(entry)
                path = options.pop("path", None)
                if path is None:
                    raise BacktestError(f"A table of data needs a path, found {entry!r}.")
                self.add_data(path, **options)

    def _free_name(self, name: str) -> str:
        if name not in self._strategies:
            return name
        number = 2
        while f"{name}{number}" in self._strategies:
            number += 1
        return f"{name}{number}"
