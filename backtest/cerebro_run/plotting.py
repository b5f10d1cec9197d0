"""Backtrader's plots where there is no display: in a terminal over ssh, in a container, in CI."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from gcg_quant.errors import BacktestError

__all__ = ["drawing"]


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """Let Backtrader draw: with the backend that the user chose, else with Agg where there is no display.

    Backtrader's plot package forces TkAgg upon matplotlib when it is first imported, whatever was chosen before; that is undone.

    Raises:
        BacktestError: matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.backends.registry import backend_registry
    except ImportError as error:
        raise BacktestError("cerebro.plot() needs matplotlib: pip install 'gcg_quant[report]'.", package="matplotlib") from error
    chosen = matplotlib.get_backend(auto_select=False)
    import backtrader.plot  # noqa: F401

    wanted = chosen or matplotlib.get_backend(auto_select=False)
    registry: Any = backend_registry  # untyped
    if not _has_display() and (wanted is None or registry.resolve_backend(wanted)[1] is not None):
        wanted = "Agg"
    if wanted is not None:
        matplotlib.use(wanted, force=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "FigureCanvas.* is non-interactive", UserWarning)  # Backtrader shows what cannot be shown
        yield


def _has_display() -> bool:
    return not sys.platform.startswith("linux") or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
