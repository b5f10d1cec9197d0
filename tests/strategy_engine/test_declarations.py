"""Parameters and symbols are read from a strategy's text, without running it, and are those that the loaded class has."""

from __future__ import annotations

from pathlib import Path

import pytest

from gcg_quant.backtest.adapters import BacktraderAdapter
from gcg_quant.backtest.conversion.parameters import bt_defaults
from gcg_quant.strategy_engine.hosting.discovery import SHIPPED_FOLDER, scan, scan_source
from gcg_quant.strategy_engine.hosting.loader import StrategyLoader
from gcg_quant.strategy_engine.strategy.parameters import declared_parameters

EXAMPLES = Path(__file__).parents[2] / "examples" / "strategies"
FILES = [path for folder in (SHIPPED_FOLDER, EXAMPLES) for path in sorted(folder.glob("*.py")) if not path.name.startswith("_")]
HEAD = "from gcg_quant.strategy_engine import Parameter, Strategy\n"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_is_read_is_what_the_class_has(path: Path) -> None:
    """Names, types, defaults, bounds and help of every shipped strategy and example."""
    loader = StrategyLoader([EXAMPLES], [BacktraderAdapter()])
    (found,) = scan(path).classes
    loaded = loader.load(str(path), found.name if found.kind != "kungfu" else "")
    read = {one.name: one for one in found.parameters}
    if found.kind == "backtrader":
        assert {name: one.default for name, one in read.items()} == bt_defaults(loaded.cls)
    else:
        declared = declared_parameters(loaded.cls)
        assert list(read) == list(declared)
        for name, one in declared.items():
            kind = "choice" if one.choices else one.type.__name__ if one.type else ""
            assert (read[name].type, read[name].default, read[name].help) == (kind, one.default, one.doc)
            assert (read[name].low, read[name].high, read[name].choices) == (one.low, one.high, one.choices)
        assert list(found.symbols) == list(getattr(loaded.cls, "symbols", ()))
    loaded.release()


def test_constants_bases_and_choices_are_followed() -> None:
    """Names of the file stand for their values, a class has what its base has, an annotation settles the type."""
    text = HEAD + (
        "SIZE = 3\nBOTH = ['A/B', 'C/D@X']\n"
        "class Base(Strategy):\n"
        "    symbols = BOTH\n"
        "    size: float = Parameter(SIZE, low=-1, high=SIZE, doc='how much')\n"
        "    side = Parameter('buy', choices=('buy', 'sell'))\n"
        "class Mine(Base):\n"
        "    side = Parameter(True)\n"
        "    made = Parameter(int('4'))\n"
    )
    base, mine = scan_source(text.encode(), Path("mine.py")).classes
    size, side = base.parameters
    assert (size.type, size.default, size.low, size.high, size.help) == ("float", 3.0, -1.0, 3.0, "how much")
    assert (side.type, side.choices) == ("choice", ("buy", "sell"))
    assert mine.symbols == ("A/B", "C/D@X")
    assert [(one.name, one.type, one.default) for one in mine.parameters] == [
        ("size", "float", 3.0),
        ("side", "bool", True),
        ("made", "str", None),
    ]


@pytest.mark.parametrize("text", ["-" * 200_000 + "1", "1+" * 100_000 + "1", "a." * 100_000 + "a", "\0", "(" * 1000, "class"])
def test_what_is_no_python_is_one_sentence(text: str) -> None:
    """Also what the parser gives up on without a SyntaxError."""
    assert scan_source(text.encode(), Path("x.py")).error.startswith("x.py:")


def test_reading_computes_nothing() -> None:
    """What would take for ever to compute is not known."""
    text = HEAD + "N = 9 ** 9 ** 9\nclass A(Strategy):\n    n = Parameter(N)\n    m = Parameter(10 ** 9 ** 9)\n"
    (found,) = scan_source(text.encode(), Path("a.py")).classes
    assert [one.default for one in found.parameters] == [None, None]
