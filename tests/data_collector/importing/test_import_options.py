"""Options of an import."""

from typing import Any

import pytest

from gcg_quant.data_collector import ImportOptions
from gcg_quant.data_collector.importing.import_options import QUESTIONS
from gcg_quant.errors import ImportFileError


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"kind": "bar"}, "kind must be one of bars, .* found 'bar'. Did you mean 'bars'"),
        ({"stamp": "middle"}, "stamp must be one of start, end, found 'middle'"),
        ({"ambiguous": "both"}, "ambiguous must be one of refuse, earlier, later"),
        ({"volume_kind": "week"}, "volume_kind must be one of day, 24h, single"),
        ({"delimiter": "::"}, "delimiter must be a single character"),
        ({"chunk_bytes": 0}, "chunk_bytes must be 1 or more"),
    ],
)
def test_wrong_option_is_refused_with_its_choices(options: dict[str, Any], sentence: str) -> None:
    """The error names the option, the choices and the nearest one."""
    with pytest.raises(ImportFileError, match=sentence):
        ImportOptions(**options)


def test_changed_copy_is_checked_again() -> None:
    """with_() takes no wrong value either."""
    assert ImportOptions(symbol="SPY").with_(stamp="end") == ImportOptions(symbol="SPY", stamp="end")
    with pytest.raises(ImportFileError, match="stamp must be"):
        ImportOptions().with_(stamp="middle")


def test_every_question_is_an_option() -> None:
    """What is asked for can be stated."""
    assert set(QUESTIONS) <= set(ImportOptions.__struct_fields__)
