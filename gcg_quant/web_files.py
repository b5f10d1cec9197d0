"""Files that every page of ours is made of, the live one and the reports: colours, chart adapter, numbers as text, the chart library."""

from __future__ import annotations

import contextlib
import importlib.metadata
from pathlib import Path

from gcg_quant.errors import ComponentError

__all__ = ["WEB_FILES", "chart_library"]

WEB_FILES = Path(__file__).parent / "web"


def chart_library() -> Path:
    """Return the chart library's file in its installed package, without importing that (it would open windows).

    Raises:
        ComponentError: it is not installed.
    """
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files("lightweight-charts") or ():
            if file.name == "lightweight-charts.js":
                return Path(str(file.locate()))
    raise ComponentError("Charts need the package lightweight-charts; install it: pip install lightweight-charts.")
