"""What the README and the docs print, run as a reader would."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from .conftest import ROOT, call, environment

BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w*)\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)


def working_folder(folder: Path, shared_data: Path) -> Path:
    """Make a working folder like a user's: the examples, a data file, and a strategy of his own."""
    folder.mkdir()
    (folder / "examples").symlink_to(ROOT / "examples")
    shutil.copy(shared_data / "stock" / "SPY_daily.csv.gz", folder / "SPY_daily.csv.gz")
    strategies = folder / "strategies"
    strategies.mkdir()
    (strategies / "dip.py").write_text(next(text for language, text in BLOCKS if language == "python" and "class Dip" in text))
    return folder


def run_as_printed(words: list[str], home: Path, folder: Path, *, alone: bool = False) -> None:
    """Run one console command in a folder and let it end well; `alone` in a process of its own, which costs a start of Python."""
    if alone:
        command = [sys.executable, "-m", "gcg_quant", *words]
        result = subprocess.run(
            command, cwd=folder, env=environment(home), input="y\n", capture_output=True, text=True, timeout=60, check=False
        )
    else:
        result = call(home, *words, cwd=folder)
    assert result.returncode == 0, f"{' '.join(words)}: {result.stdout}{result.stderr}"
