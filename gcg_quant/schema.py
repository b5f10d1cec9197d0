"""`schema.json` in the bus folder: every record's fields, offsets and types, for readers in other languages."""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import Any

from gcg_quant import _native
from gcg_quant.events import event_types

__all__ = ["schema", "write_schema"]


def schema() -> dict[str, Any]:
    """Return the description of all hot records (fields with offset, kind and length) and cold events (msgpack maps)."""
    return {
        "byte_order": "little",
        "records": _native.record_schema(),
        "cold": [
            {"name": cls.__name__, "type": cls.TYPE, "lane": int(cls.LANE), "encoding": "msgpack"}
            for cls in event_types(object)
            if hasattr(cls, "__struct_fields__")
        ],
    }


@functools.lru_cache(1)  # it takes as long as all else of opening a bus, and changes only with a class that is defined later
def _text(types: tuple[type, ...]) -> str:
    return json.dumps(schema(), indent=1)


def write_schema(folder: Path) -> None:
    """Write `schema.json` into a bus folder unless it says the same already."""
    path = folder / "schema.json"
    text = _text(tuple(event_types(object)))
    if path.exists() and path.read_text() == text:
        return
    temporary = folder / f"schema.json.{os.getpid()}"
    temporary.write_text(text)
    temporary.replace(path)
