"""What `backtest` and `optimize` ask for alike: the same options, and the spec that they make."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .context import settings_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...backtest.inputs.spec import BacktestSpec

__all__ = ["run_options", "spec_of"]

Command = TypeVar("Command", bound="Callable[..., Any]")

_OPTIONS = (
    click.option("--class", "class_name", default="", help="Which class of the file."),
    click.option("--symbol", "symbols", multiple=True, help="An instrument; each becomes a data feed.  [required]"),
    click.option("--period", default="1d", show_default=True, help="Period of the bars."),
    click.option("--from", "start", default=None, help="First day, for example 2015-01-01 (UTC)."),
    click.option("--to", "end", default=None, help="Day before which it ends."),
    click.option("--cash", type=float, default=None, help="Cash at the start (default: [backtest] cash)."),
    click.option("--commission", type=float, default=None, help="Commission as a fraction of the value (default: [backtest] commission)."),
    click.option("--slippage", type=float, default=0.0, help="Slippage as a fraction of the price."),
    click.option("--preset", default="", help="Trade on the terms of a market: auto, cn_stock, cn_future, us, hk, crypto, fx, cme."),
    click.option("--slippage-ticks", type=int, default=None, help="With --preset: slippage in ticks (default: 1)."),
    click.option("--stake", type=float, default=None, help="Units an order takes where the strategy names no size."),
    click.option("--journal", type=click.Path(path_type=Path, file_okay=False), default=None, help="Take the bars from this bus folder."),
    click.option(
        "--matching",
        type=click.Choice(["stock", "native"]),
        default="stock",
        show_default=True,
        help="Who matches: Backtrader, or the paper gateway with delays, queue and limits of [trading] and [risk].",
    ),
    click.option("--fees", type=click.Choice(["commission", "terms"]), default="commission", show_default=True, help="Of paper matching."),
)


def run_options(command: Command) -> Command:
    """Give a command the options of a run; their values, with `file` and `run`, are what `spec_of` reads."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def spec_of(ctx: click.Context, asked: dict[str, Any], parameters: dict[str, Any] | None = None) -> BacktestSpec:
    """Return the spec that a command line asks for; what it leaves out are the settings'."""
    from ..backtest_spec import asked_spec

    journal = asked["journal"]
    place = str(journal.absolute()) if journal is not None else ""
    return asked_spec(settings_of(ctx), {**asked, "journal": place}, parameters or {}, ends=("--from", "--to"))
