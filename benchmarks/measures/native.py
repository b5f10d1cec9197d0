"""The journal alone, in C++: builds and runs the programs of native/bench and takes their rows."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from .rows import Plan, Row

NATIVE = Path(__file__).resolve().parents[2] / "native"
PROGRAMS = {
    "append": "append",
    "producers": "append",
    "sync": "append",
    "reader": "read",
    "latency": "read",
    "long": "long",
    "check": "risk",
}


def part(plan: Plan, name: str) -> Iterator[Row]:
    """Yield the rows of one part of one program."""
    program = f"build/plain/bench/{PROGRAMS[name]}"
    built = subprocess.run(["make", "-s", "-C", str(NATIVE), program], capture_output=True, text=True, check=False)
    if built.returncode:
        raise SystemExit(f"The C++ benchmark could not be built:\n{built.stderr}")
    command = [str(NATIVE / program), "--rows", "--only", name]
    with subprocess.Popen([*command, *(["--quick"] if plan.quick else [])], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            title, figure, target, verdict = line.rstrip("\n").split("\t")
            yield Row(title, figure, target, None if not verdict else verdict == "ok")
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with exit code {process.returncode}")
