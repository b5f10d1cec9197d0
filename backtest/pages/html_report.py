"""The result as one HTML file that needs no network: headline, price with trades, equity over drawdown, months, measures, trades."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gcg_quant.web_files import WEB_FILES, chart_library

from .html_page import REPORT_PAGE, filled, html_page, script
from .report_data import report_data

if TYPE_CHECKING:
    from ..inputs.sources import Source
    from ..results.result import BacktestResult

__all__ = ["report_html", "report_title"]

MODULES = (
    WEB_FILES / "format.js",
    WEB_FILES / "chart_base.js",
    WEB_FILES / "shape_layer.js",
    WEB_FILES / "price_chart.js",
    WEB_FILES / "study_chart.js",
    WEB_FILES / "curve_chart.js",
    *(REPORT_PAGE / f"{name}.js" for name in ("page", "marks", "plots", "charts", "measures", "making", "trades", "report")),
)


def report_html(result: BacktestResult, sources: Sequence[Source]) -> str:
    """Return the report of a result and the bars that it came from, as the text of an HTML file.

    Raises:
        ComponentError: the package lightweight-charts is not installed.
    """
    data = json.dumps(report_data(result, sources), allow_nan=False, default=str, separators=(",", ":"))
    parts = {
        "library": chart_library().read_text(encoding="utf-8").replace("</script", "<\\/script"),
        "data": data.replace("<", "\\u003c"),
        "script": script(MODULES),
    }
    return html_page(report_title(result), filled(REPORT_PAGE / "run.html", parts), currency=result.currency)


def report_title(result: BacktestResult) -> str:
    """Return what was run, such as "SmaCross on SPY 1d" or "Grid on BTCUSDT ticks"."""
    return f"{result.strategy} on {', '.join(result.spec.symbols)} {'ticks' if result.ticks else result.spec.period}"
