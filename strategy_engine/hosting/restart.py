"""What a manager loads when it begins: the settings' list, and what was loaded by command before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gcg_quant.events import StrategyStatusEvent

from .recovery import Past
from .roster import LoadRequest

__all__ = ["PlannedLoad", "plan_restart"]


@dataclass(frozen=True, slots=True)
class PlannedLoad:
    """A strategy to load; without a request it is one that is gone from the settings, or whose file hung while it was loaded.

    `error` is that of one that had failed, `run` what an adapter had said of a run that was cut off.
    """

    id: str
    request: LoadRequest | None
    origin: int = 0
    error: str = ""
    run: dict[str, Any] = field(default_factory=dict)


def plan_restart(settings: Sequence[LoadRequest], past: Past) -> list[PlannedLoad]:
    """Return what to load, the settings' strategies first, none twice.

    When this process alone was restarted, a strategy of the settings goes on as it was: with the parameters set since, stopped if it was
    stopped, and not at all if it was unloaded or if its file hung. When the whole system starts, the settings decide about theirs. A
    strategy that was loaded by a command comes back in either case, and runs if it ran.
    """
    planned = [_with_run(item, past) for request in settings if (item := _of_settings(request, past)) is not None]
    named = {_id_of(request) for request in settings}
    for name, status in past.strategies.items():
        if name in named:
            continue
        origin = past.origins.get(name, 0)
        here = PlannedLoad(name, _as_it_was(status), origin, status.error) if origin and status.file else PlannedLoad(name, None)
        planned.append(_hung_in_file(name, past) or _with_run(here, past))
    return planned


def _with_run(planned: PlannedLoad, past: Past) -> PlannedLoad:
    status = past.strategies.get(planned.id)
    cut_off = status is not None and status.state == "running"
    return replace(planned, run=dict(status.run)) if status is not None and cut_off else planned


def _of_settings(request: LoadRequest, past: Past) -> PlannedLoad | None:
    name = _id_of(request)
    request = replace(request, id=name)
    if (hung := _hung_in_file(name, past)) is not None:
        return hung
    status = past.strategies.get(name)
    if status is not None and status.file and past.is_of_this_run(status.id):
        before = _as_it_was(status)
        start = before.start or (request.start and name not in past.acted)  # the process ended before it came to start it
        return PlannedLoad(name, replace(request, parameters=before.parameters, start=start), error=status.error)
    if name in past.unloaded and past.is_of_this_run(past.unloaded[name]):
        return None
    return PlannedLoad(name, request)


def _hung_in_file(name: str, past: Past) -> PlannedLoad | None:
    # Not before the next start of the whole system, or a command: it would hang again.
    hung = past.hung.get(name)
    return PlannedLoad(name, None, error=hung.error) if hung is not None and hung.in_file and past.is_of_this_run(hung.event_id) else None


def _as_it_was(status: StrategyStatusEvent) -> LoadRequest:
    return LoadRequest(
        file=status.file,
        id=status.strategy,
        class_name=status.class_name,
        symbols=tuple(status.symbols),
        parameters=status.parameters,
        account=status.account,
        start=status.state == "running",
    )


def _id_of(request: LoadRequest) -> str:
    return request.id or Path(request.file).stem
