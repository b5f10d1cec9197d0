"""`parity`: the orders of two runs of one strategy side by side."""

from __future__ import annotations

import click

from .context import settings_of
from .options import example

__all__ = ["parity"]


@click.command(epilog=example("parity session:sma-eth sma_cross-1"))
@click.argument("run_a")
@click.argument("run_b")
@click.option("--all", "whole", is_flag=True, help="Show the orders that are the same, too.")
@click.option("--json", "as_json", is_flag=True, help="Print every order and difference as JSON.")
@click.pass_context
def parity(ctx: click.Context, run_a: str, run_b: str, whole: bool, as_json: bool) -> None:
    """Compare the orders of RUN_A and RUN_B, two runs of one strategy.

    A run is the name of a backtest, "session" for what runs or ran on this home, or the folder of a backtest, of a home or of a bus; where
    several strategies traded, a colon and the strategy's id follow: session:sma_cross.

    Each difference is one of price, timing, partial or rejected, and comes with the first event that led to it. Exit code 1 if a
    difference is unexplained.
    """
    import msgspec

    from ...backtest.parity import compare, read_run
    from ...backtest.parity.report import comparison_values, print_comparison

    home = settings_of(ctx).home
    found = compare(read_run(run_a, home), read_run(run_b, home))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(comparison_values(found))).decode())
    else:
        print_comparison(found, whole=whole)
    if found.unexplained:
        ctx.exit(1)
