"""What the page of a backtest's report may do when it is served: its own scripts, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import re

__all__ = ["report_headers"]

_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def report_headers(page: str) -> dict[str, str]:
    """Return the headers for a report: a policy that names the hashes of its scripts and styles, in a sandbox without our origin.

    A report holds code of ours and data, which is written so that it cannot be taken for code. Should that fail one day, a script in it
    still could not ask the server for anything, nor see what the other pages keep.
    """
    scripts, styles = (" ".join(_hashes(kind, page)) for kind in (_SCRIPT, _STYLE))
    policy = (
        f"default-src 'none'; script-src {scripts}; style-src {styles}; style-src-attr 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self'; sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox"
    )
    return {"Content-Security-Policy": policy}


def _hashes(kind: re.Pattern[str], page: str) -> list[str]:
    texts = [text.replace("\r\n", "\n").replace("\r", "\n") for text in kind.findall(page)]
    return [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in texts] or ["'none'"]
