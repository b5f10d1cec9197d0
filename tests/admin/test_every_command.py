"""What holds for every console command: an example that is one, --json, a question before anything trades or goes, completion."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from gcg_quant.admin.console import cli

from .conftest import Console, System, call, environment

ASK = {
    "backtest delete",
    "components restart",
    "components stop",
    "accounts resume",
    "data delete",
    "database prune",
    "database restore",
    "journal prune",
    "orders cancel",
    "risk kill",
    "strategies load",
    "strategies reload",
    "strategies start",
    "strategies stop",
    "strategies unload",
}
WATCHED = {"accounts", "accounts funding", "alerts", "alerts list", "gateways", "orders", "positions", "risk", "status", "strategies list"}
NO_JSON = {"completion"}  # a script for a shell


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something, by its words."""
    if isinstance(command, click.Group):
        if command.invoke_without_command:
            yield " ".join(path), command
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from leaves(found, (*path, name))
    else:
        yield " ".join(path), command


COMMANDS = dict(leaves(cli))


def options(command: click.Command) -> set[str]:
    """Return the names of a command's options."""
    return {name for parameter in command.params for name in parameter.opts}


@pytest.mark.parametrize("words", COMMANDS)
def test_help_has_an_example_that_is_understood(words: str) -> None:
    """Under --help of every command stands an example, of this very command, whose options and arguments exist."""
    command = COMMANDS[words]
    lines = [line.strip() for line in (command.epilog or "").splitlines() if "python -m gcg_quant " in line]
    assert lines, f"{words} has no example"
    for line in lines:
        given = shlex.split(line.partition(" >> ")[0])[3:]
        assert " ".join(given).startswith((words.removesuffix(" run"), words.removeprefix("data ")))
        context, rest = click.Context(cli, info_name="gcg_quant"), given
        found: click.Command = cli
        while isinstance(found, click.Group) and rest and (next_one := found.get_command(context, rest[0])) is not None:
            found, context, rest = next_one, click.Context(next_one, info_name=rest[0], parent=context), rest[1:]
        found.make_context(words, rest, parent=context.parent, resilient_parsing=False)


def test_every_command_answers_in_json() -> None:
    """--json is there on each but the one that prints a script."""
    assert [words for words, command in COMMANDS.items() if "--json" not in options(command) and words not in NO_JSON] == []


def test_what_trades_or_deletes_can_be_agreed_to_beforehand() -> None:
    """--yes is on the commands that ask, and only on these; live views have --watch."""
    assert {words for words, command in COMMANDS.items() if "--yes" in options(command)} >= ASK
    assert {words for words, command in COMMANDS.items() if "--watch" in options(command)} >= WATCHED


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Run the demo."""
    running = System(tmp_path_factory.mktemp("asked") / "home", "--one-process")
    yield running
    running.close()


def test_a_no_and_no_answer_change_nothing(system: System) -> None:
    """A no is obeyed; where nobody can answer, the command says so and names --yes; --yes does it."""

    def console(*words: str, say: str = "y\n") -> subprocess.CompletedProcess[str]:
        return call(system.home, *words, say=say)

    refused = console("strategies", "stop", "grid-btc", say="n\n")
    assert refused.returncode == 1
    assert "Stop grid-btc? Its orders are cancelled." in refused.stderr
    assert "Nothing was done." in refused.stderr
    silent = console("strategies", "stop", "grid-btc", say="")
    assert silent.returncode == 2
    assert "add --yes" in silent.stderr
    states = {one["strategy"]: one["state"] for one in json.loads(console("strategies", "list", "--json").stdout)["strategies"]}
    assert states["grid-btc"] == "running"
    done = console("strategies", "stop", "grid-btc", "--yes", "--json", say="")
    assert json.loads(done.stdout) == {"strategy": "grid-btc", "done": "stop"}
    states = {one["strategy"]: one["state"] for one in json.loads(console("strategies", "list", "--json").stdout)["strategies"]}
    assert states["grid-btc"] == "stopped"


def test_watching_goes_on_until_it_is_stopped(system: System) -> None:
    """--watch looks again and again: with --json a line of JSON each time, of a market that goes on."""
    command = [sys.executable, "-m", "gcg_quant", "status", "--watch", "0.1", "--json"]
    watching = subprocess.Popen(command, env=environment(system.home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    killer = threading.Timer(60, watching.kill)
    killer.start()
    assert watching.stdout is not None
    try:
        counts: list[int] = []
        while len(counts) < 3 or counts[-1] == counts[0]:  # a busy machine may publish nothing for a few looks
            counts.append(sum(json.loads(watching.stdout.readline())["events"].values()))
    finally:
        watching.kill()
        watching.communicate()
        killer.cancel()
    assert counts == sorted(counts)


def completed(home: Path, *words: str) -> list[str]:
    """Return what the shell would offer after these words."""
    variables = {"_GCG_QUANT_COMPLETE": "bash_complete", "COMP_WORDS": shlex.join(["gcg_quant", *words]), "COMP_CWORD": str(len(words))}
    done = subprocess.run(
        [sys.executable, "-m", "gcg_quant"], env={**environment(home), **variables}, capture_output=True, text=True, timeout=60, check=False
    )
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_the_shell_completes_commands_options_and_names(system: System) -> None:
    """Commands, options, and what the running system has: strategies and symbols; the script for the shell is printed."""
    assert completed(system.home, "pos") == ["positions"]
    assert "--watch" in completed(system.home, "orders", "--w")
    assert completed(system.home, "strategies", "start", "sma-e") == ["sma-eth"]
    assert completed(system.home, "data", "info", "BTC/") == ["BTC/USDT@SIM"]
    assert "grid" in completed(system.home, "strategies", "load", "gr")
    assert completed(Path(os.devnull).parent / "no-such-home", "strategies", "start", "x") == []


def test_completion_script_is_one_of_the_shell(console: Console, tmp_path: Path) -> None:
    """Bash reads the script without a complaint."""
    script = console("completion", "bash").stdout
    assert "_GCG_QUANT_COMPLETE=bash_complete" in script
    (tmp_path / "completion.sh").write_text(script)
    assert subprocess.run(["bash", "-n", tmp_path / "completion.sh"], check=False).returncode == 0
