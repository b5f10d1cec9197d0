"""The house rules that a machine can check: which way imports run, what packages export, sizes, and one version."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import tomllib
import types
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from gcg_quant import _native

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("data_collector", "data_storage", "strategy_engine", "backtest", "visualization", "admin")
# Whom a folder may import besides itself; the core is allowed to all rooms.
ALLOWED = {
    "gcg_quant": set(),
    "data_collector": {"gcg_quant"},
    "data_storage": {"gcg_quant"},
    "strategy_engine": {"gcg_quant"},
    "backtest": {"gcg_quant", "data_collector", "data_storage", "strategy_engine"},
    "visualization": {"gcg_quant", "data_storage"},
    "admin": {"gcg_quant", *ROOMS},
}
HANDS_OVER = "gcg_quant/__main__.py"  # the one core file that may import the console
COPIED_BY_USERS = "strategy_engine/strategies/"  # loaded as a user's file is, so they import as a user does
NATIVE_FACES = {
    "backtest/conversion/days.py",
    "backtest/feed.py",
    "backtest/fast/kernels/columns.py",
    "backtest/fast/native.py",
    "backtest/hft/native.py",
    "backtest/streaming/inbox.py",
    "data_collector/crypto/okx_messages.py",
    "data_collector/crypto/order_book.py",
    "data_collector/importing/plain_block.py",
    "gcg_quant/__init__.py",
    "gcg_quant/bar_arrays.py",
    "gcg_quant/bar_grid.py",
    "gcg_quant/bars.py",
    "gcg_quant/bus.py",
    "gcg_quant/copying.py",
    "gcg_quant/events.py",
    "gcg_quant/handler_statistics.py",
    "gcg_quant/journal_check.py",
    "gcg_quant/pruning.py",
    "gcg_quant/schema.py",
    "strategy_engine/chan/analyzer.py",
    "strategy_engine/gateways/paper.py",
    "strategy_engine/risk/engine.py",
}
# Rooms that are sorted into sub-folders, and the modules that stand beside these: what the design names, and whom others ask for by name.
STANDS_ALONE = {
    "backtest": {"adapters", "broker", "cerebro", "engine", "feed", "preset_broker", "report"},
    "data_collector": {"base", "binance_book", "blank", "ordinals", "outage", "zones"},
    "data_storage": set(),
    "strategy_engine": {"remembered", "trading"},
}
MOST_LINES = {"code": 400, "tests": 600}


def python_files(root: Path) -> Iterator[Path]:
    """Yield the Python files of the core and the rooms."""
    for folder in ("gcg_quant", *ROOMS):
        yield from sorted((root / folder).rglob("*.py"))


def imported(path: Path, root: Path) -> Iterator[tuple[int, str, int]]:
    """Yield (line, absolute module name, level) of every import in a file, wherever it stands."""
    place = path.relative_to(root).with_suffix("").parts
    module = place if place[0] == "gcg_quant" else ("gcg_quant", *place)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(module[: len(module) - node.level]) if node.level else ""
            source = ".".join(part for part in (base, node.module) if part)
            if source == "gcg_quant":
                yield from ((node.lineno, f"gcg_quant.{alias.name}", node.level) for alias in node.names)
            else:
                yield node.lineno, source, node.level
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "import_module":
            yield from ((node.lineno, str(name.value), 0) for name in node.args[:1] if isinstance(name, ast.Constant))


def folder_of(module: str) -> str | None:
    """Return the room of a module, "gcg_quant" for the core, None for somebody else's module."""
    parts = module.split(".")
    if parts[0] != "gcg_quant":
        return None
    return parts[1] if len(parts) > 1 and parts[1] in ROOMS else "gcg_quant"


def breaches(root: Path) -> list[str]:
    """Return a sentence for every import that runs the wrong way or is written the wrong way."""
    found = []
    for path in python_files(root):
        name = path.relative_to(root).as_posix()
        own = name.split("/")[0]
        for line, module, level in imported(path, root):
            target = folder_of(module)
            if target is None or name == HANDS_OVER:
                continue
            if target != own and target not in ALLOWED[own]:
                found.append(f"{name}:{line}: {own} must not import {target} ({module})")
            elif target == "gcg_quant" and level:
                found.append(f"{name}:{line}: import the core by its full name ({module})")
            elif target != "gcg_quant" and not level and not name.startswith(COPIED_BY_USERS):
                found.append(f"{name}:{line}: import rooms relatively ({module})")
    return found


