"""What `strategies test` is asked to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gcg_quant.errors import StrategyError

from ...backtest.adapters import BacktraderAdapter
from ...strategy_engine.hosting.loader import LoadedClass, StrategyLoader
from ...strategy_engine.hosting.roster import LoadRequest
from .market_data import MarketData, recorded, simulated
from .rehearsal import rehearse

__all__ = ["CheckSpec"]

_ID = "tested"
_MOST_EVENTS = 20_000


@dataclass(frozen=True, kw_only=True)
class CheckSpec:
    """A strategy file, and the market that it is rehearsed on.

    Args:
        file: path or short name. `class_name`: which class of it, if it holds several.
        folders: where strategy files may lie, besides the shipped ones.
        symbols: to run it on, by default its own.
        parameters: to run it with.
        seconds: how long the simulated market lasts.
        journal: a bus folder to take recorded market data from instead.
    """

    file: str
    folders: Sequence[Path] = ()
    class_name: str = ""
    symbols: Sequence[str] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 600.0
    journal: Path | None = None

    def load(self) -> LoadedClass:
        """Return its class, to be released by the caller. Raises StrategyError: there is none, or it cannot be loaded."""
        return StrategyLoader(self.folders, [BacktraderAdapter()]).load(self.file, self.class_name)

    def request(self, loaded: LoadedClass) -> LoadRequest:
        """Return what the manager of a rehearsal is asked to load."""
        return LoadRequest(
            file=str(loaded.file),
            id=_ID,
            class_name=loaded.cls.__name__,
            symbols=tuple(self.symbols),
            parameters=self.parameters,
            start=True,
        )

    def market(self, loaded: LoadedClass) -> MarketData:
        """Return what the class is rehearsed on. Raises StrategyError: no symbol is named, the strategy does not start, or the journal."""
        symbols = tuple(self.symbols) or self._own_symbols(loaded)
        return recorded(self.journal, symbols, _MOST_EVENTS) if self.journal is not None else simulated(symbols, self.seconds)

    def _own_symbols(self, loaded: LoadedClass) -> tuple[str, ...]:
        strategy = loaded.make(dict(self.parameters))
        found = (strategy.symbols,) if isinstance(strategy.symbols, str) else tuple(strategy.symbols)
        if strategy.subscribes:  # it says so only when it starts
            outcome = rehearse(self.request(loaded), self.folders, (), ())
            if outcome.failure:
                raise StrategyError(outcome.failure)
            found = outcome.symbols
        if not found:
            raise StrategyError(f"{loaded.cls.__name__} names no symbol: give one with --symbol.")
        return found
