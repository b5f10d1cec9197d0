"""Loading strategy files: what is allowed, what is found, and a sentence with file and line for each mistake."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.errors import StrategyError
from gcg_quant.strategy_engine import Strategy, StrategyLoader

WriteFile = Callable[[str, str], Path]

PLAIN = """
class Plain(Strategy):
    symbols = ("A",)
"""


class Foreign:
    """The base class of another framework."""


class ForeignAdapter:
    """Takes in subclasses of Foreign."""

    kind = "foreign"

    def matches(self, cls: type) -> bool:
        """Return whether it is one."""
        return issubclass(cls, Foreign) and cls is not Foreign

    def wrap(self, cls: type, parameters: Mapping[str, Any]) -> Strategy:
        """Return a Strategy in its place."""
        wrapped = Strategy()
        wrapped.symbols = (cls.__name__,)
        return wrapped


@pytest.fixture
def loader(folder: Path) -> StrategyLoader:
    """Return a loader for the folder."""
    return StrategyLoader([folder])


def refusal(loader: StrategyLoader, name: str, class_name: str = "") -> str:
    """Return the sentence with which a file is refused."""
    with pytest.raises(StrategyError) as caught:
        loader.load(name, class_name)
    return str(caught.value)


def test_file_is_found_by_path_and_by_name(loader: StrategyLoader, write_file: WriteFile) -> None:
    """A path, a file name within a folder and a bare name all lead to the same file."""
    path = write_file("plain.py", PLAIN)
    for name in (str(path), "plain.py", "plain"):
        loaded = loader.load(name)
        assert (loaded.cls.__name__, loaded.file, loaded.kind) == ("Plain", path, "gcg_quant")


def test_shipped_strategies_load_by_short_name(loader: StrategyLoader) -> None:
    """`grid` and `sma_cross` are there without any folder being named."""
    assert loader.load("grid").cls.__name__ == "Grid"
    assert loader.load("sma_cross").make({"fast": 5}).parameters["fast"] == 5


def test_missing_file_names_the_nearest(loader: StrategyLoader) -> None:
    """A name that does not exist is answered with one that does."""
    assert "Did you mean 'grid'?" in refusal(loader, "gird")
    assert "needs a file" in refusal(loader, "")


def test_file_outside_the_folders_is_refused(loader: StrategyLoader, tmp_path: Path) -> None:
    """A file elsewhere is not run, however it is named."""
    outside = tmp_path / "outside.py"
    outside.write_text("raise SystemExit('this was run')")
    assert "lies outside the allowed folders" in refusal(loader, str(outside))
    assert "lies outside the allowed folders" in refusal(loader, f"{loader.folders[1]}/../outside.py")


def test_link_out_of_the_folder_is_refused(loader: StrategyLoader, folder: Path, tmp_path: Path) -> None:
    """A symbolic link inside the folder does not let a file outside in; it is not listed either."""
    outside = tmp_path / "outside.py"
    outside.write_text("from gcg_quant.strategy_engine import Strategy\nclass S(Strategy): ...\n")
    (folder / "link.py").symlink_to(outside)
    assert "lies outside the allowed folders" in refusal(loader, "link")
    assert "link" not in [file.name for file in loader.discover()]


def test_file_that_is_no_python_file_is_refused(loader: StrategyLoader, folder: Path) -> None:
    """Only .py files are loaded."""
    (folder / "notes.txt").write_text("hello")
    assert "ends in .py" in refusal(loader, "notes.txt")


def test_syntax_error_names_file_and_line(loader: StrategyLoader, write_file: WriteFile) -> None:
    """A file that is not Python is refused with the place of the mistake."""
    path = write_file("broken.py", "\nclass Broken(Strategy)\n    pass\n")
    assert refusal(loader, "broken").startswith(f"{path}:4: this is not valid Python: ")


def test_failing_import_names_file_and_line(loader: StrategyLoader, write_file: WriteFile) -> None:
    """An import that fails is refused with its line and the module's name."""
    path = write_file("importer.py", "import no_such_module\n")
    assert refusal(loader, "importer") == f"{path}:3: an import failed: No module named 'no_such_module'."


