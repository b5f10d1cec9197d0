"""`models`: train a model on stored bars, list and show what is kept, serve one in the running system."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from gcg_quant.errors import GcgQuantError, ModelError

from .completion import complete_symbols
from .context import home_of, settings_of
from .looking import add, look, moment, number, print_tables, table
from .options import example, json_option, tell
from .strategies import parse_parameters

if TYPE_CHECKING:
    from gcg_quant.events import ModelControlEvent, ModelStatusEvent

    from ...strategy_engine.models.record import ModelRecord, Score
    from ...strategy_engine.models.store import ModelStore

__all__ = ["models"]

_BASES = ("last", "bid", "ask", "mid")


@click.group()
def models() -> None:
    """Train models on stored bars, and let them give signals."""


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    found: list[str] = []
    with contextlib.suppress(GcgQuantError, OSError):
        found = [path.name for path in sorted(settings_of(ctx).model_folder.iterdir()) if path.is_dir()]
    return [CompletionItem(name) for name in found if name.startswith(incomplete)]


@models.command(epilog=example("models train spy-hour --symbol SPY --period 1h --to 2016-01-01 --horizon 7"))
@click.argument("model")
@click.option("--symbol", required=True, shell_complete=complete_symbols, help="The instrument whose stored bars it is trained on.")
@click.option("--period", default="1h", show_default=True, help="Period of the bars.")
@click.option("--basis", type=click.Choice(_BASES), default="last", show_default=True, help="Which price the bars are made of.")
@click.option("--from", "start", default="", help="The first moment (UTC) of the bars, such as 2010-01-04.")
@click.option("--to", "end", default="", help="The last moment; what follows it the model has never seen.")
@click.option("--feature", "features", multiple=True, metavar="TEXT", help="A feature, such as 'talib.RSI(14)@1'; repeat it for a list.")
@click.option("--horizon", type=click.IntRange(min=1), default=5, show_default=True, help="So many bars ahead: is the close higher?")
@click.option("--folds", type=click.IntRange(min=1), default=5, show_default=True, help="Steps of the walk-forward.")
@click.option("--embargo", type=click.IntRange(min=0), default=20, show_default=True, help="Bars kept free between training and test.")
@click.option("--seed", type=click.IntRange(min=0, max=2**31 - 1), default=1, show_default=True, help="Of what is drawn at random.")
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="One of LightGBM's, such as rounds=300.")
@json_option
@click.pass_context
def train(ctx: click.Context, /, model: str, as_json: bool, **asked: Any) -> None:
    """Train MODEL, test it by a purged walk-forward, and keep it as its next version."""
    from gcg_quant.events import BarBasis

    from ...backtest.models.training import DEFAULT_FEATURES, TrainingRequest
    from ...backtest.models.training import train as train_model
    from ...data_storage.reading.history import DatabaseHistory
    from ...data_storage.sql.database import Database

    request = TrainingRequest(
        id=model,
        symbol=asked["symbol"],
        period=asked["period"],
        basis=BarBasis[asked["basis"].upper()],
        start_ns=_moment(asked["start"], "--from"),
        end_ns=_moment(asked["end"], "--to"),
        features=asked["features"] or DEFAULT_FEATURES,
        horizon=asked["horizon"],
        folds=asked["folds"],
        embargo=asked["embargo"],
        seed=asked["seed"],
        parameters=parse_parameters(asked["parameters"]),
    )
    settings = settings_of(ctx)
    with Database(settings.database.url, home=settings.home) as database:
        record = train_model(request, DatabaseHistory(database), _store(ctx), lambda text: click.echo(text, err=True))
    if as_json:
        tell("", _detail(record, {}), as_json=True)
        return
    print_tables(_folds(record))
    tell(f"kept: {record.name}, {_store(ctx).place(record.id, record.version)}\n{_verdict(record.score)}", None, as_json=False)


@models.command("list", epilog=example("models list"))
@json_option
@click.pass_context
def list_models(ctx: click.Context, as_json: bool) -> None:
    """Show every model that is kept, how it did on data that it had not seen, and which ones are served."""
    from ..reports.model_report import model_rows

    rows = model_rows(_store(ctx), _states(ctx))
    if as_json:
        tell("", rows, as_json=True)
        return
    if not rows:
        click.echo("No model is kept yet: train one with `python -m gcg_quant models train MODEL --symbol SYMBOL`.")
        return
    heads = (
        "model",
        ">version",
        "trained on",
        "to",
        ">bars ahead",
        ">features",
        ">AUC",
        ">IC",
        ">log loss",
        ">baseline",
        "state",
        "detail",
    )
    shown = table(*heads)
    for row in rows:
        score = row["score"]
        if score is None:  # its record cannot be read
            add(shown, row["id"], str(row["version"]), *[""] * (len(heads) - 4), row["state"], row["detail"])
            continue
        figures = [number(score[name], 4) for name in ("auc", "ic", "log_loss", "baseline_log_loss")]
        what = f"{row['symbol']} {row['period']}{'' if row['basis'] == 'last' else ' ' + row['basis']}"
        counts = [str(row["horizon"]), str(row["features"])]
        add(shown, row["id"], str(row["version"]), what, moment(row["end_ns"]), *counts, *figures, row["state"], row["detail"])
    print_tables(shown)


@models.command(epilog=example("models show spy-hour --version 1"))
@click.argument("model", shell_complete=_complete)
@click.option("--version", type=click.IntRange(min=0), default=0, help="Which one (default: the newest).")
@json_option
@click.pass_context
def show(ctx: click.Context, model: str, version: int, as_json: bool) -> None:
    """Show all that is kept of MODEL: data, features, parameters, folds, and the hash of its file."""
    record = _store(ctx).find(model, version)
    detail = _detail(record, _states(ctx))
    if as_json:
        tell("", detail, as_json=True)
        return
    facts = table("", "")
    what = f"{record.symbol}{'@' + record.venue if record.venue else ''}, {record.period} bars of the {record.basis} price"
    add(facts, "model", f"{record.name}, trained {moment(record.created_ns)}")
    add(facts, "state", f"{detail['state'] or 'not served'} {detail['detail']}".strip())
    add(facts, "data", f"{what}, {moment(record.start_ns)} to {moment(record.end_ns)}: {record.bars:,} bars, {record.rows:,} rows")
    add(facts, "data SHA-256", record.data_digest)
    add(facts, "label", f"the close is higher {record.horizon} bars on: {record.up_share:.2%} of the rows")
    add(facts, "features", "\n".join(record.features))
    add(facts, "parameters", " ".join(f"{name}={value:g}" for name, value in record.parameters.items()) + f" seed={record.seed}")
    add(facts, "file SHA-256", record.sha256)
    add(facts, "libraries", " ".join(f"{name} {value}" for name, value in record.libraries.items()))
    print_tables(facts, _folds(record))
    click.echo(_verdict(record.score))


@models.command(epilog=example("models serve spy-hour --version 1"))
@click.argument("model", shell_complete=_complete)
@click.option("--version", type=click.IntRange(min=0), default=0, help="Which one (default: the newest).")
@click.option("--symbol", "symbols", multiple=True, shell_complete=complete_symbols, help="Of what it speaks (default: as trained).")
@json_option
@click.pass_context
def serve(ctx: click.Context, model: str, version: int, symbols: tuple[str, ...], as_json: bool) -> None:
    """Let MODEL give signals in the running system, now and after each restart."""
    from gcg_quant.events import ModelControlEvent

    _store(ctx).find(model, version)
    _send(ctx, ModelControlEvent(action="serve", model=model, version=version, symbols=list(symbols)), as_json)


@models.command(epilog=example("models stop spy-hour"))
@click.argument("model", shell_complete=_complete)
@json_option
@click.pass_context
def stop(ctx: click.Context, model: str, as_json: bool) -> None:
    """Let MODEL give no more signals."""
    from gcg_quant.events import ModelControlEvent

    _send(ctx, ModelControlEvent(action="stop", model=model), as_json)


def _send(ctx: click.Context, event: ModelControlEvent, as_json: bool) -> None:
    from ..client import Client, send

    with Client(home_of(ctx)) as client:
        detail = send(client.bus, event, refused=ModelError).detail
    tell(detail, {"model": event.model, "done": event.action, "detail": detail}, as_json=as_json)


def _store(ctx: click.Context) -> ModelStore:
    from ...strategy_engine.models.store import ModelStore

    return ModelStore(settings_of(ctx).model_folder)


def _states(ctx: click.Context) -> dict[str, ModelStatusEvent]:
    from gcg_quant.events import ModelStatusEvent

    if home_of(ctx).facts() is None:
        return {}
    with look(ctx, ModelStatusEvent) as seen:
        return dict(seen.view.models)


def _detail(record: ModelRecord, states: Mapping[str, ModelStatusEvent]) -> dict[str, Any]:
    from ..reports.model_report import model_detail

    return model_detail(record, states)


def _moment(text: str, option: str) -> int | None:
    from gcg_quant.clock import from_iso

    try:
        return from_iso(text, "UTC") if text else None
    except ValueError as error:
        raise ModelError(f"{option} takes a moment such as 2016-01-04 or 2016-01-04T09:30, not {text!r}.", option=option) from error


def _folds(record: ModelRecord) -> Any:
    shown = table("test from", "to", ">trained on", ">purged", ">tested", ">AUC", ">accuracy", ">IC", ">log loss", ">baseline")
    for fold in record.folds:
        counts = [number(fold.train_rows), number(fold.purged_rows), number(fold.score.rows)]
        add(shown, moment(fold.test_start_ns), moment(fold.test_end_ns), *counts, *_figures(fold.score))
    add(shown, "all", "", "", "", number(record.score.rows), *_figures(record.score))
    return shown


def _figures(score: Score) -> list[str]:
    return [number(getattr(score, name), 4) for name in ("auc", "accuracy", "ic", "log_loss", "baseline_log_loss")]


def _verdict(score: Score) -> str:
    if score.log_loss >= score.baseline_log_loss:
        return "Its probabilities are no better than always telling the share of rises: no edge is shown."
    return "Its probabilities are better than always telling the share of rises, on rows that it had not seen; costs are not in that."
