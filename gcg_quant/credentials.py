"""Credentials of accounts at venues: from the environment alone, and never seen in a text.

`GCG_QUANT_CREDENTIALS__BINANCE__API_KEY` is `api_key` of the collector or gateway "binance"; in its name - and . are written _.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from gcg_quant.errors import SettingsError, nearest
from gcg_quant.redaction import hide

__all__ = ["CREDENTIALS_PREFIX", "Credentials", "credentials_of"]

CREDENTIALS_PREFIX = "GCG_QUANT_CREDENTIALS__"


class Credentials(Mapping[str, str]):
    """The credentials under one name: lower-case keys and their values, which no repr shows."""

    def __init__(self, name: str, values: Mapping[str, str]) -> None:
        self.name = name
        self._values = dict(values)

    def __getitem__(self, key: str) -> str:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Credentials({self.name!r}, {', '.join(f'{key}=***' for key in self._values) or 'none'})"

    def variable(self, key: str) -> str:
        """Return the environment variable of a key."""
        return f"{_prefix(self.name)}{key.upper()}"

    def need(self, key: str) -> str:
        """Return the value of a key.

        Raises:
            SettingsError: it is not set; the message names the variable.
        """
        value = self._values.get(key, "")
        if not value:
            text = f"{self.name!r} needs the credential {key!r}: set {self.variable(key)} in the environment.{nearest(key, self._values)}"
            raise SettingsError(text, name=self.name, key=key)
        return value


def credentials_of(name: str, environ: Mapping[str, str] = os.environ) -> Credentials:
    """Return the credentials of a collector or gateway; from now on `hidden` masks their values in every text of this process."""
    prefix = _prefix(name)
    values = {key.removeprefix(prefix).lower(): value for key, value in environ.items() if key.startswith(prefix) and value}
    hide(values.values())
    return Credentials(name, values)


def _prefix(name: str) -> str:
    return f"{CREDENTIALS_PREFIX}{name.upper().replace('-', '_').replace('.', '_')}__"
