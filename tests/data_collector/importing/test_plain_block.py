"""The quick reading of plain blocks: the same as the careful one, or none."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gcg_quant.data_collector.importing.cells import parse_numbers
from gcg_quant.data_collector.importing.csv_file import CsvFile
from gcg_quant.data_collector.importing.plain_block import PlainCells, read_plain

_HEADER = ("time", "price", "size")


def _plain(text: str) -> tuple[int, dict[str, list[object]]] | None:
    found = read_plain(text.encode(), 0, _HEADER, ",", {"price", "size"}, _HEADER)
    return None if found is None else (found[0], {name: cells.to_pylist() for name, cells in found[1].items()})


def test_plain_lines_come_as_text_and_numbers() -> None:
    """Numbers are doubles, an empty cell or its words are null or NaN, Windows line ends are line ends."""
    assert _plain("a,1.5,-2\r\nnull,.25,3e2\r\n") == (2, {"time": ["a", None], "price": [1.5, 0.25], "size": [-2.0, 300.0]})
    lines, columns = read_plain(b"time,price,size\na,NaN,\n", 1, _HEADER, ",", {"price"}, {"time", "price"}) or (0, {})
    assert (lines, list(columns), np.isnan(columns["price"]).tolist()) == (2, ["time", "price"], [True])


@pytest.mark.parametrize(
    "text",
    [
        'a,"1",2\n',  # quotes
        "é,1,2\n",  # no ASCII
        "a,1,2\n\nb,1,2\n",  # a blank line
        "a,1\n",  # too few cells
        "a,1,2,3\n",  # too many
        "a,x,2\n",  # no number
        "a,-nan,2\n",  # no word for an empty cell
        "a,1\x00,2\n",  # a control character
        "a,1,2\rb,1,2\n",  # a lone carriage return
    ],
)
def test_doubtful_block_is_left_to_the_careful_reading(text: str) -> None:
    """None, so that the careful reading says what is wrong where."""
    assert _plain(text) is None


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["2024-01-02T00:00:00", "", "x", " y "]),
            st.one_of(
                st.floats(allow_nan=False).map(repr),
                st.decimals(allow_nan=False, allow_infinity=False).map(str),
                st.sampled_from(["", "NaN", "nAn", "inf", "-inf", "1e400", "+5", " 7", "0x10", "1_0", ".5", "5.", "--1", "1,2", '"3"']),
            ),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_quick_numbers_are_those_of_the_careful_reading(write: Callable[..., Path], rows: list[tuple[str, str]]) -> None:
    """Whatever a file holds, both ways give the same rows, the same doubles bit for bit and the same text in reports."""
    file = CsvFile(write("time,price\n" + "".join(f"{time},{price}\n" for time, price in rows)))
    for quick, careful in zip(file.chunks({"price"}, file.header), file.chunks(), strict=True):
        assert quick.lines.tolist() == careful.lines.tolist()
        assert quick.bad == careful.bad
        values, bad = parse_numbers(quick.columns["price"])
        expected, refused = parse_numbers(careful.columns["price"])
        assert values.view(np.int64)[~np.isnan(expected)].tolist() == expected.view(np.int64)[~np.isnan(expected)].tolist()
        assert np.isnan(values).tolist() == np.isnan(expected).tolist()
        assert bad.tolist() == refused.tolist()
        for row in range(len(careful.lines) if quick.text is not None else 0):
            assert quick.text is not None
            assert quick.text(row, "price") == careful.columns["price"][row].as_py()


def test_text_of_a_cell_is_what_stands_in_the_file() -> None:
    """Not what its number would be written as."""
    cells = PlainCells(b"time,price\na,1.50\nb,null\n", 1, ("time", "price"), ",")
    assert (cells(0, "price"), cells(1, "price")) == ("1.50", None)
