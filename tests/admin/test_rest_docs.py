"""docs/rest.md cannot rot: its commands run as printed against a running system, and name routes that there are."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from .conftest import ROOT, System, call, environment
from .printed import working_folder

TEXT = (ROOT / "docs" / "rest.md").read_text()
COMMANDS = [line.strip() for line in TEXT.splitlines() if line.startswith(("    curl ", "    until curl "))]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_commands_of_the_page_run(tmp_path: Path, shared_data: Path) -> None:
    """In their order, each with an answer that is no error."""
    home, folder = tmp_path / "home", working_folder(tmp_path / "work", shared_data)
    words = ("import", "SPY_daily.csv.gz", "--venue", "NYSE", "--timezone", "America/New_York", "--stamp", "start")
    assert call(home, *words, cwd=folder).returncode == 0
    (tmp_path / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n")
    running = System(home, "--one-process", cwd=folder)
    try:
        told = {**environment(home), "API": f"{running.url}/api/v1", "CURL_HOME": str(tmp_path)}
        for command in COMMANDS:
            result = subprocess.run(["bash", "-c", command], cwd=folder, env=told, capture_output=True, text=True, timeout=90, check=False)
            assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
        assert "<html" in (folder / "report.html").read_text()
        known = httpx.get(f"{running.url}/api/v1/openapi.json", timeout=20).json()["paths"]
    finally:
        running.close()
    patterns = [re.compile("/api/v1" + re.sub(r"\{[^}]*\}", "[^/]+", path.removeprefix("/api/v1")) + "$") for path in known]
    for method, path in re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/[A-Za-z_/]+)", TEXT):
        assert any(one.match(f"/api/v1{path}") for one in patterns), f"{method} {path}"


def test_the_page_has_commands() -> None:
    """They are found."""
    assert len(COMMANDS) > 20
