"""The docs name every message and every module."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from gcg_quant.visualization.commands import Command
from gcg_quant.web_files import WEB_FILES

ROOM = Path(__file__).resolve().parents[2] / "visualization"
DOCS = (ROOM.parent / "docs/page.md").read_text(encoding="utf-8")


def test_every_message_is_described() -> None:
    """What the page understands, what the server sends, and what a page may say stand in the docs."""
    understood = set(re.findall(r'case "(\w+)":', (ROOM / "web_frontend/js/link/messages.js").read_text(encoding="utf-8")))
    sent = set(re.findall(r'"type": "(\w+)"', "".join(path.read_text(encoding="utf-8") for path in ROOM.glob("*.py")))) - {"http"}
    assert sent == understood | {"pong"}
    for kind in understood | {"pong"} | {command.__struct_config__.tag for command in get_args(Command)}:
        assert f"| `{kind}` |" in DOCS, kind


def test_every_part_is_named() -> None:
    """Each module of the room is in the table of parts."""
    for path in ROOM.glob("*.py"):
        assert path.name in DOCS or path.name == "__init__.py", path.name


def test_every_text_has_both_languages() -> None:
    """No text of the page is missing in one of its languages, and the modules ask for none that does not exist."""
    places = (ROOM / "web_frontend/js", ROOM.parent / "admin/web", WEB_FILES)
    scripts = [path.read_text(encoding="utf-8") for place in places for path in place.rglob("*.js")]
    table = {key: text for script in scripts for key, text in re.findall(r"^  (\w+): \[(.+)\],$", script, re.MULTILINE)}
    for key, texts in table.items():
        assert re.fullmatch(r'"[^"]+", "[^"]+"', texts), key
    page = (ROOM / "web_frontend/index.html").read_text(encoding="utf-8")
    asked = set(re.findall(r'data-(?:text|label|hint)="(\w+)"', page))
    for text in scripts:
        asked |= set(re.findall(r'\bt\("(\w+)"', text)) | set(re.findall(r'head: "(\w+)"', text))
    assert asked <= set(table)
