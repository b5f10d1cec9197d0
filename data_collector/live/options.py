"""The options of a collector's kind: checked, and explained when they are wrong."""

from __future__ import annotations

from pydantic import ValidationError

from gcg_quant.collector_sections import CollectorEntry
from gcg_quant.errors import SettingsError, nearest
from gcg_quant.sections import Section

__all__ = ["NoOptions", "checked_options"]


class NoOptions(Section):
    """The options of a kind that has none."""


def checked_options(model: type[Section], entry: CollectorEntry) -> Section:
    """Return an entry's options as an instance of the kind's model.

    Raises:
        SettingsError: naming the entry, the key and what was expected, or the nearest key.
    """
    try:
        return model.model_validate(entry.options)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        key = ".".join(map(str, fault["loc"]))
        place = f"[[collectors.run]] {entry.name}: options{f'.{key}' if key else ''}"
        if fault["type"] == "extra_forbidden":
            text = f"{place}: there is no such key.{nearest(key, model.model_fields)}"
        else:
            said = fault["msg"].removeprefix("Value error, ").rstrip(".")
            text = f"{place}: {said[:1].lower()}{said[1:]}."
        raise SettingsError(text, key=key, name=entry.name) from None
