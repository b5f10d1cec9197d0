"""Fixtures of whoever talks to a futures counter: the real library of CTP, and a counter in memory. A conftest imports them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gcg_quant.openctp_library import Library, load_library

from .api import FakeLibrary
from .counter import Counter

__all__ = ["WaitUntil", "ctp_library", "fresh_counter", "waiting"]

WaitUntil = Callable[..., Any]


@pytest.fixture(name="ctp", scope="session")
def ctp_library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Return the real library of CTP: one kind a process, and it is this one in all tests that do not start one of their own."""
    if shutil.which("localedef") is None:
        pytest.skip("localedef is not installed")
    return load_library("ctp", tmp_path_factory.mktemp("openctp"))


@pytest.fixture(name="counter")
def fresh_counter(ctp: Library) -> Iterator[Counter]:
    """Return a counter."""
    made = Counter()
    FakeLibrary(ctp, made)
    yield made
    made.stop()


@pytest.fixture(name="wait_until")
def waiting() -> WaitUntil:
    """Return a function that waits for a condition with a deadline, and returns its value."""

    def wait(condition: Callable[[], Any], what: str = "the condition", timeout_s: float = 60.0) -> Any:
        deadline = time.monotonic() + timeout_s
        while not (found := condition()):
            assert time.monotonic() < deadline, f"{what} did not come about in time"
            time.sleep(0.002)
        return found

    return wait
