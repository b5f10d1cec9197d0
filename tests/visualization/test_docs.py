"""The docs name every message and every module."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

from gcg_quant.visualization.pages.commands import Command
from gcg_quant.visualization.pages.protocol import ServerMessage, json_schema
from gcg_quant.web_files import WEB_FILES

ROOM = Path(__file__).resolve().parents[2] / "visualization"
PARTS = ("series", "pages", "config", "lineage", "guard")
DOCS = (ROOM.parent / "docs/page.md").read_text(encoding="utf-8")
PROTOCOL = (ROOM.parent / "docs/page_protocol.md").read_text(encoding="utf-8")


def test_every_message_is_described() -> None:
    """What the page understands, what the server sends, and what a page may say stand in the docs, and the types name the fields."""
    understood = set(re.findall(r'case "(\w+)":', (ROOM / "web_frontend/js/link/messages.js").read_text(encoding="utf-8")))
    sent = {kind.__struct_config__.tag for kind in get_args(ServerMessage)}
    assert sent == understood | {"pong"}
    for kind in (*get_args(ServerMessage), *get_args(Command)):
        row = next((line for line in PROTOCOL.splitlines() if line.startswith(f"| `{kind.__struct_config__.tag}` |")), "")
        assert row, kind
    for kind in (*get_args(ServerMessage), *get_args(Command)):
        tag = kind.__struct_config__.tag
        rows = [line for line in PROTOCOL.splitlines() if line.startswith(f"| `{tag}` |")]
        for field in kind.__struct_encode_fields__:
            assert any(f"`{field}" in row for row in rows), (tag, field)


def test_schema_is_that_of_the_types() -> None:
    """The schema in the docs is the one of the types: after a change write `json_schema()` there, with an indent of one."""
    text = (ROOM.parent / "docs/page_protocol.schema.json").read_text(encoding="utf-8")
    assert json.loads(text) == json.loads(json.dumps(json_schema()))


def test_every_part_is_named() -> None:
    """Each module of the room is in the table of parts."""
    for path in (*ROOM.glob("*.py"), *(path for folder in PARTS for path in (ROOM / folder).glob("*.py"))):
        assert path.name in DOCS or path.name == "__init__.py", path.name
    assert {path.parent.name for path in ROOM.glob("*/__init__.py")} == {*PARTS, "indicators"}


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
