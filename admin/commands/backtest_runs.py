"""`backtest list`, `show`, `rerun`, `compare`, `cancel`, `delete`: what was run, and running it again; `backtest FILE` runs a new one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gcg_quant.errors import BacktestError

from .backtest import backtest, run_spec
from .context import home_of, settings_of
from .looking import add, moment, table
from .options import agreed, example, json_option, tell, yes_option

if TYPE_CHECKING:
    from ...backtest.inputs.run_inputs import RunInputs
    from ...backtest.inputs.spec import BacktestSpec
    from ...data_storage.reading.ledger import BacktestRow

__all__ = ["backtests"]

_SHOWN = ("total_return", "sharpe", "max_drawdown", "trades")


class _FileOrCommand(click.Group):
    # `backtest FILE ...` is the command itself; only a first word that is one of the others' names means them.

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "-h", "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, "[OPTIONS] FILE | list | show RUN | rerun RUN | compare RUN RUN | cancel RUN | delete RUN")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        backtest.format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


@click.group(cls=_FileOrCommand, short_help="Backtest a strategy file on stored data.")
def backtests() -> None:
    """Backtest the strategy FILE on stored bars, and print result, trades, Sharpe and drawdown.

    A file that is called like one of the commands is named by its path: ./list.
    """


backtests.add_command(backtest, "run")


@backtests.command("list", epilog=example("backtest list --limit 50"))
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Show so many of the newest.")
@click.option("--json", "as_json", is_flag=True, help="Print everything that is kept of them as JSON.")
@click.pass_context
def list_runs(ctx: click.Context, limit: int, as_json: bool) -> None:
    """Show the newest backtests of the database, and those of the tick engine that were saved in the home folder's backtests."""
    import msgspec
    from rich.console import Console

    from ...backtest.sweep.figures import figure, title_of
    from ..reports.kept_runs import KeptRuns

    rows = KeptRuns(settings_of(ctx)).newest(limit)
    if as_json:
        click.echo(json.dumps([msgspec.to_builtins(row) for row in rows], indent=1))
        return
    if not rows:
        click.echo("No backtest is kept yet: run one with `python -m gcg_quant backtest FILE --symbol SYMBOL`.")
        return
    shown = table("run", "asked (UTC)", "strategy", "symbols", *(f">{title_of(name)}" for name in _SHOWN), "state")
    for row in rows:
        cells = [figure(name, row.results.get(name)) if row.results else "" for name in _SHOWN]
        symbols = f"{' '.join(row.request.get('symbols', []))} {row.request.get('period', '1d')}"
        add(shown, row.run, moment(row.requested_ns or 0), Path(row.request.get("file", "")).stem, symbols, *cells, _state(row))
    Console().print(shown)


@backtests.command("show", epilog=example("backtest show sma_cross-1"))
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="Print everything that is kept as JSON.")
@click.pass_context
def show_run(ctx: click.Context, run: str, as_json: bool) -> None:
    """Show a backtest's settings, code, data and result."""
    import msgspec
    from rich.console import Console

    from ...backtest.inputs.run_inputs import RunInputs
    from ...backtest.sweep.figures import figure, title_of
    from ..reports.kept_runs import KeptRuns

    row = KeptRuns(settings_of(ctx)).find(run)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(row), indent=1))
        return
    shown = table("", "")
    add(shown, "run", f"{row.run}, asked {moment(row.requested_ns or 0)}, {_state(row)}")
    for name, value in row.request.items():
        if value not in ("", None, {}, []) and name != "run":
            add(shown, name, _words(value))
    inputs = RunInputs.from_plain(row.inputs)
    if inputs is not None:
        for path, digest in inputs.code.sha256.items():
            add(shown, "code", f"{path} (SHA-256 {digest[:16]}…)")
        for one in inputs.data:
            add(shown, "data", f"{one} (SHA-256 {one.sha256[:16]}…)")
    if row.error:
        add(shown, "error", row.error)
    for name, value in row.results.items():
        add(shown, title_of(name), moment(value) if name.endswith("_ns") else figure(name, value))
    add(shown, "folder", row.report)
    Console().print(shown)


@backtests.command("rerun", epilog=example("backtest rerun sma_cross-1 --kept-code"))
@click.argument("run")
@click.option("--kept-code", is_flag=True, help="Run the copy of the strategy that the run kept, not the file as it is now.")
@click.option("--json", "as_json", is_flag=True, help="Print the result, and what differs, as JSON.")
@click.pass_context
def rerun(ctx: click.Context, run: str, kept_code: bool, as_json: bool) -> None:
    """Run a backtest again with its settings over its range of data, and say whether code, data or result differ.

    Exit code 1 if the result differs although code and data are the same.
    """
    import msgspec

    from ...backtest.inputs.run_inputs import RunInputs
    from ...backtest.report import print_report
    from ..reports.kept_runs import KeptRuns

    row = KeptRuns(settings_of(ctx)).find(run)
    inputs = RunInputs.from_plain(row.inputs)
    if inputs is None:
        raise BacktestError(f"Of the backtest {run!r} neither code nor data are known ({row.error or 'it has not ended'}).", run=run)
    result = run_spec(ctx, _spec_of(row, inputs, kept_code))
    now = result.inputs or inputs
    differences = inputs.differences(now)
    same = _plain(row.results) == _plain(result.measures.to_dict())
    if as_json:
        answer = {"of": run, "run": result.run, "differences": differences, "same_result": same, "result": msgspec.to_builtins(result)}
        click.echo(json.dumps(answer, indent=1))
    else:
        print_report(result, trades=0)
        for one in differences:
            click.echo(one)
        words = "the same" if same else "another"
        click.echo(f"The result is {words} as that of {run}." if same else f"The result is {words} than that of {run}.")
    if not same and not differences and row.ok:
        raise BacktestError(f"Code and data are those of {run}, and the result is another: the strategy does not depend on them alone.")


