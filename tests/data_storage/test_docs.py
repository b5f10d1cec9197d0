"""The example of docs/database.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_of_the_database_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It finds the minute asked for, makes quarters of an hour, and sees what is missing."""
    (text,) = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/database.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    exec(compile(text, "database.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert "2013-10-07 09:31:00-04:00    168.5" in lines
    assert lines[-2:] == ["[2000. 1000.]", "no rows for 18 minutes of session"]
