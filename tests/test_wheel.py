"""The wheel: what is installed is complete, contains no sources of the extension, and imports from anywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("gcg_quant", "data_collector", "data_storage", "strategy_engine", "backtest", "visualization", "admin", "native", "build")
FILES = ("pyproject.toml", "setup.py", "LICENSE", "README.md")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a wheel from a copy of the tree; its object files are copied too, so that only what changed is compiled."""
    source = tmp_path_factory.mktemp("source")
    leave = shutil.ignore_patterns(
        "__pycache__", "lib.*", "lib", "bdist.*", "temp.*", "*.so", "build", "packages*"
    )  # `make` may write the last two
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, source / part, ignore=leave)
    for file in FILES:
        shutil.copy2(ROOT / file, source / file)
    target = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-build-isolation",
        "--no-deps",
        "--no-index",
        "-w",
        str(target),
        str(source),
    ]
    made = subprocess.run(command, capture_output=True, text=True, check=False, timeout=400)
    assert made.returncode == 0, made.stderr[-3000:]
    (path,) = target.glob("*.whl")
    return path


@pytest.mark.slow
def test_wheel_holds_all_packages_and_no_sources(wheel: Path) -> None:
    """Every room, its web files, the stubs and the licence are there; C++ sources, tests and caches are not."""
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if name.endswith((".cpp", ".h", ".o", ".pyc")) or "/tests/" in name or name.startswith("native")]
    for expected in (
        "gcg_quant/py.typed",
        "gcg_quant/_native.pyi",
        "gcg_quant/demo.toml",
        "gcg_quant/china_futures.csv",
        "gcg_quant/data_storage/sql/migrations/env.py",
        "gcg_quant/data_storage/sql/migrations/versions/0001_first_tables.py",
        "gcg_quant/backtest/feed.py",
        "gcg_quant/admin/console.py",
    ):
        assert expected in names
    assert any(name.startswith("gcg_quant/_native.") and name.endswith(".so") for name in names)
    assert any(name.endswith("LICENSE") for name in names)
    folders = {"gcg_quant/web": "gcg_quant", "visualization/web_frontend": "", "backtest/pages/report_page": ""}
    web = {
        f"{'' if folders[folder] else 'gcg_quant/'}{path.relative_to(ROOT).as_posix()}"
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
    }
    assert len(web) > 30
    assert web <= set(names)
    python = {path.relative_to(ROOT).as_posix() for part in PARTS[1:7] for path in (ROOT / part).rglob("*.py")}
    assert {f"gcg_quant/{name}" for name in python if "web_frontend" not in name} <= set(names)


def test_installed_wheel_imports_beside_a_stray_module(wheel: Path, tmp_path: Path) -> None:
    """From a folder that holds a `backtest.py` of the user's own, ours is still `gcg_quant.backtest`, from the wheel."""
    site, work = tmp_path / "site", tmp_path / "work"
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-compile", "--no-deps", "--no-index", "--target", str(site), str(wheel)]
    subprocess.run(command, check=True, timeout=120)
    work.mkdir()
    (work / "backtest.py").write_text("raise SystemExit('the stray module was imported')\n")
    program = "import gcg_quant.backtest, gcg_quant.bus, gcg_quant.settings as s; s.Settings.load(); print(gcg_quant.backtest.__file__)"
    environ = {**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", program], cwd=work, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(site / "gcg_quant/backtest/__init__.py")
    version = subprocess.run(
        [sys.executable, "-m", "gcg_quant", "--version"], cwd=work, env=environ, capture_output=True, text=True, check=False, timeout=60
    )
    assert version.returncode == 0, version.stderr
