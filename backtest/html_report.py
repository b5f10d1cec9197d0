"""The result as one HTML file that needs no network: headline, price with trades, equity over drawdown, months, measures, trades."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gcg_quant.web_files import WEB_FILES, chart_library

from .bundle import bundle
from .report_data import report_data

if TYPE_CHECKING:
    from .result import BacktestResult
    from .sources import Source

__all__ = ["report_html", "report_title"]

PAGE = Path(__file__).parent / "report_page"
MODULES = (
    WEB_FILES / "format.js",
    WEB_FILES / "chart_base.js",
    WEB_FILES / "price_chart.js",
    WEB_FILES / "curve_chart.js",
    *(PAGE / f"{name}.js" for name in ("page", "marks", "charts", "measures", "trades", "report")),
)
STYLES = (WEB_FILES / "tokens.css", PAGE / "report.css")


def report_html(result: BacktestResult, sources: Sequence[Source]) -> str:
    """Return the report of a result and the bars that it came from, as the text of an HTML file.

    Up is red for accounts in CNY, as it is in China. The page loads nothing from anywhere: its content security policy forbids it.

    Raises:
        ComponentError: the package lightweight-charts is not installed.
    """
    data = json.dumps(report_data(result, sources), allow_nan=False, default=str, separators=(",", ":"))
    parts = {
        "title": html.escape(report_title(result)),
        "up": "red" if result.currency == "CNY" else "green",
        "styles": "\n".join(path.read_text(encoding="utf-8") for path in STYLES),
        "library": _script(chart_library().read_text(encoding="utf-8")),
        "data": data.replace("<", "\\u003c"),
        "script": _script(bundle(MODULES)),
    }
    page = (PAGE / "report.html").read_text(encoding="utf-8")
    head, *rest = page.split("{{")
    return head + "".join(parts[name] + text for name, text in (part.split("}}", 1) for part in rest))


def report_title(result: BacktestResult) -> str:
    """Return what was run, such as "SmaCross on SPY 1d"."""
    return f"{result.strategy} on {', '.join(result.spec.symbols)} {result.spec.period}"


# A closing tag in a script would end it.
def _script(text: str) -> str:
    return text.replace("</script", "<\\/script")
