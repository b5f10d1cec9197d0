"""The mark that says which strategy is busy, for whoever finds its process hanging or dead."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gcg_quant import busy_mark
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


def test_look_between_time_and_text_blames_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that sees an old time beside a new text looks again; one that never sees the same twice says nobody."""
    path = tmp_path / "strategies.busy"
    mark = BusyMark(path)
    mark.enter(BusyMark.entry_of("mine", "on_tick"))
    whole = path.read_bytes()
    old = (1).to_bytes(8, sys.byteorder) + whole[8:]
    looks = iter([old, whole, whole])
    monkeypatch.setattr(busy_mark, "_look", lambda path: next(looks))
    found = busy_with(path)
    assert found is not None
    assert found.busy_s < 60
    changing = iter(range(10**6))
    monkeypatch.setattr(busy_mark, "_look", lambda path: next(changing).to_bytes(8, "big") + whole[8:])
    assert busy_with(path) is None
