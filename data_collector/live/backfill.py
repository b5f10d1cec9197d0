"""Back-fill: a venue's own history into the database, piece by piece; what was filled in before is not asked for again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from gcg_quant.asking import ROWS
from gcg_quant.clock import NS_PER_DAY
from gcg_quant.cold_events import REFILLED
from gcg_quant.enumerations import BarBasis, BarOrigin
from gcg_quant.errors import GcgQuantError
from gcg_quant.events import GapEvent
from gcg_quant.periods import period_ns
from gcg_quant.stretches import Stretch, joined, without

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus
    from gcg_quant.history import History

__all__ = ["Piece", "pieces", "refilled", "stored"]

_BARS_A_PIECE = 1000  # what most venues give in one answer


class Piece(NamedTuple):
    """A stretch of one symbol's history that is asked for at once."""

    symbol: str
    what: str
    start_ns: int
    end_ns: int


def pieces(
    symbols: Sequence[str],
    whats: Sequence[str],
    start_ns: int,
    end_ns: int,
    *,
    known: Callable[[str, str], list[Stretch]],
    traded: Callable[[str, int, int], bool],
) -> Iterator[Piece]:
    """Yield what is to be asked for, the oldest first within each symbol.

    Args:
        symbols: of the instruments.
        whats: bar periods, "trade" ...
        start_ns: beginning.
        end_ns: end; bars that end later are not over yet.
        known: returns what is there already of a symbol and kind, as `joined` returns it.
        traded: says whether a symbol's market was open in a stretch: what it slept through is passed over.
    """
    for symbol in symbols:
        for what in whats:
            length = _BARS_A_PIECE * period_ns(what) if what not in ROWS else NS_PER_DAY // 24
            step = 1 if what in ROWS else period_ns(what)
            begin, end = start_ns - start_ns % step, end_ns - end_ns % step
            for first, last in without((begin, end), known(symbol, what)):
                for at in range(first, last, length):
                    over = min(at + length, last)
                    if traded(symbol, at, over):
                        yield Piece(symbol, what, at, over)


def refilled(bus: EventBus, source: str) -> dict[tuple[str, str], list[Stretch]]:
    """Return what a collector has filled in as far as the bus tells, by symbol and kind: each piece is told of behind its rows."""
    found: dict[tuple[str, str], list[Stretch]] = {}
    with bus.reader(start="begin", events=[GapEvent], sources=[source]) as reader:
        for event in reader:
            if isinstance(event, GapEvent) and event.kind == REFILLED:
                found.setdefault((event.symbol, event.detail), []).append((event.start_ns, event.end_ns))
    return {key: joined(stretches) for key, stretches in found.items()}


def stored(history: History | None, symbol: str, venue: str, what: str, start_ns: int, end_ns: int) -> list[Stretch]:
    """Return which part of a stretch is stored already: of bars the intervals that they cover; of others nothing is sure."""
    if history is None or what in ROWS:
        return []
    try:
        bars = history.bars(symbol, what, venue=venue, start_ns=start_ns, end_ns=end_ns, basis=BarBasis.LAST)
    except GcgQuantError:
        return []  # it knows nothing of the symbol
    bars = bars[bars["origin"] != BarOrigin.AGGREGATED]  # put together of others, or by us: part of one may be missing
    return joined(zip(bars["start_ns"].tolist(), bars["event_ns"].tolist(), strict=True))
