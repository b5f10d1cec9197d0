"""Why two runs of a strategy decided differently: the first event that is not the same in both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from gcg_quant.events import Bar, Event, Fill, StrategyStatusEvent, World

from .difference import FirstEvent, Kind, first_event
from .market import TwoMarkets
from .run_log import RunLog

__all__ = ["Cause", "Causes"]

_SEQ = (1 << 60) - 1


class Cause(NamedTuple):
    """What kind of difference an event leads to, the event, and how."""

    kind: Kind
    first: FirstEvent
    text: str


class Causes:
    """Looks for what the two runs, "a" and "b", do not have in common."""

    def __init__(self, runs: Mapping[str, RunLog], market: TwoMarkets) -> None:
        self._runs = runs
        self._market = market

    def of_decision(self, symbol: str, moments: set[int], silent: str) -> Cause | None:
        """Return why an order was given at one of these moments in one run and not in the other, as far as an event says it.

        Args:
            symbol: of the order.
            moments: the market's time of the order, in both runs if both have it.
            silent: the run that has no such order, "" if both have it.
        """
        return (
            self._not_running(silent, max(moments))
            or self._parameters()
            or self._bar(symbol, max(moments))
            or self._late_news(symbol, moments)
        )

    def _not_running(self, run: str, at_ns: int) -> Cause | None:
        if not run:
            return None
        running, status = self._runs[run].running(at_ns)
        if running or status is None:
            return None
        return Cause("timing", first_event(run, status), f"the strategy did not run in run {run} then")

    # In a session the bar that fills or ends an order is there before that is told: the strategy decides on the bar, and hears of it
    # afterwards. (A backtest tells it first.)
    def _late_news(self, symbol: str, moments: set[int]) -> Cause | None:
        for run, log in self._runs.items():
            for track in log.orders if log.world != World.BACKTEST else ():
                if track.request.symbol != symbol:
                    continue
                news: list[tuple[Event, Event | None]] = list(zip(track.fills, track.fill_causes, strict=True))
                news += [(state, track.end_cause) for state in track.states[-1:]]
                for event, cause in news:
                    if isinstance(cause, Bar) and cause.event_ns in moments:
                        what = "a fill" if isinstance(event, Fill) else "the end of an order"
                        why = f"run {run} heard of {what} within that bar only after it had decided"
                        return Cause("timing", first_event(run, event), why)
        return None

    def _parameters(self) -> Cause | None:
        given = {run: _parameters(log) for run, log in self._runs.items()}
        for name in sorted(set(given["a"][0]) & set(given["b"][0])):
            left, right = given["a"][0][name], given["b"][0][name]
            if left != right:
                event = given["b"][1] or given["a"][1]
                if event is not None:
                    run = "b" if given["b"][1] is not None else "a"
                    why = f"the parameter {name} is {left!r} in run a and {right!r} in run b"
                    return Cause("timing", first_event(run, event, why), why)
        return None

    def _bar(self, symbol: str, until_ns: int) -> Cause | None:
        found = self._market.first_difference(symbol, 0, until_ns)
        if found is None:
            return None
        run = "a" if found.missing == "b" else "b"
        ids = next((ids for (name, _), ids in self._runs[run].bar_ids.items() if name == symbol), {})
        event_id = ids.get(found.start_ns, 0)
        first = FirstEvent(run=run, lane="market", seq=event_id & _SEQ, type="Bar", time_ns=found.end_ns, text=found.text)
        return Cause("timing" if found.missing else "price", first, "the bars differ before")

    def beginning(self, symbol: str) -> Cause | None:
        """Return the first bar of the run whose bars begin later: averages of other bars are not the same for a while, or ever."""
        begins = {run: self._first_bar(run, symbol) for run in self._runs}
        if begins["a"] is None or begins["b"] is None or begins["a"][:1] == begins["b"][:1]:
            return None
        run, (_, end_ns, event_id) = max((("a", begins["a"]), ("b", begins["b"])), key=lambda one: one[1])
        why = f"the bars of run {run} begin later, so that what was computed of them may differ"
        first = FirstEvent(run=run, lane="market", seq=event_id & _SEQ, type="Bar", time_ns=end_ns, text=why)
        return Cause("timing", first, why)

    def _first_bar(self, run: str, symbol: str) -> tuple[int, int, int] | None:
        log = self._runs[run]
        for place, rows in log.bars.items():
            if place[0] == symbol and len(rows):
                start_ns = int(rows["start_ns"][0])
                return start_ns, int(rows["event_ns"][0]), log.bar_ids[place].get(start_ns, 0)
        return None


def _parameters(log: RunLog) -> tuple[dict[str, Any], Event | None]:
    if log.request is not None:
        return {**log.parameters}, log.request
    status: StrategyStatusEvent | None = next((one for one in reversed(log.states) if one.parameters), None)
    return {**log.parameters}, status
