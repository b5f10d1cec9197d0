"""Times and sizes as people type them on the command line: "7d", "2026-11-20", "20GB"."""

from __future__ import annotations

import re

import click

from gcg_quant.clock import from_iso, now_ns
from gcg_quant.errors import EventError
from gcg_quant.periods import period_ns

__all__ = ["moment_ns", "size_bytes"]

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}


def moment_ns(text: str) -> int:
    """Return the nanoseconds of an ISO time in UTC, or of how long ago it was ("90s", "30m", "12h", "7d", "2w").

    An option's `type`. Raises click.BadParameter for anything else.
    """
    try:
        return now_ns() - period_ns(text) if re.fullmatch(r"\d+[smhdw]", text) else from_iso(text)
    except EventError as error:
        raise click.BadParameter(
            f"{text!r} is neither a time such as '2026-11-20' or '2026-11-20T09:30:00' nor an age such as '7d' or '12h'."
        ) from error


def size_bytes(text: str) -> int:
    """Return the bytes of "20GB" (10^9), "512MiB" (2^20) or a plain number.

    An option's `type`. Raises click.BadParameter for anything else.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?I?B|)", text.strip().upper())
    if match is None or match[2] not in _UNITS:
        raise click.BadParameter(f"{text!r} is not a size such as '20GB' or '512MiB'.")
    return int(float(match[1]) * _UNITS[match[2]])
