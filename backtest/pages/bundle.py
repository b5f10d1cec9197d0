"""ES modules as one script, so that a page needs no server: a browser loads no modules from files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

__all__ = ["bundle"]

_IMPORT = re.compile(r'^import (.+?) from "(?:[\w./-]*/)?([\w-]+)\.js";[^\n]*\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (class|function|const|let) (\w+)", re.MULTILINE)


def bundle(modules: Sequence[Path]) -> str:
    """Return one script that runs the modules in their order; each may import those before it by their file names.

    Exports must stand before a class, a function or a constant, and imports at the beginning of a line.

    Raises:
        ValueError: a module imports one that does not stand before it.
    """
    parts: list[str] = []
    done: set[str] = set()
    for path in modules:
        text = path.read_text(encoding="utf-8")
        missing = [name for _, name in _IMPORT.findall(text) if name not in done]
        if missing:
            raise ValueError(f"{path.name} imports {missing[0]}.js, which must stand before it in the bundle")
        names = [name for _, name in _EXPORT.findall(text)]
        text = _EXPORT.sub(r"\1 \2", _IMPORT.sub(_taken, text))
        parts.append(f"const {_variable(path.stem)} = (() => {{\n{text}return {{ {', '.join(names)} }};\n}})();\n")
        done.add(path.stem)
    return '"use strict";\n' + "".join(parts)


def _taken(found: re.Match[str]) -> str:
    what, module = found[1], _variable(found[2])
    if what.startswith("* as "):
        return f"const {what[5:]} = {module};\n"
    return f"const {what.replace(' as ', ': ')} = {module};\n"


def _variable(stem: str) -> str:
    return f"module_{stem.replace('-', '_')}"