@pytest.mark.parametrize("statement", ["1 / 0", "raise SystemExit(3)"])
def test_error_at_the_top_of_the_file_names_file_and_line(loader: StrategyLoader, write_file: WriteFile, statement: str) -> None:
    """Whatever the file raises while it is loaded, even an exit, becomes one sentence."""
    path = write_file("failing.py", f"value = 1\n{statement}\n")
    assert refusal(loader, "failing").startswith(f"{path}:4: the file cannot be loaded: ")


def test_wrong_parameter_declaration_names_file_and_line(loader: StrategyLoader, write_file: WriteFile) -> None:
    """A default outside its bounds is reported as such, at the line of the class."""
    path = write_file("wrong.py", "class Wrong(Strategy):\n    fast = Parameter(0, low=1)\n")
    message = refusal(loader, "wrong")
    assert message.startswith(f"{path}:3: ")
    assert "'fast' of Wrong must be an int of at least 1, not 0" in message


def test_file_without_a_strategy_says_what_is_needed(loader: StrategyLoader, write_file: WriteFile) -> None:
    """Imported classes do not count."""
    write_file("empty.py", "from gcg_quant.strategy_engine.strategies.grid import Grid\n")
    assert "has no strategy class: derive one" in refusal(loader, "empty")


def test_several_classes_ask_for_one(loader: StrategyLoader, write_file: WriteFile) -> None:
    """With several classes in a file one must be named, and a wrong name is answered with the nearest."""
    write_file("two.py", "class First(Strategy): ...\nclass Second(Strategy): ...\n")
    assert "several strategy classes: say which one (First, Second)" in refusal(loader, "two")
    assert "Did you mean 'Second'?" in refusal(loader, "two", "Secnod")
    assert loader.load("two", "Second").cls.__name__ == "Second"


def test_backtrader_class_without_its_adapter_is_named(loader: StrategyLoader, folder: Path) -> None:
    """A class of a framework that nobody takes in here is called by its name, not passed over."""
    (folder / "foreign.py").write_text("import backtrader as bt\nclass Mine(bt.Strategy): ...\n")
    assert "foreign.py:2: Mine is a backtrader strategy, and no adapter" in refusal(loader, "foreign")


def test_adapter_takes_in_a_foreign_class(folder: Path) -> None:
    """A class that an adapter matches is loaded with that adapter's kind, and made by it."""
    (folder / "foreign.py").write_text(f"import sys\nBase = sys.modules[{__name__!r}].Foreign\nclass Mine(Base): ...\n")
    loaded = StrategyLoader([folder], [ForeignAdapter()]).load("foreign")
    assert loaded.kind == "foreign"
    assert loaded.make({}).symbols == ("Mine",)


def test_changed_file_is_read_again_at_once(loader: StrategyLoader, write_file: WriteFile) -> None:
    """Loading twice within a second gives the new code, though the file has the same size."""
    for value in range(5):
        write_file("plain.py", f"class Plain(Strategy):\n    value = {value}\n")
        assert loader.load("plain").cls.value == value  # type: ignore[attr-defined]


