"""The mark that says which strategy is busy, for whoever finds its process hanging or dead."""

from __future__ import annotations

from pathlib import Path

from gcg_quant.busy_mark import BusyMark, busy_with


def test_mark_outlives_its_writer(tmp_path: Path) -> None:
    """The file says who is busy and since when, and nobody between two callbacks and before the first."""
    path = tmp_path / "strategies.busy"
    assert busy_with(path) is None
    mark = BusyMark(path)
    assert busy_with(path) is None
    mark.enter(BusyMark.entry_of("mine", "on_tick"))
    found = busy_with(path)
    assert found is not None
    assert found[:2] == ("mine", "on_tick")
    assert 0 <= found.busy_s < 60
    mark.leave()
    assert busy_with(path) is None
    mark.enter(BusyMark.entry_of("x" * 300, "on_bar"))
    del mark
    found = busy_with(path)
    assert found is not None
    assert found.callback == "on_bar"
