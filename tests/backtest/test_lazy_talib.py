"""TA-Lib, pandas and Polars are not imported with Backtrader, and `bt.talib` is what it always was once somebody looks into it."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

HEAD = """
import sys
import gcg_quant.backtest
import backtrader as bt
assert not {"talib", "pandas", "polars"} & set(sys.modules)
"""


@pytest.mark.parametrize(
    "use",
    [
        """
        from backtrader.talib import SMA, MA_Type
        assert SMA is bt.talib.SMA and issubclass(SMA, bt.Indicator) and MA_Type.T3 == 8
        from backtrader.talib import *
        assert RSI is bt.talib.RSI
        """,
        """
        import threading
        begin, found = threading.Barrier(4), []
        def look(asked):
            begin.wait()
            found.append(asked())
        asked = [lambda: "WILLR" in dir(bt.talib), *[lambda: bt.talib.WILLR is not None] * 3]  # the last class but one
        threads = [threading.Thread(target=look, args=(one,)) for one in asked]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert found == [True] * 4
        assert bt.talib.WILLR.__module__ == "backtrader.talib"
        assert bt.talib._TALibIndicator.__subclasses__().count(bt.talib.WILLR) == 1
        assert len({cls.__name__ for cls in bt.talib._TALibIndicator.__subclasses__()}) == len(bt.talib._TALibIndicator.__subclasses__())
        """,
    ],
    ids=["imported", "threads"],
)
def test_talib_is_there_when_it_is_used(use: str) -> None:
    """By either import, as an attribute, to a notebook's completion, and to several threads at once: one module, loaded once."""
    pytest.importorskip("talib")
    run(textwrap.dedent(use))


def test_without_ta_lib_the_error_is_backtrader_s() -> None:
    """Where it is not installed, `bt.talib` is empty."""
    run("sys.modules['talib'] = None\nassert bt.talib.__all__ == []\nassert not hasattr(bt.talib, 'SMA')")


def run(use: str) -> None:
    """Run lines in a process of their own, in which nobody has imported Backtrader before."""
    result = subprocess.run([sys.executable, "-c", HEAD + use], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
