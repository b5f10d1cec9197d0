"""What all reports have in common: one HTML file that needs no network, the colours and type of every page, dark or light."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

from gcg_quant.web_files import WEB_FILES

from .bundle import bundle

__all__ = ["REPORT_PAGE", "filled", "html_page", "script"]

REPORT_PAGE = Path(__file__).parent / "report_page"
STYLES = (WEB_FILES / "tokens.css", REPORT_PAGE / "report.css")


def html_page(title: str, body: str, *, currency: str, styles: Sequence[Path] = ()) -> str:
    """Return the text of an HTML file with this body.

    Up is red for accounts in CNY, as it is in China. The page loads nothing from anywhere: its content security policy forbids it.

    Args:
        title: plain text.
        body: HTML, scripts included.
        currency: the account's.
        styles: style sheets besides those that every report has.
    """
    parts = {
        "title": html.escape(title),
        "up": "red" if currency == "CNY" else "green",
        "styles": "\n".join(path.read_text(encoding="utf-8") for path in (*STYLES, *styles)),
        "body": body,
    }
    return filled(REPORT_PAGE / "page.html", parts)


def filled(file: Path, parts: Mapping[str, str]) -> str:
    """Return the text of a file with each {{name}} in it replaced by the part of that name."""
    head, *rest = file.read_text(encoding="utf-8").split("{{")
    return head + "".join(parts[name] + text for name, text in (part.split("}}", 1) for part in rest))


def script(modules: Sequence[Path]) -> str:
    """Return ES modules, in an order in which each imports those before it, as the text of one script element."""
    return bundle(modules).replace("</script", "<\\/script")  # a closing tag in a script would end it
