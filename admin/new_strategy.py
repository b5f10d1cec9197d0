"""`strategies new`: a strategy file to begin with, which runs as it is."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from pathlib import Path

from gcg_quant.errors import StrategyError

from ..strategy_engine.hosting.discovery import SHIPPED_FOLDER
from ..strategy_engine.hosting.loader import StrategyLoader

__all__ = ["new_strategy"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")

_TEMPLATE = SHIPPED_FOLDER / "minimal.py"
_TEMPLATE_CLASS = "Minimal"


def new_strategy(name: str, folders: Sequence[Path], folder: Path | None = None) -> Path:
    """Write a strategy file that runs as it is, and return its path.

    Args:
        name: of the file, without ".py"; the class is named after it.
        folders: the allowed folders of the settings.
        folder: which of them (or one below them); the first by default.

    Raises:
        StrategyError: a name that cannot be one or is taken, a folder that is not allowed or cannot be written.
    """
    stem = name.removesuffix(".py")
    if not _NAME.fullmatch(stem) or keyword.iskeyword(stem):
        raise StrategyError(
            f"A strategy's name has up to 40 letters, digits and '_', and begins with a letter; found {name!r}.", strategy=name
        )
    loader = StrategyLoader(folders)
    if folder is None and not folders:
        raise StrategyError("No folder for strategy files is set: name one in [strategies] folders.")
    place = (folder if folder is not None else folders[0]).expanduser().resolve()
    if not any(place.is_relative_to(one) for one in loader.folders[1:]):
        listed = ", ".join(str(one) for one in loader.folders[1:])
        raise StrategyError(
            f"The folder {place} is not allowed: choose one of {listed}, or add it to [strategies] folders.", folder=str(place)
        )
    path = place / f"{stem}.py"
    taken = next((file.path for file in loader.discover() if file.name == stem), path if path.exists() else None)
    if taken is not None:
        raise StrategyError(f"There is a strategy file {taken} already: choose another name.", file=str(taken))
    class_name = "".join(part[:1].upper() + part[1:] for part in stem.split("_"))
    try:
        place.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(_text(class_name))
    except OSError as error:
        raise StrategyError(f"{path} cannot be written: {error.strerror}.", file=str(path)) from error
    return path


# The shipped `minimal`, which a test runs, with another name.
def _text(class_name: str) -> str:
    _, _, rest = _TEMPLATE.read_text(encoding="utf-8").partition("\n")
    return f'"""{class_name}: say here what it does; `strategies list` shows this line."""\n' + rest.replace(_TEMPLATE_CLASS, class_name)
