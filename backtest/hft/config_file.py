"""Reads the settings of a run from a JSON or TOML file, and says in one sentence what is wrong with them and where."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from gcg_quant.errors import SettingsError, nearest

from .config import HftConfig

__all__ = ["changed_config", "read_config"]

_PATH = re.compile(r" - at `\$\.?([^`]*)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`")
_WORDS = {"str": "a text", "float": "a number", "int": "a whole number", "bool": "true or false", "object": "a table", "array": "a list"}


def read_config(path: Path | str, config: HftConfig) -> HftConfig:
    """Return `config` with the settings of a file in place of its own; paths of data in it are taken from the file's folder.

    Raises:
        SettingsError: the file cannot be read, is neither JSON nor TOML, or a key or a value makes no sense; with path and line.
    """
    file = Path(path).expanduser()
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"The settings file {file} cannot be read: {error.strerror or error}.", path=str(file)) from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file} is no UTF-8 text: {error.reason} at byte {error.start}.", path=str(file)) from error
    values = _parsed(file, text)
    found = changed_config(config, values, str(file), text)
    if "data" in values:
        found = msgspec.structs.replace(found, data=[_beside(file.parent, one) for one in found.data])
    return found


def changed_config(config: HftConfig, values: Mapping[str, Any], origin: str, text: str = "") -> HftConfig:
    """Return `config` with other values; a table takes the place of the whole section.

    Args:
        origin: who says so, for the error: a file's path, or "hft.Engine".
        text: the file's text, to find the line.

    Raises:
        SettingsError: a key or a value that makes no sense; the nearest known key is named.
    """
    plain = {name: getattr(config, name) for name in HftConfig.__struct_fields__}
    for name, value in values.items():
        one_of_a_list = name in ("data", "symbols") and isinstance(value, str | Path | Mapping)
        plain[name] = msgspec.to_builtins(value) if isinstance(value, msgspec.Struct) else _listed([value] if one_of_a_list else value)
    kept = {name: value for name, value in plain.items() if isinstance(value, msgspec.Struct)}  # sections as they are
    try:
        checked = msgspec.convert({name: value for name, value in plain.items() if name not in kept}, HftConfig)
    except msgspec.ValidationError as error:
        raise _explained(error, values, origin, text) from error
    return msgspec.structs.replace(checked, **kept)


def _parsed(file: Path, text: str) -> dict[str, Any]:
    is_json = file.suffix.lower() == ".json" or (file.suffix.lower() != ".toml" and text.lstrip().startswith("{"))
    try:
        values = json.loads(text) if is_json else tomllib.loads(text)
    except json.JSONDecodeError as error:
        raise SettingsError(f"{file}:{error.lineno}: this is no valid JSON: {error.msg}.", path=str(file), line=error.lineno) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: this is no valid TOML: {error}.", path=str(file)) from error
    if not isinstance(values, dict):
        raise SettingsError(f"{file} must hold a table of settings, found {values!r}.", path=str(file))
    return values


def _beside(folder: Path, entry: str | dict[str, Any]) -> str | dict[str, Any]:
    if isinstance(entry, str):
        return str(folder / Path(entry).expanduser())
    return {**entry, "path": str(folder / Path(str(entry["path"])).expanduser())} if "path" in entry else entry


# Keywords may be any sequence, paths, or one thing where a list is meant.
def _listed(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [str(one) if isinstance(one, Path) else one for one in value]
    return value


def _explained(error: msgspec.ValidationError, values: Mapping[str, Any], origin: str, text: str) -> SettingsError:
    message = str(error)
    where: list[str] = []
    at = _PATH.search(message)
    if at is not None:
        where = [part for part in re.split(r"[.\[\]]+", at[1]) if part]
        message = message[: at.start()]
    unknown = _UNKNOWN.search(message)
    if unknown is not None:
        key = unknown[1]
        section = _section(where)
        place = f"{_place(origin, text, [*where, key])}: "
        whose = f"[{'.'.join(where)}] has" if where else "there is"
        return SettingsError(f"{place}{whose} no setting {key!r}.{nearest(key, section.__struct_fields__)}", key=".".join([*where, key]))
    found = _at(values, where)
    choices = _choices(where)
    if "enum value" in message and choices:
        message = f"must be one of {', '.join(map(repr, choices))}" if len(choices) > 1 else f"must be a number or {choices[0]!r}"
        near = nearest(found, choices) if isinstance(found, str) else ""
    else:
        message, near = _in_words(message), ""
    place = _place(origin, text, where)
    key = ".".join(where)
    said = f"{key} {message}, found {found!r}.{near}" if where else f"{message.rstrip('.?')}{'?' if message.endswith('?') else '.'}"
    return SettingsError(f"{place}: {said}", key=key, value=found)


def _in_words(message: str) -> str:
    match = re.fullmatch(r"Expected `([^`]*)`(?:, got `[^`]*`)?( [<>]=? .*)?", message)
    if match is None:
        return message
    kinds = [_WORDS.get(one, one) for one in match[1].split(" | ") if one != "null"]
    rule = (match[2] or "").replace(" >= ", " of at least ").replace(" > ", " above ").removesuffix(".0")
    return f"must be {' or '.join(kinds)}{rule}"


def _section(where: Sequence[str]) -> type[msgspec.Struct]:
    section: type[msgspec.Struct] = HftConfig
    for part in where:
        kind = get_type_hints(section).get(part)
        section = kind if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else section
    return section


def _choices(where: Sequence[str]) -> tuple[str, ...]:
    if not where:
        return ()
    kind = get_type_hints(_section(where[:-1])).get(where[-1])
    for one in (kind, *get_args(kind)):
        if get_origin(one) is Literal:
            return get_args(one)
    return ()


def _at(values: Any, where: Sequence[str]) -> Any:
    for part in where:
        try:
            values = values[int(part)] if isinstance(values, list | tuple) else values[part]
        except (LookupError, TypeError, ValueError):
            return values
    return values


# The line of the last key: each is looked for behind the one before it, so that a name may be that of several.
def _place(origin: str, text: str, where: Sequence[str]) -> str:
    if not text:
        return origin
    position = line = 0
    for part in where:
        found = re.compile(rf'^(?!\s*#).*?(?<![\w-])"?{re.escape(part)}"?(?![\w-])', re.MULTILINE).search(text, position)
        if found is None or part.isdigit():
            continue
        position = found.end()
        line = text.count("\n", 0, position) + 1
    return f"{origin}:{line}" if line else origin