def test_imports_run_one_way() -> None:
    """No folder imports one that stands above or beside it; the core by its full name, rooms relatively."""
    assert breaches(ROOT) == []


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("data_storage/a.py", "from ..data_collector import files\n", "data_storage must not import data_collector"),
        ("data_storage/a.py", "def f():\n    from ..backtest.feed import Feed\n", "a.py:2: data_storage must not import backtest"),
        ("data_storage/deep/a.py", "from ...admin import runtime\n", "data_storage must not import admin"),
        ("strategy_engine/a.py", "import gcg_quant.data_storage.schema.models\n", "strategy_engine must not import data_storage"),
        ("visualization/a.py", "from ..strategy_engine import Strategy\n", "visualization must not import strategy_engine"),
        ("gcg_quant/a.py", "from gcg_quant import backtest\n", "gcg_quant must not import backtest"),
        ("gcg_quant/a.py", "from .bus import EventBus\n", "import the core by its full name"),
        ("backtest/a.py", "from ..bus import EventBus\n", "import the core by its full name"),
        ("backtest/a.py", "from gcg_quant.data_storage import Database\n", "import rooms relatively"),
        ("backtest/a.py", "import importlib\nimportlib.import_module('gcg_quant.admin.console')\n", "backtest must not import admin"),
    ],
)
def test_a_breach_is_found(tmp_path: Path, file: str, text: str, message: str) -> None:
    """The rule sees absolute, relative, nested and dynamic imports, also inside functions."""
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert len(breaches(tmp_path)) == 1
    assert message in breaches(tmp_path)[0]


def test_allowed_imports_pass(tmp_path: Path) -> None:
    """What the design allows is no breach."""
    for file, text in {
        "gcg_quant/__main__.py": "from gcg_quant.admin.console import main\n",
        "backtest/a.py": "import numpy\nfrom gcg_quant.bus import EventBus\nfrom ..strategy_engine import Strategy\nfrom . import feed\n",
        "strategy_engine/strategies/a.py": "from gcg_quant.strategy_engine import Strategy\n",
        "admin/a.py": "from ..visualization import server\n",
    }.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    assert breaches(tmp_path) == []


def folder_imports(root: Path, room: str, beside: bool = False) -> dict[str, set[str]]:
    """Return which sub-folders of a room each of them imports when it runs: what only type checkers read does not count.

    Args:
        beside: whether the modules that stand beside the sub-folders count as well, each by its name.
    """
    imports: dict[str, set[str]] = {}
    for path in sorted((root / room).rglob("*.py")):
        own = path.relative_to(root / room).parts[0].removesuffix(".py")
        if own == "__init__" or (path.parent == root / room and not beside):
            continue
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if "TYPE_CHECKING" in text else ():
            if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
                lines = text.splitlines()
                lines[node.lineno : node.end_lineno] = [""] * ((node.end_lineno or node.lineno) - node.lineno)
                lines[node.lineno - 1] = ""
                text = "\n".join(lines)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.level:
                here = path.relative_to(root).parts[: -node.level]
                module = (*here, *(node.module or "").split("."))
                names = [module[1]] if len(module) > 1 and module[1] else [alias.name for alias in node.names]
                for name in names if module[0] == room else ():
                    if name != own and ((root / room / name).is_dir() or (beside and (root / room / f"{name}.py").is_file())):
                        imports.setdefault(own, set()).add(name)
    return imports


@pytest.mark.parametrize("room", ROOMS)
def test_folders_of_a_room_import_one_way(room: str) -> None:
    """Also within a room the folders stand on each other, not beside each other; where it is sorted, so do the modules between them."""
    beside = room in STANDS_ALONE
    list(TopologicalSorter(folder_imports(ROOT, room, beside)).static_order())  # a CycleError names the circle
    if beside:
        assert {path.stem for path in (ROOT / room).glob("*.py")} - {"__init__"} == STANDS_ALONE[room]


def test_a_circle_of_folders_is_found(tmp_path: Path) -> None:
    """Imports inside functions count, those for type checkers do not."""
    for file, text in {
        "backtest/a/x.py": "from ..b.y import B\n",
        "backtest/b/y.py": "if TYPE_CHECKING:\n    from ..a.x import A\n\n\ndef f():\n    pass\n",
    }.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    assert folder_imports(tmp_path, "backtest") == {"a": {"b"}}
    (tmp_path / "backtest/b/y.py").write_text("def f():\n    from ..a.x import A\n")
    with pytest.raises(CycleError, match="nodes are in a cycle"):
        list(TopologicalSorter(folder_imports(tmp_path, "backtest")).static_order())


