"""A strategy whose file changes is loaded anew by itself; one that cannot be loaded changes nothing and is reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gcg_quant.bus import EventBus
from gcg_quant.events import Applied, LogEvent, StrategyControlEvent
from gcg_quant.strategy_engine import StrategyManager

Journal = Callable[..., list[Any]]
Command = Callable[..., Any]
WriteFile = Callable[[str, str], Path]
WaitUntil = Callable[..., None]
Start = Callable[..., StrategyManager]

SOURCE = """
class Mine(Strategy):
    symbols = ("BTC/USDT",)
    def on_start(self):
        self.log("version {version}")
"""


def said(journal: Journal) -> list[str]:
    """Return what the strategy has written."""
    return [event.message for event in journal(LogEvent) if event.component == "mine" and event.level == "info"]


def test_changed_file_is_reloaded_by_itself(
    bus: EventBus, start_manager: Start, command: Command, write_file: WriteFile, journal: Journal, wait_until: WaitUntil
) -> None:
    """Each change of the file, also a replacement of it, is one recorded "reload"; touching it is none."""
    path = write_file("mine.py", SOURCE.format(version=1))
    write_file("other.py", SOURCE.format(version="other"))
    manager = start_manager(reload_changed=True)
    assert command("run", "mine", file="mine").ok
    assert command("run", "other", file="other").ok
    path.touch()
    for version in (2, 3):
        new = write_file("next.txt", SOURCE.format(version=version))
        new.replace(path)
        wait_until(lambda wanted=version: said(journal)[-1] == f"version {wanted}", "the reload", timeout_s=60.0)
    commands = [event for event in journal(StrategyControlEvent) if event.action == "reload"]
    assert [(event.strategy, event.source) for event in commands] == [("mine", "strategies")] * 2
    assert said(journal) == ["version 1", "version 2", "version 3"]
    assert {info.state for info in manager.strategies()} == {"running"}


def test_changed_file_that_cannot_be_loaded_changes_nothing(
    bus: EventBus, start_manager: Start, command: Command, write_file: WriteFile, journal: Journal, wait_until: WaitUntil
) -> None:
    """The running strategy runs on, the answer names file and line, once; when the file is good again it is taken."""
    path = write_file("mine.py", SOURCE.format(version=1))
    manager = start_manager(reload_changed=True)
    assert command("run", "mine", file="mine").ok
    path.write_text("def broken(:\n")
    wait_until(lambda: not journal(Applied)[-1].ok, "the refusal", timeout_s=60.0)
    assert journal(Applied)[-1].detail == f"{path}:1: this is not valid Python: invalid syntax."
    assert [(info.id, info.state) for info in manager.strategies()] == [("mine", "running")]
    errors = [event.message for event in journal(LogEvent) if event.level == "error"]
    assert errors == [f"reload mine: {path}:1: this is not valid Python: invalid syntax."]
    write_file("mine.py", SOURCE.format(version=2))
    wait_until(lambda: said(journal) == ["version 1", "version 2"], "the good file", timeout_s=60.0)


def test_changed_module_beside_the_file_counts(
    bus: EventBus, folder: Path, start_manager: Start, command: Command, write_file: WriteFile, journal: Journal, wait_until: WaitUntil
) -> None:
    """What the strategy imports from its own folder belongs to it."""
    (folder / "mine_numbers.py").write_text("NUMBER = 1\n")
    write_file("mine.py", "import mine_numbers\n" + SOURCE.replace('"version {version}"', 'f"version {mine_numbers.NUMBER}"'))
    start_manager(reload_changed=True)
    assert command("run", "mine", file="mine").ok
    (folder / "mine_numbers.py").write_text("NUMBER = 2\n")
    wait_until(lambda: said(journal) == ["version 1", "version 2"], "the reload", timeout_s=60.0)


def test_reload_takes_the_symbols_of_the_new_class_unless_they_were_set(
    bus: EventBus, start_manager: Start, command: Command, write_file: WriteFile
) -> None:
    """Symbols in the file follow the file, also after a restart; those of the command stay. Without any the old class runs on."""
    for symbol in ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT"):
        bus.instruments.number(symbol, "SIM")
    write_file("mine.py", SOURCE.format(version=1))
    manager = start_manager()
    assert command("run", "free", file="mine").ok
    assert command("run", "set", file="mine", symbols=["XRP/USDT"]).ok
    for symbol in ("ETH/USDT", "SOL/USDT"):
        write_file("mine.py", SOURCE.format(version=2).replace("BTC/USDT", symbol))
        assert command("reload", "free").ok
        assert command("reload", "set").ok
        assert [info.symbols for info in manager.strategies()] == [(symbol,), ("XRP/USDT",)]
        assert manager.strategies()[0].state == "running"
        if symbol == "ETH/USDT":
            assert manager.stop()
            manager = start_manager()
    write_file("mine.py", SOURCE.format(version=3).replace('("BTC/USDT",)', "()"))
    answer = command("reload", "free")
    assert (answer.ok, answer.detail) == (False, "Strategy 'free' names no symbol: load it with one, such as symbols=['BTC/USDT'].")
    assert manager.strategies()[0].symbols == ("SOL/USDT",)


def test_files_are_left_alone_unless_it_is_asked_for(start_manager: Start) -> None:
    """Without the option nobody looks."""
    assert start_manager()._watch is None
