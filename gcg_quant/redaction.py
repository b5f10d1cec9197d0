"""Redaction: no secret of the settings reaches a log, an answer or a message to elsewhere, whoever wrote the text.

A process that knows its settings says so once (`hide_secrets_of`); from then on `hidden` masks them. Passwords in URLs are always masked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

if TYPE_CHECKING:
    from gcg_quant.settings import Settings

__all__ = ["Redactor", "hidden", "hide", "hide_secrets_of"]

MASK = "***"
_IN_URL = re.compile(r"(\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s:/@'\"]*):([^\s/@'\"]+)@")
_LEAST = 4  # a shorter secret is found in too many words


class Redactor:
    """Masks the secrets of some settings in texts: tokens, secret addresses, and passwords in URLs, also in others' URLs."""

    def __init__(self, settings: Settings | None = None, others: Iterable[str] = ()) -> None:
        secrets = {*(_secrets(settings) if settings is not None else ()), *others}
        found = {form for secret in secrets for form in (secret, quote(secret, safe=""), unquote(secret)) if len(form) >= _LEAST}
        ordered = sorted(found, key=len, reverse=True)  # a secret that holds another goes first
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def __call__(self, text: str) -> str:
        """Return the text with every secret masked."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        return _IN_URL.sub(rf"\1:{MASK}@", text) if "://" in text else text


_redactor = Redactor()
_settings: Settings | None = None
_others: set[str] = set()


def hide_secrets_of(settings: Settings) -> None:
    """Let `hidden` mask the secrets of these settings, in the whole process."""
    global _redactor, _settings
    _settings = settings
    _redactor = Redactor(settings, _others)


def hide(secrets: Iterable[str]) -> None:
    """Let `hidden` mask these texts as well, in the whole process: credentials, keys that a venue has lent."""
    global _redactor
    fresh = {secret for secret in secrets if secret} - _others
    if fresh:
        _others.update(fresh)
        _redactor = Redactor(_settings, _others)


def hidden(text: str) -> str:
    """Return a text without the secrets of this process."""
    return _redactor(text)


def _secrets(value: Any, name: str = "") -> Iterator[str]:
    from pydantic import BaseModel, SecretStr  # whoever has settings has loaded it

    if isinstance(value, SecretStr):
        secret = value.get_secret_value()
        yield secret
        if "://" in secret and len(path := urlsplit(secret).path) > 8:  # a library may tell the path alone
            yield path
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
