"""The settings as the console and REST show them: values in force, where they come from, what may be written, and their history."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import Any

from gcg_quant.sections import Section, is_live, is_secret
from gcg_quant.settings import MASK, Settings
from gcg_quant.settings_source import read_environment

from ..changes.settings_document import OFF, SettingsDocument
from ..views.settings_view import SettingsView, defaults

__all__ = ["history_rows", "setting_rows"]

_TYPES = {"integer": "int", "number": "float", "boolean": "bool", "string": "str", "array": "list", "object": "table"}


def setting_rows(view: SettingsView, document: SettingsDocument | None, environ: Mapping[str, str] = os.environ) -> list[dict[str, Any]]:
    """Return every setting with its value in force; secrets are never told, only whether they are set.

    Args:
        view: what is in force.
        document: the file, or the demo, that the system runs with; None if it cannot be read now.
        environ: the environment of the system.
    """
    models = Settings.sections()
    variables = read_environment(environ, models)
    written = document.keys if document is not None else set()
    rows = []
    for section, model in models.items():
        for name, field in model.model_fields.items():
            key = f"{section}.{name}"
            value = view.values.get(key, defaults()[key])
            secret = is_secret(model, name)
            source = "file" if key in written else "default"
            if (section, name) in variables:
                source = "environment"
            elif key in view.by_command or (source == "default" and value != defaults()[key]):  # or an option of `run`
                source = "command"
            rows.append(
                {
                    "key": key,
                    **_facts(model, name),
                    "value": None if secret else OFF if value is None else value,
                    "default": None if secret else OFF if defaults()[key] is None else defaults()[key],
                    "help": field.description or "",
                    "live": is_live(model, name),
                    "secret": secret,
                    "is_set": value == MASK if secret else key in written or source != "default",
                    "source": source,
                }
            )
    return rows


def history_rows(view: SettingsView) -> list[dict[str, Any]]:
    """Return the changes of settings, newest first: {"section.key": [before, after]}; `refused` says why nothing came of one."""
    return [{name: value for name, value in entry.items() if name != "event"} for entry in reversed(view.history)]


@functools.cache
def _schema(model: type[Section]) -> dict[str, Any]:
    properties: dict[str, Any] = model.model_json_schema()["properties"]
    return properties


def _facts(model: type[Section], name: str) -> dict[str, Any]:
    # What a form needs to know; a number that may be "off" is one that is optional.
    schema = _schema(model)[name]
    kinds = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    kind = kinds[0]
    choices = kind.get("enum") or ([kind["const"]] if "const" in kind else None)
    return {
        "type": "choice" if choices else _TYPES.get(kind.get("type", ""), "table"),
        "choices": choices,
        "low": kind.get("minimum", kind.get("exclusiveMinimum")),
        "high": kind.get("maximum", kind.get("exclusiveMaximum")),
        "optional": len(kinds) < len(schema.get("anyOf", [schema])),
    }
