"""What is inferred from a file, and what is asked for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.data_collector import FileImporter, ImportOptions, ImportPlan
from gcg_quant.errors import ImportFileError

_BARS = "time,open,high,low,close,volume\n"
_MINUTES = "".join(f"2013-10-07T04:{minute:02d}:00,1,2,1,2,5\n" for minute in range(20))


@pytest.fixture
def plan(import_bus: EventBus, write: Callable[..., Path]) -> Callable[..., ImportPlan]:
    """Return a function that plans the import of some text."""

    def make(text: str, name: str = "data.csv", **options: object) -> ImportPlan:
        return FileImporter(import_bus, ImportOptions(**options)).plan(write(text, name))  # type: ignore[arg-type]

    return make


def test_bars_ask_for_symbol_zone_and_stamp(plan: Callable[..., ImportPlan]) -> None:
    """What no column and no name says is missing, each with its question."""
    found = plan(_BARS + _MINUTES)
    assert found.kind == "bars"
    assert found.period == "1m"
    assert found.inferred["period"] == "by the spacing of the times"
    assert list(found.missing) == ["symbol", "timezone", "stamp"]
    assert "America/New_York" in found.missing["timezone"]


def test_running_without_a_missing_option_is_refused_with_its_name(import_bus: EventBus, write: Callable[..., Path]) -> None:
    """The error names the option, so that a console can ask for it."""
    with pytest.raises(ImportFileError, match="the option timezone is missing, and the file does not say it") as caught:
        FileImporter(import_bus, ImportOptions(symbol="X", stamp="start")).run(write(_BARS + _MINUTES))
    assert caught.value.context["option"] == "timezone"
    assert len(import_bus.instruments) == 0


def test_file_name_gives_defaults_that_are_shown(plan: Callable[..., ImportPlan]) -> None:
    """Symbol, venue and period come from the name, and the plan says so."""
    found = plan(_BARS + _MINUTES, "BTCUSD_coinbase_minute_trade_20180404.csv", stamp="start")
    assert (found.symbol, found.venue, found.period, found.zone) == ("BTCUSD", "COINBASE", "1m", "UTC")
    assert found.missing == {}
    assert set(found.inferred) == {"kind", "symbol", "venue", "market", "period", "timezone"}
    assert found.terms is None  # a guessed market decides nothing about lots and fees


def test_stated_options_are_not_inferred(plan: Callable[..., ImportPlan]) -> None:
    """What the user says wins over name and content."""
    found = plan(_BARS + _MINUTES, "SPY_minute.csv", symbol="X", venue="Y", timezone="Asia/Tokyo", stamp="end", period="5m", market="us")
    assert (found.symbol, found.venue, found.zone, found.stamp, found.period, found.terms) == ("X", "Y", "Asia/Tokyo", "end", "5m", "us")
    assert set(found.inferred) == {"kind"}


def test_name_and_spacing_that_disagree_ask_for_the_period(plan: Callable[..., ImportPlan]) -> None:
    """A daily name on one-minute rows is no basis for a guess."""
    assert "period" in plan(_BARS + _MINUTES, "SPY_daily.csv").missing


def test_few_or_uneven_rows_ask_for_the_period(plan: Callable[..., ImportPlan]) -> None:
    """A period is inferred from many even steps only."""
    assert "period" in plan(_BARS + "2013-10-07T04:00:00,1,2,1,2,5\n2013-10-07T04:01:00,1,2,1,2,5\n").missing
    uneven = "".join(f"2013-10-07T04:{minute:02d}:{minute:02d},1,2,1,2,5\n" for minute in range(20))
    assert "period" in plan(_BARS + uneven).missing


def test_times_that_state_their_offset_need_no_zone(plan: Callable[..., ImportPlan]) -> None:
    """An offset or a number since 1970 says it all."""
    assert plan("time,price\n2013-10-07T04:00:00+08:00,1\n", symbol="X").missing == {}
    assert plan("time,price\n1381118400,1\n", symbol="X").inferred["time_format"] == "10-digit numbers are s since 1970"


def test_plain_volume_of_ticks_asks_what_it_counts(plan: Callable[..., ImportPlan]) -> None:
    """Day volume and single volume are not to be mixed up."""
    text = "time,last,bid,ask,volume\n2013-10-07T04:00:00Z,1,1,2,5\n"
    assert list(plan(text, symbol="X").missing) == ["volume_kind"]
    assert plan(text, symbol="X", volume_kind="single").volume_kind == "single"


def test_symbol_column_needs_no_symbol(plan: Callable[..., ImportPlan]) -> None:
    """A file may hold many instruments."""
    found = plan("time,symbol,venue,price\n2013-10-07T04:00:00Z,A,N,1\n")
    assert found.missing == {}
    assert found.settings()["symbol"] == "column 'symbol'"
    assert found.settings()["venue"] == "column 'venue'"


def test_first_readable_time_decides_the_format(plan: Callable[..., ImportPlan]) -> None:
    """A bad first row does not spoil the rest."""
    assert plan("time,price\nx,1\n1381118400,1\n", symbol="X").time_format.unit == "s"


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        ("time,temperature\n2013-10-07,1\n", {}, "do not say what a row holds"),
        ("time,price\n01/02/2013,1\n", {"symbol": "X"}, "can be read in several ways"),
        (_BARS + _MINUTES, {"timezone": "New York"}, "Time zone 'New York' is unknown"),
        (_BARS + _MINUTES, {"period": "1 minute"}, "'1 minute' is not a bar period"),
        (_BARS + _MINUTES, {"time_format": "%Q"}, "holds %Q"),
    ],
)
def test_file_that_cannot_be_planned_is_refused_with_a_sentence(
    plan: Callable[..., ImportPlan], text: str, options: dict[str, str], sentence: str
) -> None:
    """Each fault of an option or a column is one clear error."""
    with pytest.raises(ImportFileError, match=sentence):
        plan(text, **options)


def test_missing_file_and_folder_are_refused_with_a_sentence(import_bus: EventBus, tmp_path: Path) -> None:
    """A path that is no file says so."""
    with pytest.raises(ImportFileError, match="does not exist: expected a CSV or Parquet file"):
        FileImporter(import_bus).plan(tmp_path / "none.csv")
    with pytest.raises(ImportFileError, match="is a folder"):
        FileImporter(import_bus).plan(tmp_path)
