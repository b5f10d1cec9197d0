"""Strategy files that may be loaded, and taking in more: checked, confined to one folder, never run by being looked at or uploaded."""

from __future__ import annotations

import contextlib
import keyword
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from gcg_quant.errors import StrategyError
from gcg_quant.settings import Settings

from ..strategy_engine.hosting.discovery import SHIPPED_FOLDER, StrategyFile, scan, scan_source
from ..strategy_engine.hosting.loader import StrategyLoader

__all__ = ["MOST_SOURCE_BYTES", "StrategyFiles"]

MOST_SOURCE_BYTES = 256 * 1024
_MOST_FILES = 500
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\.py")


class StrategyFiles:
    """The files of the allowed folders. Any thread may ask; what is uploaded goes into the home folder's `strategies`."""

    def __init__(self, settings: Settings) -> None:
        self._loader = StrategyLoader(settings.strategy_folders)
        self._folder = settings.uploads

    def rows(self) -> list[dict[str, Any]]:
        """Return every file that can be loaded, or that would be if it were Python, with its classes and their parameters."""
        return [self._row(file) for file in self._loader.discover()]

    def find(self, name: str) -> Path:
        """Return the path of a file given by path or short name. Raises StrategyError if there is none in the allowed folders."""
        return self._loader.find(name)

    def declared(self, file: str, class_name: str) -> list[dict[str, Any]]:
        """Return the parameters that a class declares in its file; none if the file is gone."""
        path = Path(file)
        if not path.is_file():
            return []
        found = next((one for one in scan(path).classes if one.name == class_name), None)
        return [] if found is None else [msgspec.to_builtins(one) for one in found.parameters]

    def is_upload(self, file: str, name: str) -> bool:
        """Return whether a path is that of the uploaded file `name`."""
        return Path(file) == self._folder.resolve() / name

    def put(self, name: str, source: bytes, *, replace: bool = False) -> dict[str, Any]:
        """Keep a strategy file and return its row. It is read, not run: that happens when it is loaded.

        Raises:
            StrategyError: with `field` "name" or "source", what is wrong with them; without, why it was refused.
        """
        target = self._target(name)
        self._check(source, target)
        with self._writing() as folder:
            if target.is_symlink() or (target.exists() and not target.is_file()):
                raise StrategyError(f"{target} is no file of its own: nothing is written through it.", file=name)
            if target.exists() and not replace:
                raise StrategyError(f"There is an uploaded file {name!r} already: say replace=true, or choose another name.", file=name)
            if not target.exists() and sum(1 for _ in folder.iterdir()) >= _MOST_FILES:
                raise StrategyError(f"There are {_MOST_FILES} uploaded files already: remove some first.", file=name)
            _write(target, source, replace=replace)
        return self._row(scan(target))

    def remove(self, name: str) -> None:
        """Remove an uploaded file. Raises StrategyError if there is none of that name."""
        target = self._target(name)
        with self._writing():
            if target.is_symlink() or not target.is_file():
                raise StrategyError(f"There is no uploaded file {name!r}.", file=name, field="missing")
            target.unlink()

    # ---- inside

    def _target(self, name: str) -> Path:
        if not _NAME.fullmatch(name) or keyword.iskeyword(name.removesuffix(".py")):
            raise StrategyError(
                f"A strategy file's name is up to 40 small letters, digits and '_' that begin with a letter, and .py; found {name[:80]!r}.",
                field="name",
            )
        return self._folder / name

    def _check(self, source: bytes, target: Path) -> None:
        if len(source) > MOST_SOURCE_BYTES:
            raise StrategyError(
                f"A strategy file may have {MOST_SOURCE_BYTES:,} bytes at most, this one has {len(source):,}.", field="size"
            )
        found = scan_source(source, Path(target.name))
        if found.error:
            raise StrategyError(found.error, field="source")
        if not found.classes:
            raise StrategyError(
                f"{target.name} has no strategy class: derive one from gcg_quant.strategy_engine.Strategy or bt.Strategy.", field="source"
            )

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Path]:
        folder = self._folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if folder.is_symlink():
                raise StrategyError(f"{folder} is a link: nothing is written through it.", folder=str(folder))
            yield folder
        except OSError as error:
            raise StrategyError(f"{folder} cannot be written: {error.strerror or error}.", folder=str(folder)) from error

    def _row(self, file: StrategyFile) -> dict[str, Any]:
        classes = [
            {
                "class_name": one.name,
                "kind": one.kind,
                "doc": one.doc,
                "symbols": list(one.symbols),
                "parameters": [msgspec.to_builtins(parameter) for parameter in one.parameters],
            }
            for one in file.classes
        ]
        return {
            "file": str(file.path),
            "short": self._short(file.path),
            "origin": self._origin(file.path),
            "classes": classes,
            "error": file.error,
        }

    def _short(self, path: Path) -> str:
        # The shortest name that the loader knows it by.
        folder = next((one for one in self._loader.folders if path.is_relative_to(one)), path.parent)
        for name in (path.stem, str(path.relative_to(folder))):
            with contextlib.suppress(StrategyError):
                if self._loader.find(name) == path:
                    return name
        return str(path)

    def _origin(self, path: Path) -> str:
        if path.is_relative_to(SHIPPED_FOLDER):
            return "shipped"
        return "uploaded" if path.parent == self._folder.resolve() else "own"


def _write(target: Path, source: bytes, *, replace: bool) -> None:
    # A name of its own first, so that nobody loads half a file; a link instead of a move fails if somebody else was quicker.
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(source)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            os.replace(name, target)
        else:
            os.link(name, target)
    except FileExistsError:
        raise StrategyError(f"There is an uploaded file {target.name!r} already.", file=target.name) from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
