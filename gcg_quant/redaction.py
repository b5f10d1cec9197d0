"""Redaction: no secret of the settings reaches a log, an answer or a message to elsewhere, whoever wrote the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from pydantic import BaseModel, SecretStr

from gcg_quant.settings import Settings

__all__ = ["Redactor"]

_IN_URL = re.compile(r"(\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s:/@'\"]*):([^\s/@'\"]+)@")
MASK = "***"
_LEAST = 4  # a shorter secret is found in too many words


class Redactor:
    """Masks the secrets of some settings in texts: tokens, addresses that are secret, passwords in URLs, also in others' URLs."""

    def __init__(self, settings: Settings) -> None:
        found = {form for secret in _secrets(settings) for form in (secret, quote(secret, safe=""), unquote(secret)) if len(form) >= _LEAST}
        ordered = sorted(found, key=len, reverse=True)  # a secret that holds another goes first
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def __call__(self, text: str) -> str:
        """Return the text with every secret masked."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        return _IN_URL.sub(rf"\1:{MASK}@", text) if "://" in text else text


def _secrets(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
        parts = urlsplit(value.get_secret_value()) if "://" in value.get_secret_value() else None
        if parts is not None and len(parts.path) > 8:  # a library may tell the path alone
            yield parts.path
    elif isinstance(value, BaseModel):
        for field in type(value).model_fields:
            yield from _secrets(getattr(value, field), field)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _secrets(item, name)
    elif isinstance(value, str) and "url" in name and "://" in value:
        try:
            yield urlsplit(value).password or ""
        except ValueError:
            return
