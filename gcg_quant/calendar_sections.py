"""The section of `gcg_quant.toml` for the user's own calendar tables; see docs/calendars.md."""

from __future__ import annotations

from pathlib import Path

from gcg_quant.section import Section, setting

__all__ = ["CalendarsSettings"]


class CalendarsSettings(Section):
    """[calendars]: tables of China's futures sessions that lie over the one in the package."""

    files: tuple[Path, ...] = setting(
        (), "own tables of China's futures sessions (CSV); those in `calendars` of the home folder are used too"
    )
