"""What a page may say."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcg_quant.errors import EventError
from gcg_quant.visualization.pages.commands import ConfigChange, KillCommand, Ping, StrategyCommand, Subscribe, parse_command


def test_commands_are_parsed_by_type() -> None:
    """Each type of message becomes its own command."""
    assert parse_command('{"type":"subscribe","request":1,"name":"X@V","period":"1m","since":5}') == Subscribe(1, "X@V", "1m", 5)
    assert parse_command('{"type":"ping","sent":1.5}') == Ping(1.5)
    assert parse_command('{"type":"strategy","request":2,"action":"stop","strategy":"grid"}') == StrategyCommand(2, "stop", "grid")
    assert parse_command('{"type":"kill","request":3,"on":true}') == KillCommand(3, True)
    assert parse_command('{"type":"config","patch":{"theme":"light"}}') == ConfigChange({"theme": "light"})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"type":"unload_everything"}',
        '{"type":"ping"}',
        '{"type":"ping","sent":1,"more":2}',
        '{"type":"strategy","request":1,"action":"unload","strategy":"grid"}',
        '{"type":"kill","request":1,"on":1}',
        '{"type":"kill","on":true}',
        '{"type":"subscribe","request":"1","name":"X","period":"1m"}',
        '{"type":"subscribe","request":1,"name":"","period":"1m"}',
        '{"type":"config","patch":["theme"]}',
        '{"type":"ping","sent":' + "1" * 90_000 + "}",
    ],
)
def test_bad_messages_are_refused_with_a_sentence(text: str) -> None:
    """An unknown type, a missing, unknown or wrong field, and too long a message are refused."""
    with pytest.raises(EventError, match=r"\.$"):
        parse_command(text)


@given(st.text(max_size=300))
def test_any_text_is_a_command_or_an_event_error(text: str) -> None:
    """Whatever a page sends, nothing but an EventError comes of it."""
    with contextlib.suppress(EventError):
        parse_command(text)