@backtests.command("cancel", epilog=example("backtest cancel sma_cross-1"))
@click.argument("run")
@json_option
@click.pass_context
def cancel(ctx: click.Context, run: str, as_json: bool) -> None:
    """End a backtest that the running system computes, or take it out of the queue."""
    from gcg_quant.events import BacktestCancelEvent

    from ..client import Client, send

    with Client(home_of(ctx)) as client:
        send(client.bus, BacktestCancelEvent(run=run), refused=BacktestError)
    tell(f"{run} is cancelled", {"run": run, "done": "cancel"}, as_json=as_json)


@backtests.command("compare", epilog=example("backtest compare fast slow"))
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN...")
@json_option
@click.pass_context
def compare(ctx: click.Context, runs: tuple[str, ...], as_json: bool) -> None:
    """Show the measures and parameters of runs side by side."""
    from rich.console import Console

    from ...backtest.sweep.figures import figure, title_of
    from ..reports.kept_runs import KeptRuns, compared

    if len(runs) < 2:
        raise click.UsageError("Name at least two runs: `backtest list` shows them.")
    kept = KeptRuns(settings_of(ctx))
    rows = [kept.find(run) for run in runs]
    facts = compared([(row.results, kept.result(row.run).get("parameters") or row.request.get("parameters", {})) for row in rows])
    if as_json:
        click.echo(json.dumps({"runs": list(runs), **facts}, indent=1))
        return
    shown = table("", *(f">{run}" for run in runs))
    for one in facts["parameters"]:
        add(shown, one["name"], *("-" if value is None else str(value) for value in one["values"]))
    for one in facts["rows"]:
        name = one["measure"]
        add(shown, title_of(name), *(moment(value) if name.endswith("_ns") else figure(name, value) for value in one["values"]))
    Console().print(shown)


@backtests.command("delete", epilog=example("backtest delete sma_cross-1"))
@click.argument("run")
@json_option
@yes_option
@click.pass_context
def delete(ctx: click.Context, run: str, as_json: bool, yes: bool) -> None:
    """Remove a backtest that has ended, with its folder."""
    from gcg_quant.events import SystemEvent

    from ..client import Client
    from ..reports.kept_runs import KeptRuns
    from ..views.system_view import BACKTEST_REMOVED

    kept = KeptRuns(settings_of(ctx))
    row, folder = kept.find(run), kept.folder(run)
    if not row.finished_ns and home_of(ctx).facts() is not None:
        raise BacktestError(f"The backtest {run!r} has not ended: cancel it first, with `backtest cancel {run}`.", run=run)
    agreed(f"Remove the backtest {run}{f' and the folder {folder}' if folder else ''}?", yes)
    kept.remove(run)
    if home_of(ctx).facts() is not None:
        with Client(home_of(ctx)) as client:
            client.bus.publish(SystemEvent(action=BACKTEST_REMOVED, component=run))
    tell(f"{run} is removed", {"run": run, "done": "delete"}, as_json=as_json)


def _spec_of(row: BacktestRow, inputs: RunInputs, kept_code: bool) -> BacktestSpec:
    import msgspec

    from gcg_quant.events import BacktestRequestEvent

    from ...backtest.inputs.spec import BacktestSpec
    from ...backtest.runs.run import CODE

    spec = BacktestSpec.from_event(BacktestRequestEvent(**row.request))
    file = Path(row.report) / CODE / Path(inputs.code.main).name if kept_code else Path(inputs.code.main)
    if not file.is_file():
        hint = "" if kept_code else "; --kept-code runs the copy that the run kept"
        raise BacktestError(f"The strategy of {row.run!r} is no longer there: {file}{hint}.", file=str(file))
    # The range of then: bars that were stored since then do not belong to it.
    start_ns = spec.start_ns if spec.start_ns is not None else min(one.start_ns for one in inputs.data)
    end_ns = spec.end_ns if spec.end_ns is not None else max(one.end_ns for one in inputs.data)
    return msgspec.structs.replace(spec, run="", file=str(file), start_ns=start_ns, end_ns=end_ns)


def _state(row: BacktestRow) -> str:
    if not row.finished_ns:
        return "not ended"
    return "done" if row.ok else "failed"


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={one}" for name, one in value.items())
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _plain(results: dict[str, Any]) -> Any:
    import msgspec

    return msgspec.json.decode(msgspec.json.encode(results))
