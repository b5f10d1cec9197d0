"""What the figures were measured on."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import psutil


def processor() -> str:
    """Return the CPU's name as the kernel gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def compiler() -> str:
    """Return the C++ compiler and its version."""
    name = os.environ.get("CXX") or ("g++" if shutil.which("g++") else "clang++")
    found = subprocess.run([name, "-dumpfullversion", "-dumpversion"], capture_output=True, text=True, check=False)
    return f"{Path(name).name} {found.stdout.split()[0] if found.stdout else '?'}"


def file_system(folder: Path) -> str:
    """Return the type of the file system that holds a folder: ext4, tmpfs ..."""
    place = folder.resolve()
    mounts = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    return next((mounts[parent] for parent in (place, *place.parents) if parent in mounts), "unknown")


def describe(folder: Path) -> str:
    """Return one line: processor, cores, kernel, Python, compiler, file system, date."""
    parts = [
        f"{os.cpu_count()} cores of {processor()}",
        f"{platform.system()} {platform.release().split('-')[0]}",
        f"Python {platform.python_version()}",
        compiler(),
        file_system(folder),
        datetime.datetime.now(datetime.UTC).date().isoformat(),
    ]
    return ", ".join(parts)


def versions(packages: Iterable[str]) -> str:
    """Return "name version" for each package that is installed."""
    found = []
    for name in packages:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join(found)
