"""The page about tick strategies: its example runs as pasted, and its table has every setting."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.backtest import hft
from gcg_quant.backtest.hft import HftConfig, Latency

PAGE = (Path(__file__).resolve().parents[3] / "docs/hft.md").read_text(encoding="utf-8")


def test_example_runs_as_pasted(capsys: pytest.CaptureFixture[str]) -> None:
    """It trades, and prints the result and its last fills."""
    (text,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec(compile(text, "docs/hft.md", "exec"), names)
    result = names["result"]
    assert isinstance(result, hft.Result)
    assert len(result.fills) > 100
    assert capsys.readouterr().out.startswith("<Result Dip on IF1311: 100,000 ticks, ")


def test_every_setting_is_on_the_page() -> None:
    """Each key of the settings and of the latency stands in the table of settings."""
    table = PAGE[PAGE.index("## Settings") : PAGE.index("## Latency")]
    keys = [*HftConfig.__struct_fields__, *Latency.__struct_fields__]
    assert [key for key in keys if f"`{key}`" not in table] == []


def test_every_callback_is_on_the_page() -> None:
    """Each callback stands in the table of callbacks."""
    from gcg_quant.strategy_engine.hft import CALLBACKS

    table = PAGE[PAGE.index("## Callbacks") : PAGE.index("## Orders")]
    assert [name for name in (*CALLBACKS, "init", "finish", "on_stop") if f"`{name}" not in table] == []
