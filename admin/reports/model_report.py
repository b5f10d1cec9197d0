"""Trained models as the console and REST show them: what is kept, and what the running system serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gcg_quant.events import ModelStatusEvent

from ...strategy_engine.models.record import DamagedRecord, ModelRecord
from ...strategy_engine.models.store import ModelStore

__all__ = ["model_detail", "model_rows"]

_SHOWN = ("id", "version", "symbol", "venue", "period", "basis", "horizon", "start_ns", "end_ns", "bars", "rows", "created_ns", "sha256")


def model_rows(store: ModelStore, states: Mapping[str, ModelStatusEvent]) -> list[dict[str, Any]]:
    """Return every version of every model, by id, the newest first: data, scores, and its state if it is served.

    One whose record cannot be read has the state "damaged", why as `detail`, and None for what is not known.
    """
    return [_row(record, states) for record in store.records()]


def model_detail(record: ModelRecord, states: Mapping[str, ModelStatusEvent]) -> dict[str, Any]:
    """Return everything that is kept of a model's version, and its state."""
    detail: dict[str, Any] = msgspec.to_builtins(record)
    return {**detail, **_state(record, states)}


def _row(record: ModelRecord | DamagedRecord, states: Mapping[str, ModelStatusEvent]) -> dict[str, Any]:
    if isinstance(record, DamagedRecord):
        facts = dict.fromkeys((*_SHOWN, "features", "folds", "score"))
        return {**facts, "id": record.id, "version": record.version, "state": "damaged", "detail": record.why, "symbols": []}
    facts = {name: getattr(record, name) for name in _SHOWN}
    score = msgspec.to_builtins(record.score)
    return {**facts, "features": len(record.features), "folds": len(record.folds), "score": score, **_state(record, states)}


def _state(record: ModelRecord, states: Mapping[str, ModelStatusEvent]) -> dict[str, Any]:
    status = states.get(record.id)
    if status is None or status.version != record.version or status.state == "stopped":
        return {"state": "", "detail": "", "symbols": []}
    return {"state": status.state, "detail": status.detail, "symbols": list(status.symbols)}
