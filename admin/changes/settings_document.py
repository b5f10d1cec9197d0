"""Changing the settings file as a person would: one key at a time, with its comments and order, checked before anything is written."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import tomlkit
from tomlkit.exceptions import TOMLKitError

from gcg_quant.errors import SettingsError
from gcg_quant.kill_switch import KILL_KEY
from gcg_quant.sections import is_secret, redact
from gcg_quant.settings import MASK, Settings, diff, needs_restart, variable_name
from gcg_quant.settings_source import DEMO, check_document, read_demo, read_environment

__all__ = ["SettingsDocument", "SettingsPlan"]

OFF = "off"  # how a limit that is none is written


class SettingsPlan(msgspec.Struct, frozen=True):
    """What a change would do: the new values of what differs, what of it waits for a restart, and the file's text afterwards."""

    changes: dict[str, Any]
    asked: dict[str, Any]  # every key that was named, with its value afterwards
    restart_needed: list[str]
    text: str


class SettingsDocument:
    """A settings file as it was when it was read, or the built-in demo, which cannot be written.

    Args:
        path: the file; None is the demo.
        home: as for `Settings.load`.
        environ: the environment variables, which win over the file.
        in_force: without a file, the settings in force, as `Settings.dump` has them; None takes the demo's.

    Raises:
        SettingsError: the file cannot be read or is no TOML.
    """

    def __init__(
        self,
        path: Path | None,
        home: Path | None = None,
        environ: Mapping[str, str] = os.environ,
        in_force: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.path = path
        self._home = home
        self._environ = environ
        self._text = _read(path) if path is not None else ""
        try:
            self._document = tomlkit.parse(self._text)
        except TOMLKitError as error:
            raise SettingsError(f"{path} is not valid TOML: {error}. Mend it first.", path=str(path)) from error
        self._base: dict[str, Any] = self._document.unwrap() if path is not None else _without_secrets(in_force) or read_demo()

    @property
    def version(self) -> str:
        """What tells one state of the file from another."""
        return hashlib.sha256(self._text.encode()).hexdigest()[:16]

    @property
    def keys(self) -> set[str]:
        """The keys that the file (without one, the demo) sets, as "section.key"."""
        written = self._base if self.path is not None else read_demo()
        return {f"{section}.{key}" for section, values in written.items() if isinstance(values, Mapping) for key in values}

    @property
    def origin(self) -> str:
        """How errors call it."""
        return str(self.path) if self.path is not None else DEMO

    def plan(self, changes: Mapping[str, Any]) -> SettingsPlan:
        """Return what `changes` would do, by "section.key": a value as TOML or JSON has it, or None for the default.

        Raises:
            SettingsError: no such key, a value that makes no sense, a secret, or what the environment decides; nothing has changed.
        """
        if not changes:
            raise SettingsError('There is nothing to change: name a key and its value, for example "chart.period" and "5m".')
        for name, value in changes.items():
            self._check(name, value)
        before = Settings.of(self._base, self.origin, self._home, self._environ)
        wanted = {section: dict(values) for section, values in self._base.items()}
        for name, value in changes.items():
            section, _, key = name.partition(".")
            if value is None:
                wanted.get(section, {}).pop(key, None)
            else:
                wanted.setdefault(section, {})[key] = value
        after = Settings.of(wanted, "settings", self._home, self._environ)
        found = diff(before, after)
        plain = after.dump()
        asked = {name: plain[name.partition(".")[0]][name.partition(".")[2]] for name in changes}
        return SettingsPlan(found, asked, needs_restart(found), self._edited(changes, asked))

    def write(self, plan: SettingsPlan) -> None:
        """Put the planned text into the file's place, all at once.

        Raises:
            SettingsError: it has changed since it was read, or cannot be written; it stays as it is.
        """
        if self.path is None:
            raise SettingsError("There is no settings file to write to.")
        path = self.path.resolve()  # what a link points to is changed, not the link
        temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
        with _alone(path):
            if _read(path) != self._text:
                raise SettingsError(
                    f"The settings file {self.path} has changed since it was read; nothing was written: look at it and try again.",
                    path=str(self.path),
                )
            try:
                temporary.write_bytes(plan.text.encode())
                shutil.copymode(path, temporary)
                with temporary.open("rb") as file:
                    os.fsync(file.fileno())
                temporary.replace(path)
            except OSError as error:
                temporary.unlink(missing_ok=True)
                raise SettingsError(f"The settings file {self.path} cannot be written: {error.strerror or error}.") from error
        self._text = plan.text

    # ---- inside

    def _check(self, name: str, value: Any) -> None:
        section, dot, key = name.partition(".")
        if not dot:
            raise SettingsError(f"A setting is named by its section and key, such as chart.period, found {name!r}.", key=name)
        models = Settings.sections()
        check_document({section: {key: None}}, models, "settings")
        variable = variable_name(section, key)
        hidden = isinstance(value, str) and key.endswith("url") and (redact(value) != value or MASK in value)
        if is_secret(models[section], key) or hidden:
            raise SettingsError(f"{name} holds a secret, which no file and no event may: set {variable} in the environment.", key=name)
        if name == KILL_KEY:
            raise SettingsError("The kill switch has a command of its own: `risk kill on` or `risk kill off`.", key=name)
        if (section, key) in read_environment(self._environ, models):
            raise SettingsError(f"{name} is decided by {variable} in the environment, which wins over the file: change it there.", key=name)

    def _edited(self, changes: Mapping[str, Any], values: Mapping[str, Any]) -> str:
        if self.path is None:
            return ""
        document = tomlkit.parse(self._text)
        wanted = document.unwrap()
        for name in changes:
            section, _, key = name.partition(".")
            if changes[name] is None:
                if key in wanted.get(section, {}):
                    del document[section][key]
                    del wanted[section][key]
                continue
            value = _writable(values[name])
            if section not in document:
                document[section] = tomlkit.table()
            document[section][key] = value
            wanted.setdefault(section, {})[key] = value
        text = tomlkit.dumps(document)
        if tomllib.loads(text) != wanted:  # an odd layout: better not at all than something else
            raise SettingsError(f"{self.path} is written in a way that cannot be changed safely: edit it by hand.", path=str(self.path))
        return text


def _writable(value: Any) -> Any:
    # As TOML can hold it: no null, which is a limit that is off, or a field of a table that is left out.
    if value is None:
        return OFF
    if isinstance(value, Mapping):
        return {key: _writable(item) for key, item in value.items() if item is not None}
    return [_writable(item) for item in value] if isinstance(value, list) else value


def _without_secrets(values: Mapping[str, Mapping[str, Any]] | None) -> dict[str, Any]:
    if not values:
        return {}
    return {
        section: {key: value for key, value in keys.items() if not (isinstance(value, str) and MASK in value)}
        for section, keys in values.items()
    }


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.", path=str(path)) from error
    except OSError as error:
        raise SettingsError(f"The settings file {path} cannot be read: {error.strerror or error}.", path=str(path)) from error


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    # Between looking at the file and replacing it nobody else of ours may do the same. The folder is locked: the file itself goes.
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