def test_neighbour_modules_are_read_again_with_their_strategy(
    loader: StrategyLoader, folder: Path, write_file: WriteFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module beside the strategy file can be imported, and is fresh at every load, even if it keeps its size and its time."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    write_file("plain.py", "import plain_numbers\nclass Plain(Strategy):\n    value = plain_numbers.VALUE\n")
    for value in (1, 2, 33):
        path = folder / "plain_numbers.py"
        path.write_text(f"VALUE = {value}\n")
        os.utime(path, (1_700_000_000, 1_700_000_000))
        assert loader.load("plain").cls.value == value  # type: ignore[attr-defined]
    assert str(folder) not in sys.path
    assert str(folder) not in sys.path_importer_cache
    assert not (folder / "__pycache__").exists()
    loader.load("plain").release()


def test_modules_of_one_name_in_two_folders_are_two_modules(tmp_path: Path) -> None:
    """A strategy gets the module beside its own file, never one of that name beside another; a release takes away its own alone."""
    before = set(sys.modules)
    for name, value in (("left", 1), ("right", 2), ("bare", None)):
        (tmp_path / name).mkdir()
        text = f"class {name.title()}(Strategy):\n    value = namesake.VALUE\n"
        (tmp_path / name / f"{name}.py").write_text(f"from gcg_quant.strategy_engine import Strategy\nimport namesake\n{text}")
        if value:
            (tmp_path / name / "namesake.py").write_text(f"VALUE = {value}\n")
    loader = StrategyLoader([tmp_path])
    left = loader.load(str(tmp_path / "left/left.py"))
    right = loader.load(str(tmp_path / "right/right.py"))
    assert (left.cls.value, right.cls.value) == (1, 2)  # type: ignore[attr-defined]
    assert [Path(str(one.__file__)).parent.name for one in (*left.beside, *right.beside)] == ["left", "right"]
    assert "No module named 'namesake'" in refusal(loader, str(tmp_path / "bare/bare.py"))
    assert sys.modules["namesake"].VALUE == 2
    right.release()
    assert sys.modules["namesake"] is left.beside[0]
    left.release()
    assert set(sys.modules) == before


def test_failed_load_leaves_no_module_behind(loader: StrategyLoader, write_file: WriteFile) -> None:
    """A file that cannot be loaded leaves nothing in sys.modules, and a released class neither."""
    write_file("failing.py", "1 / 0\n")
    before = set(sys.modules)
    refusal(loader, "failing")
    loaded = loader.load("grid")
    loaded.release()
    assert set(sys.modules) == before


def test_constructor_that_raises_names_file_and_line(loader: StrategyLoader, write_file: WriteFile) -> None:
    """An exception in __init__ is reported with the strategy's own line."""
    path = write_file("maker.py", "class Maker(Strategy):\n    def __init__(self):\n        self.first = [][0]\n")
    with pytest.raises(StrategyError, match=f"{path}:5: Maker cannot be made: IndexError"):
        loader.load("maker").make({})


def test_every_strategy_file_is_found_without_running_any(loader: StrategyLoader, folder: Path, write_file: WriteFile) -> None:
    """Files in sub-folders, of both kinds, derived and broken ones are listed; other files are not; nothing is run."""
    (folder / "deep").mkdir()
    write_file("deep/own.py", '"""x"""\nraise SystemExit\nclass Base(Strategy):\n    """The base."""\nclass Own(Base): ...\n')
    (folder / "bt_one.py").write_text("from backtrader import Strategy as S\nclass One(S): ...\n")
    (folder / "bt_two.py").write_text("import backtrader\nclass Two(backtrader.Strategy): ...\n")
    (folder / "broken.py").write_text("def x(:\n")
    (folder / "other.py").write_text("class Strategy: ...\nclass Other(Strategy): ...\n")
    (folder / "_private.py").write_text("import backtrader as bt\nclass P(bt.Strategy): ...\n")
    found = {file.name: file for file in loader.discover()}
    assert {name for name, file in found.items() if file.path.is_relative_to(folder)} == {"own", "bt_one", "bt_two", "broken"}
    assert {"grid", "sma_cross"} <= set(found)
    assert [(one.name, one.kind, one.doc) for one in found["own"].classes] == [("Base", "gcg_quant", "The base."), ("Own", "gcg_quant", "")]
    assert found["bt_one"].classes[0].kind == found["bt_two"].classes[0].kind == "backtrader"
    assert found["broken"].error.startswith(f"{folder / 'broken.py'}:1: this is not valid Python")


def test_missing_folder_is_passed_over(tmp_path: Path) -> None:
    """A folder of the settings that does not exist is no error."""
    assert StrategyLoader([tmp_path / "nowhere"]).discover() == StrategyLoader().discover()


def test_example_files_are_strategies() -> None:
    """The examples load: one of our own API, and one that is plain Backtrader."""
    loader = StrategyLoader([Path(__file__).resolve().parents[2] / "examples/strategies"])
    kinds = {(file.path.parent.name, file.name): file.classes[0].kind for file in loader.discover()}
    assert kinds["strategies", "breakout"] == "gcg_quant"
    assert "backtrader" in {file.classes[0].kind for file in loader.discover() if file.name == "sma_cross"}
    assert loader.load("breakout").make({"entry": 5}).parameters["entry"] == 5
