"""The notebook of examples/ runs from its first cell to its last."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gcg_quant.backtest import hft

NOTEBOOK = Path(__file__).resolve().parents[2] / "examples/tick_grid.ipynb"


def outputs(notebook: Any) -> list[Any]:
    """Return what the cells have put out."""
    return [one for cell in notebook.cells if cell.cell_type == "code" for one in cell.outputs]


@pytest.mark.filterwarnings("default")  # those of the notebook's own machinery
def test_tick_grid_runs(tmp_path: Path) -> None:
    """Cell by cell in a kernel of its own, with whatever data is there: the report, measures and the table of parameters."""
    nbclient, nbformat, jupyter_client = (pytest.importorskip(name) for name in ("nbclient", "nbformat", "jupyter_client"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)  # kept without outputs
    with tempfile.TemporaryDirectory() as folder:  # its sockets are files: of ports that are free when they are chosen others may take one
        kernel = jupyter_client.AsyncKernelManager(kernel_name="python3", transport="ipc", connection_file=f"{folder}/kernel.json")
        nbclient.NotebookClient(notebook, km=kernel, timeout=200, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute(
            cleanup_kc=True
        )
    found = outputs(notebook)
    assert not [one for one in found if one.output_type == "error" or one.get("name") == "stderr"]
    pages = [one.data["text/html"] for one in found if "data" in one and "text/html" in one.data]
    assert any("<iframe" in page for page in pages)
    assert any("fill_ratio" in page for page in pages)
    assert any("drawdown" in page and "rungs" in page for page in pages)


def test_tick_grid_falls_back_to_the_simulator() -> None:
    """Where the file is missing, the cell's simulated exchange gives ticks with both sides and times in order."""
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    names: dict[str, Any] = {"hft": hft}
    exec(next(cell.source for cell in notebook.cells if "def simulated" in cell.source), names)
    ticks = names["simulated"]("IF2412", hours=0.05)
    assert len(ticks) > 200
    assert (ticks["bid_price"] < ticks["ask_price"]).all()
    assert (np.diff(ticks["event_ns"]) > 0).all()
