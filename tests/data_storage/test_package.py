"""What the storage room shows to the others."""

from __future__ import annotations

import subprocess
import sys

from gcg_quant import data_storage


def test_package_exposes_what_all_names() -> None:
    """Every public name is listed, sorted, and there."""
    names = {name for name, value in vars(data_storage).items() if not name.startswith("_") and not hasattr(value, "__path__")}
    modules = {name for name in names if type(getattr(data_storage, name)).__name__ == "module"}
    assert names - modules == set(data_storage.__all__)
    assert data_storage.__all__ == sorted(data_storage.__all__)


def test_start_loads_no_frames_and_no_files() -> None:
    """Pandas and pyarrow are loaded when they are needed, not when the system starts."""
    code = "import sys, gcg_quant.data_storage; print([name for name in ('pandas', 'pyarrow') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
