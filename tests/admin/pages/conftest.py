"""A window of the browser that the tests of a module open their pages in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .opened import DESK


@pytest.fixture(scope="module")
def window(chromium: Any) -> Iterator[Any]:
    """Return a browser context shared by a module's tests: only the first page has to read and compile its modules."""
    context = chromium.new_context(viewport=DESK, reduced_motion="reduce")
    yield context
    context.close()
