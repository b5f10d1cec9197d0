"""Cells to values."""

import math
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torture import examples

from gcg_quant.data_collector.importing.cells import parse_bytes, parse_days, parse_integers, parse_numbers, parse_words

_DECIMALS = st.from_regex(r"\A-?[0-9]{1,25}(\.[0-9]{0,25})?([eE][+-]?[0-9]{1,2})?\Z")


def _texts(cells: list[str | None]) -> Any:
    return pa.array(cells, pa.string())


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(_DECIMALS, min_size=1))
def test_number_is_the_double_nearest_to_its_text(texts: list[str]) -> None:
    """Every decimal becomes exactly what float() makes of it."""
    values, bad = parse_numbers(_texts(texts))
    assert not bad.any()
    assert values.tolist() == [float(text) for text in texts]


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_shortest_text_of_a_double_comes_back(numbers: list[float]) -> None:
    """repr() and back loses nothing."""
    values, bad = parse_numbers(_texts([repr(number) for number in numbers]))
    assert not bad.any()
    assert values.tolist() == numbers


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(st.one_of(_DECIMALS, st.text(max_size=8)), min_size=1))
def test_garbage_among_numbers_is_marked_and_the_numbers_stay(texts: list[str]) -> None:
    """One unreadable cell does not disturb its neighbours, and nothing unreadable becomes a number."""
    values, bad = parse_numbers(_texts(texts))
    for text, value, is_bad in zip(texts, values.tolist(), bad.tolist(), strict=True):
        try:
            expected = float(text) if text.strip().isascii() and "_" not in text else math.inf
        except ValueError:
            expected = math.inf
        if math.isfinite(expected):
            assert value == expected
        elif text.strip(" \t\n\r\v\f") and text.strip():
            assert is_bad


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e400", "0x10", "1,234.5", "1_000", "٣", "12a", "--1", "1.2.3"])
def test_what_is_no_finite_number_is_bad(text: str) -> None:
    """Infinities, other notations and grouped digits are refused."""
    assert parse_numbers(_texts(["1", text]))[1].tolist() == [False, True]


def test_empty_cell_is_nan_and_not_bad() -> None:
    """Absent is not wrong."""
    values, bad = parse_numbers(_texts(["1", None, "  "]))
    assert not bad.any()
    assert values[0] == 1
    assert math.isnan(values[1])
    assert math.isnan(values[2])


def test_blanks_and_plus_are_read() -> None:
    """Outer blanks and a leading plus change nothing."""
    assert parse_numbers(_texts([" 1.5 ", "+2", "x"]))[0].tolist()[:2] == [1.5, 2.0]


def test_typed_columns_keep_their_values() -> None:
    """Parquet's integers, floats and decimals become doubles."""
    for cells in (pa.array([1, 2, None], pa.int32()), pa.array([1.0, 2.0, None], pa.float32())):
        values, bad = parse_numbers(cells)
        assert values[:2].tolist() == [1.0, 2.0]
        assert not bad.any()


def test_integers_days_bytes_and_words_mark_what_they_cannot_read() -> None:
    """Each parser has its own idea of a bad cell."""
    assert [part.tolist() for part in parse_integers(_texts(["7", None, "1.5", "+3"]), -1)] == [[7, -1, -1, 3], [False, False, True, False]]
    assert [part.tolist() for part in parse_days(_texts(["20210104", "2021-01-04", None, "4 Jan"]))] == [
        [20210104, 20210104, 0, 0],
        [False, False, False, True],
    ]
    assert [part.tolist() for part in parse_bytes(_texts(["P", None, "123456789"]), 8)] == [[b"P", b"", b"12345678"], [False, False, True]]
    assert [part.tolist() for part in parse_words(_texts(["Buy", None, "up"]), {"buy": 1, "": 0})] == [[1, 0, 0], [False, False, True]]
