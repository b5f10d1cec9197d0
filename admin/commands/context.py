"""What the commands take from the command line's global options."""

from __future__ import annotations

import click

from gcg_quant.settings import Settings

from ..home import Home

__all__ = ["home_of", "settings_of"]


def settings_of(ctx: click.Context) -> Settings:
    """Return the settings that --config and --home name. Raises SettingsError."""
    options = ctx.find_root().obj
    return Settings.load(options["config"], home=options["home"])


def home_of(ctx: click.Context) -> Home:
    """Return the home folder that the options name."""
    return Home(settings_of(ctx).home)
