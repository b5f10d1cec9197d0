"""The page that asks for the token: plain HTML without a script, in both languages."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, quote

__all__ = ["LOGIN_FILES", "MOST_FORM_BYTES", "LoginForm", "LoginPage", "parse_form", "safe_next"]

LOGIN_FILES = frozenset({"/shared/tokens.css", "/static/css/login.css", "/static/icon.svg"})  # what the page is made of: no secret in them
MOST_FORM_BYTES = 4_096

_PAGES = Path(__file__).parent.parent / "web_frontend"
_TEXTS = {
    "en": {
        "title": "gcg_quant: token",
        "token": "Token",
        "open": "Open",
        "hint": "The token is what GCG_QUANT_WEB__TOKEN was when the system was started.",
        "other": "中文",
        "leave_title": "gcg_quant: log out",
        "leave_hint": "Ends this browser's session. The system goes on running.",
        "leave": "Log out",
        "back": "Back to the chart",
        "wrong": "That token is not the right one.",
        "wait": "Too many wrong tokens: try again in {0} s.",
    },
    "zh": {
        "title": "gcg_quant：令牌",
        "token": "令牌",
        "open": "打开",
        "hint": "令牌即系统启动时环境变量 GCG_QUANT_WEB__TOKEN 的值。",
        "other": "English",
        "leave_title": "gcg_quant：退出登录",
        "leave_hint": "结束此浏览器的会话。系统继续运行。",
        "leave": "退出登录",
        "back": "返回图表",
        "wrong": "令牌不正确。",
        "wait": "错误次数过多：请在 {0} 秒后重试。",
    },
}


class LoginForm(NamedTuple):
    """What the form sends."""

    token: str
    next: str
    language: str


class LoginPage:
    """Draws the page.

    Args:
        theme: "dark" or "light".
        language: the one that is shown to whoever's browser asks for neither.
    """

    def __init__(self, theme: str, language: str) -> None:
        self._theme = theme
        self._language = language
        self._asks = (_PAGES / "login.html").read_text(encoding="utf-8")
        self._leaves = (_PAGES / "logout.html").read_text(encoding="utf-8")

    def draw(self, *, language: str = "", accepted: str = "", next: str = "/", problem: str = "", wait_s: float = 0.0) -> bytes:
        """Return the page.

        Args:
            language: as chosen; "" goes by the Accept-Language header `accepted`.
            next: where to go behind the token.
            problem: "wrong", "wait" or "".
            wait_s: how long to wait.
        """
        language = language if language in _TEXTS else self._spoken(accepted)
        texts = _TEXTS[language]
        sentence = texts[problem].format(max(1, round(wait_s))) if problem else ""
        facts = {
            **texts,
            "language": language,
            "other_language": "en" if language == "zh" else "zh",
            "theme": self._theme,
            "next": next,
            "next_query": quote(next, safe=""),
            "problem": sentence,
        }
        return _filled(self._asks, facts)

    def draw_leaving(self, accepted: str) -> bytes:
        """Return the page with the button that ends the session."""
        language = self._spoken(accepted)
        return _filled(self._leaves, {**_TEXTS[language], "language": language, "theme": self._theme})

    def _spoken(self, accepted: str) -> str:
        for part in accepted.lower().split(","):
            spoken = part.strip()[:2]
            if spoken in _TEXTS:
                return spoken
        return self._language


def _filled(template: str, facts: dict[str, str]) -> bytes:
    return re.sub(r"\{(\w+)\}", lambda found: html.escape(facts[found[1]]), template).encode()


def parse_form(body: bytes) -> LoginForm:
    """Return what a form holds; what is missing is ""."""
    fields = parse_qs(body.decode("latin-1"), max_num_fields=8, encoding="utf-8", errors="replace")

    def first(name: str) -> str:
        return fields.get(name, [""])[0]

    return LoginForm(first("token"), safe_next(first("next")), first("lang"))


def safe_next(path: str) -> str:
    """Return a path of this server to go on to, "/" for whatever could lead elsewhere."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and len(path) <= 512
    return path if plain and "\\" not in path and path.partition("?")[0] not in ("/login", "/logout") else "/"
