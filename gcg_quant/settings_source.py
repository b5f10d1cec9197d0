"""Where settings come from: the TOML file, the built-in demo and the environment, and what to say when they are wrong."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple, get_origin

from pydantic import ValidationError

from gcg_quant.bar_sections import BarsEntry
from gcg_quant.bridge_sections import BridgeReceiveEntry, BridgeSendEntry
from gcg_quant.collector_sections import CollectorEntry
from gcg_quant.credentials import CREDENTIALS_PREFIX
from gcg_quant.errors import SettingsError, nearest
from gcg_quant.sections import InstrumentEntry, ReplayEntry, RiskOverrideEntry, Section, StrategyEntry, is_secret, redact
from gcg_quant.trading_sections import AccountEntry

__all__ = [
    "DEMO",
    "ENVIRONMENT_PREFIX",
    "Variable",
    "check_document",
    "explain",
    "read_demo",
    "read_environment",
    "read_file",
    "variable_name",
]

ENVIRONMENT_PREFIX = "GCG_QUANT_"
DEMO = "the built-in demo"
Models = Mapping[str, type[Section]]

_MOVED = {("simulated", "bar_periods"): "[bars] periods"}


class Variable(NamedTuple):
    """An environment variable of ours and its value, as TOML would have it."""

    name: str
    value: Any


def variable_name(section: str, key: str) -> str:
    """Return the environment variable of a key, such as GCG_QUANT_DATABASE__URL."""
    return f"{ENVIRONMENT_PREFIX}{section}__{key}".upper()


def read_file(path: Path) -> dict[str, Any]:
    """Return the document of a TOML file; raise SettingsError if it cannot be read or is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"The settings file {path} cannot be read: {error.strerror or error}.", path=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.", path=str(path)) from error


def read_demo() -> dict[str, Any]:
    """Return the built-in demo. Outside the repository there are no examples, so its strategy files that are not there are left out."""
    document = tomllib.loads(resources.files("gcg_quant").joinpath("demo.toml").read_text(encoding="utf-8"))
    entries = document["strategies"]["load"]
    document["strategies"]["load"] = [one for one in entries if not one["file"].endswith(".py") or Path(one["file"]).is_file()]
    return document


def read_environment(environ: Mapping[str, str], models: Models) -> dict[tuple[str, str], Variable]:
    """Return {(section, key): Variable} of all variables that start with our prefix and have two underscores.

    Raises SettingsError for one that names no section or key.
    """
    found = {}
    for name, text in environ.items():
        if name.startswith(ENVIRONMENT_PREFIX) and "__" in name and not name.startswith(CREDENTIALS_PREFIX):
            section, key = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__", 1)
            _check_name(section, key, models, name)
            found[section, key] = Variable(name, _parse(text, models[section], key))
    return found


def check_document(document: Mapping[str, Any], models: Models, origin: str) -> None:
    """Raise SettingsError for an unknown section or key, and for a secret in a file: files get copied around."""
    for section, values in document.items():
        _check_name(section, None, models, origin)
        if not isinstance(values, Mapping):
            raise SettingsError(
                f"{origin}: {section} must be a section: write [{section}] and its keys below it.", path=origin, section=section
            )
        for key, value in values.items():
            _check_name(section, key, models, origin)
            if (is_secret(models[section], key) and value) or (key == "url" and isinstance(value, str) and redact(value) != value):
                raise SettingsError(
                    f"{origin}: [{section}] {key} holds a secret; take it out of the file and set {variable_name(section, key)}.",
                    path=origin,
                    key=f"{section}.{key}",
                )


def explain(
    error: ValidationError, models: Models, document: Mapping[str, Any], origin: str, variables: Mapping[tuple[str, str], Variable]
) -> SettingsError:
    """Return one sentence about the first fault: where it stands, what is expected and what was found (never a secret)."""
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = fault["loc"]
    section, key = str(where[0]), str(where[1]) if len(where) > 1 else ""
    variable = variables.get((section, key))
    inside = ".".join(str(part) for part in where[2:])
    place = (
        f"{variable.name}{f' ({inside})' if inside else ''}"
        if variable
        else f"{origin}: [{section}] {'.'.join(map(str, where[1:]))}".rstrip()
    )
    if fault["type"] == "extra_forbidden":
        entries: dict[str, type[Section]] = {
            "bars": BarsEntry,
            "collectors": CollectorEntry,
            "instruments": InstrumentEntry,
            "replay": ReplayEntry,
            "risk": RiskOverrideEntry,
            "trading": AccountEntry,
            "bridge": BridgeSendEntry if key == "send" else BridgeReceiveEntry,
        }
        entry = entries.get(section, StrategyEntry)
        text = f"{place}: there is no such key.{nearest(str(where[-1]), entry.model_fields)}"
        return SettingsError(text, path=origin, key=".".join(map(str, where)))
    expected = fault["msg"].removeprefix("Value error, ").rstrip(".")
    found = _at(document, where)
    hidden = not key or where[-1] == "url" or is_secret(models[section], key) or isinstance(found, dict)
    text = f"{place}: {expected[:1].lower()}{expected[1:]}{'' if hidden else f', found {found!r}'}."
    return SettingsError(text, path=origin, key=".".join(map(str, where)), expected=expected)


def _check_name(section: str, key: str | None, models: Models, place: str) -> None:
    if section not in models:
        raise SettingsError(f"{place}: there is no section [{section}].{nearest(section, models)}", path=place, section=section)
    known = models[section].model_fields
    if key is not None and (section, key) in _MOVED:
        raise SettingsError(f"{place}: {key!r} has moved from [{section}] to {_MOVED[section, key]}.", path=place, key=f"{section}.{key}")
    if key is not None and key not in known:
        raise SettingsError(f"{place}: [{section}] has no key {key!r}.{nearest(key, known)}", path=place, key=f"{section}.{key}")


def _parse(text: str, model: type[Section], key: str) -> Any:
    # A list or table is written as JSON, a list of texts also with commas; pydantic converts the rest.
    kind = get_origin(model.model_fields[key].annotation)
    if kind not in (tuple, dict):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return [part.strip() for part in text.split(",") if part.strip()] if kind is tuple else text


def _at(document: Mapping[str, Any], where: tuple[int | str, ...]) -> Any:
    found: Any = document
    for part in where:
        try:
            found = found[part]
        except (LookupError, TypeError):
            break
    return found
