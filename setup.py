"""Build the native extension and map the top-level folders to sub-packages of `gcg_quant`.

Metadata and tool settings are in pyproject.toml.
"""

import re
import sys
import tomllib
from functools import cache
from pathlib import Path

from pybind11.setup_helpers import ParallelCompile, Pybind11Extension
from setuptools import setup

ROOT = Path(__file__).resolve().parent
ROOMS = ("data_collector", "data_storage", "strategy_engine", "backtest", "visualization", "admin")


def packages() -> dict[str, str]:
    """Return {installed package name: source folder} of the core and of every room."""
    found = {"gcg_quant": "gcg_quant"}
    for room in ROOMS:
        for init in sorted((ROOT / room).rglob("__init__.py")):
            folder = init.parent.relative_to(ROOT).as_posix()
            found["gcg_quant." + folder.replace("/", ".")] = folder
    return found


def version() -> str:
    """Return the version, which is written down in pyproject.toml only."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


@cache
def read_by(path: Path) -> frozenset[Path]:
    """Return a file of `native` and all that it includes of that folder."""
    found = {path}
    for name in re.findall(r'^#include "(.+)"', path.read_text(encoding="utf-8"), re.MULTILINE):
        beside = (path.parent / name).resolve()
        found |= read_by(beside if beside.exists() else ROOT / "native/include" / name)
    return frozenset(found)


def is_stale(compiled: str, source: str) -> bool:
    """Return whether an object file is older than its source, what that includes, or what decides its flags."""
    made = Path(compiled).stat().st_mtime
    return any(path.stat().st_mtime > made for path in (*read_by(ROOT / source), ROOT / "setup.py", ROOT / "pyproject.toml"))


# Headers take most of the time, pybind11's alone four seconds a file: each file of merged/ compiles several as one. What takes longest
# comes first, so that at the end no processor waits for it.
MERGED = sorted((ROOT / "native/src/merged").glob("*.cpp"), key=lambda path: (not path.stem.startswith("python"), path.name))
SOURCES = [*MERGED, *sorted(set((ROOT / "native/src").glob("*.cpp")).difference(*map(read_by, MERGED)))]

native = Pybind11Extension(
    "gcg_quant._native",
    sources=[path.relative_to(ROOT).as_posix() for path in SOURCES],
    depends=[*sorted({one.relative_to(ROOT).as_posix() for path in SOURCES for one in read_by(path)}), "setup.py", "pyproject.toml"],
    include_dirs=["native/include"],
    define_macros=[("GCG_VERSION", f'"{version()}"')],
    cxx_std=20,
    extra_compile_args=["-O3", "-g0", "-Wall", "-Wextra", "-fno-math-errno", "-ffp-contract=off"],
)

ParallelCompile(default=2, needs_recompile=is_stale).install()

setup(
    packages=list(packages()),
    package_dir=packages(),
    package_data={
        "gcg_quant": ["py.typed", "*.pyi", "demo.toml", "china_futures.csv", "web/*"],
        "gcg_quant.data_storage.sql": ["migrations/**/*.py"],
        "gcg_quant.backtest.pages": ["report_page/*"],
        "gcg_quant.visualization": ["web_frontend/**/*"],
        "gcg_quant.admin": ["web/**/*"],
    },
    ext_modules=[native],
    # One folder of object files for every way to build (in place, editable, wheel), so that only what changed is compiled.
    options={"build_ext": {"build_temp": f"build/objects-{sys.implementation.cache_tag}"}},
)
