"""[models] of the settings: which trained models are served."""

from __future__ import annotations

from pydantic import Field, field_validator

from gcg_quant.section import Section, setting

__all__ = ["ModelEntry", "ModelsSettings"]


class ModelEntry(Section):
    """A model that is served from the start: an item of `[[models.serve]]`."""

    id: str = Field(min_length=1, max_length=40, description="the model's id, as `models list` shows it")
    version: int = Field(default=0, ge=0, description="its version; 0 = the newest one")
    symbols: tuple[str, ...] = Field(default=(), description="instruments it speaks of; empty = the one that it was trained on")


class ModelsSettings(Section):
    """[models]: trained models whose signals are published."""

    serve: tuple[ModelEntry, ...] = setting((), "models served from the start: a list of tables with id, version and symbols")

    @field_validator("serve")
    @classmethod
    def _unique_ids(cls, entries: tuple[ModelEntry, ...]) -> tuple[ModelEntry, ...]:
        names = [entry.id for entry in entries]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"the model {name!r} is named twice: one version of it is served at a time")
        return entries