def test_a_circle_through_a_module_beside_the_folders_is_found(tmp_path: Path) -> None:
    """A folder that imports a module which imports the folder is a circle, however the import is written."""
    (tmp_path / "backtest/a").mkdir(parents=True)
    (tmp_path / "backtest/feed.py").write_text("def f():\n    from .a.x import A\n")
    for line in ("from .. import feed\n", "from ..feed import Feed\n"):
        (tmp_path / "backtest/a/x.py").write_text(line)
        assert folder_imports(tmp_path, "backtest") == {}
        assert folder_imports(tmp_path, "backtest", beside=True) == {"a": {"feed"}, "feed": {"a"}}


def test_compiled_module_has_few_faces() -> None:
    """Only the named files import `_native`; everybody else goes through them."""
    users = {
        path.relative_to(ROOT).as_posix()
        for path in python_files(ROOT)
        if "_native" in path.read_text(encoding="utf-8") and any("_native" in module for _, module, _ in imported(path, ROOT))
    }
    assert users <= NATIVE_FACES


def package_names() -> list[str]:
    """Return the names of all installed packages of ours."""
    inits = [
        path.parent.relative_to(ROOT).parts for folder in ("gcg_quant", *ROOMS) for path in sorted((ROOT / folder).rglob("__init__.py"))
    ]
    return [".".join(parts if parts[0] == "gcg_quant" else ("gcg_quant", *parts)) for parts in inits]


def order(name: str) -> tuple[int, str]:
    """Return the sort key of an exported name: constants, then classes, then the rest."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


@pytest.mark.parametrize("name", package_names())
def test_package_exposes_what_all_says(name: str) -> None:
    """`__all__` is sorted and complete: each name is there, and nothing public is there besides."""
    package = importlib.import_module(name)
    exported = list(package.__all__)
    assert exported == sorted(exported, key=order)
    assert [one for one in exported if not hasattr(package, one)] == []
    public = {one for one, value in vars(package).items() if not one.startswith("_") and is_ours(value)}
    assert public - {"annotations", "TYPE_CHECKING"} <= set(exported)


def is_ours(value: object) -> bool:
    """Return whether a package's attribute is something of ours, and not a module or a tool imported from elsewhere."""
    home = getattr(value, "__module__", "gcg_quant")
    return not isinstance(value, types.ModuleType) and str(home).startswith("gcg_quant")


def test_modules_list_their_names() -> None:
    """Every module with public names has an `__all__` that is sorted and names only what is there."""
    faults = []
    for path in python_files(ROOT):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        lists = [node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"]
        public = {
            node.name
            for node in tree.body
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name[0] != "_"
        }
        listed = ast.literal_eval(lists[0]) if lists else []
        if path.relative_to(ROOT).as_posix().startswith(COPIED_BY_USERS) or path.name == "__main__.py":
            continue
        if public and not lists:
            faults.append(f"{path.relative_to(ROOT)}: no __all__")
        elif list(listed) != sorted(listed, key=order):
            faults.append(f"{path.relative_to(ROOT)}: __all__ is not sorted")
    assert faults == []


def test_version_is_written_once() -> None:
    """pyproject.toml holds the version; the compiled module reports the same; no other file repeats it."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert _native.__version__ == version
    repeated = [
        path.name for path in (*python_files(ROOT), ROOT / "setup.py") if re.search(rf"""["']{re.escape(version)}["']""", path.read_text())
    ]
    assert repeated == []


def source_files() -> list[Path]:
    """Return all files of the project with code in them, as git knows them or would."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"], capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("this is no git checkout")
    paths = [ROOT / name for name in listed.stdout.splitlines()]
    return [path for path in paths if path.suffix in (".py", ".pyi", ".h", ".cpp", ".js", ".css", ".html") and path.is_file()]


def test_files_stay_short() -> None:
    """No file grows beyond what one can read in a sitting; hand-written type stubs may be longer."""
    long = []
    for path in source_files():
        name = path.relative_to(ROOT).as_posix()
        lines = len(path.read_text(encoding="utf-8").splitlines())
        limit = MOST_LINES["tests" if name.startswith("tests/") or "/tests/" in name else "code"]
        if lines > limit and path.suffix != ".pyi":
            long.append(f"{name}: {lines} lines, {limit} is the limit")
    assert long == []
