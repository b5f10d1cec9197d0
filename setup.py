"""Build the native extension and map the top-level folders to sub-packages of `gcg_quant`.

Metadata and tool settings are in pyproject.toml.
"""

from pathlib import Path

from pybind11.setup_helpers import ParallelCompile, Pybind11Extension
from setuptools import setup

ROOT = Path(__file__).parent
ROOMS = ("data_collector", "data_storage", "strategy_engine", "backtest", "visualization", "admin")


def packages() -> dict[str, str]:
    """Return {installed package name: source folder} of the core and of every room."""
    found = {"gcg_quant": "gcg_quant"}
    for room in ROOMS:
        for init in sorted((ROOT / room).rglob("__init__.py")):
            folder = init.parent.relative_to(ROOT).as_posix()
            found["gcg_quant." + folder.replace("/", ".")] = folder
    return found


native = Pybind11Extension(
    "gcg_quant._native",
    sources=sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "native/src").glob("*.cpp")),
    depends=sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "native").rglob("*.h")),
    include_dirs=["native/include"],
    cxx_std=20,
    extra_compile_args=["-O3", "-g0", "-Wall", "-Wextra", "-fno-math-errno", "-ffp-contract=off"],
)

ParallelCompile(default=2, needs_recompile=None).install()

setup(
    packages=list(packages()),
    package_dir=packages(),
    package_data={"gcg_quant": ["py.typed", "*.pyi"], "gcg_quant.visualization": ["web_frontend/**/*"], "gcg_quant.admin": ["web/**/*"]},
    ext_modules=[native],
)
