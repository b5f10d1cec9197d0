"""`make run` on a bare machine: what is missing is one line that says how to install it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GOOD_PYTHON = f'exec {sys.executable} "$@"'
OLD_PYTHON = "exit 1"
WITHOUT_HEADERS = f'case "$*" in *Python.h*) exit 1;; esac; exec {sys.executable} "$@"'
WITHOUT_VENV = 'case "$*" in *venv*) exit 1;; esac; exit 0'
GOOD_COMPILER = f'exec {shutil.which("g++") or "g++"} "$@"'
OLD_COMPILER = "exit 1"


def check(folder: Path, **programs: str) -> subprocess.CompletedProcess[str]:
    """Run `.ci/prepare check` on a machine that has nothing but bash and these programs, given as shell lines."""
    for tool in ("bash", "env", "basename"):
        (folder / tool).symlink_to(str(shutil.which(tool)))
    for name, script in programs.items():
        program = folder / name.replace("gxx", "g++")
        program.write_text(f"#!{shutil.which('bash')}\nPATH={os.environ['PATH']}\n{script}\n")
        program.chmod(0o755)
    return subprocess.run(
        [str(ROOT / ".ci/prepare"), "check"], env={"PATH": str(folder)}, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    ("programs", "message"),
    [
        ({}, "gcg_quant needs Python 3.11 or newer; install it with: apt-get install python3 python3-venv python3-dev"),
        ({"python3": OLD_PYTHON, "gxx": GOOD_COMPILER}, "gcg_quant needs Python 3.11 or newer; install it with:"),
        (
            {"python3": WITHOUT_HEADERS, "gxx": GOOD_COMPILER},
            "gcg_quant needs the headers of python3; install it with: apt-get install python3-dev",
        ),
        ({"python3": WITHOUT_VENV}, "gcg_quant needs the venv module of python3; install it with: apt-get install python3-venv"),
        ({"python3": GOOD_PYTHON}, "gcg_quant needs a C++20 compiler; install it with: apt-get install g++"),
        ({"python3": GOOD_PYTHON, "gxx": OLD_COMPILER}, "gcg_quant needs a compiler that knows C++20 (g++ does not)"),
    ],
)
def test_missing_part_is_one_line(tmp_path: Path, programs: dict[str, str], message: str) -> None:
    """Python, its headers, its venv module and the compiler are each named with the package to install."""
    done = check(tmp_path, **programs)
    assert done.returncode == 1
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_complete_machine_passes(tmp_path: Path) -> None:
    """With everything there nothing is said; an old python3 is passed over for a newer one."""
    done = check(tmp_path, python3=OLD_PYTHON, **{"python3.12": GOOD_PYTHON}, gxx=GOOD_COMPILER)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_peer_that_does_not_install_is_left_out(tmp_path: Path) -> None:
    """The benchmarks' peers are installed all at once, or, where that fails, one by one: who cannot be had is named."""
    log = tmp_path / "installed"
    pip = f'for last; do :; done; case "$*" in *"vnpy>"*) exit 1;; esac; echo "$last" >> {log}; exit 0'
    for name in (".ci/prepare", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!{shutil.which("bash")}\ncase "$*" in *"-m pip"*) {pip};; esac\n{GOOD_PYTHON}\n')
    python.chmod(0o755)
    done = subprocess.run([str(tmp_path / ".ci/prepare"), "bench"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0
    assert done.stderr.splitlines() == [next(line for line in done.stderr.splitlines() if line.startswith("vnpy"))]
    assert "could not be installed" in done.stderr
    assert "pyzmq>=27.3" in log.read_text().splitlines()
    assert (tmp_path / ".venv/bench.stamp").exists()
