"""What the commands take from the command line's global options."""

from __future__ import annotations

from pathlib import Path

import click

from gcg_quant.settings import FILE_NAME, Settings

from ..home import Home

__all__ = ["config_of", "home_of", "settings_of"]


def settings_of(ctx: click.Context) -> Settings:
    """Return the settings that --config and --home name. Raises SettingsError."""
    root = ctx.find_root()
    options = root.obj or root.params  # the shell asks for completions before anything has run
    return Settings.load(options["config"], home=options["home"])


def home_of(ctx: click.Context) -> Home:
    """Return the home folder that the options name."""
    return Home(settings_of(ctx).home)


def config_of(ctx: click.Context) -> Path | None:
    """Return the settings file in use, or None for the built-in demo."""
    named: Path | None = ctx.find_root().obj["config"]
    return named or (Path(FILE_NAME) if Path(FILE_NAME).is_file() else None)
