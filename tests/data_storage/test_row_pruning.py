"""Rules of retention: what goes, what stays, in which steps, and that the database is in order after each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_DAY, now_ns
from gcg_quant.data_storage import Database, DatabaseHistory, ImportRegistry, Ledger
from gcg_quant.data_storage.keeping.checking import check_database
from gcg_quant.data_storage.keeping.row_pruning import RowPruning
from gcg_quant.data_storage.keeping.rules import Rule, rule_of, rules_of
from gcg_quant.data_storage.schema.models import buses
from gcg_quant.errors import StorageError
from gcg_quant.events import Bar, BarBasis, Fill, LogEvent, OrderEvent, OrderStatus, Tick, World
from gcg_quant.keeping_sections import RetentionSettings

DAY = NS_PER_DAY
TODAY = now_ns()


def later(days: float) -> Any:
    """Return a clock that shows so many days from now."""
    return lambda: TODAY + round(days * DAY)


def prune(database: Database, *rules: Rule, days: float, **options: Any) -> dict[str, int]:
    """Run the rules as if `days` had passed, check the database after each step, and return the rows removed by rule."""
    removed: dict[str, int] = {}
    for step in RowPruning(database, rules, clock=later(days), rows_at_a_time=7, **options).steps():
        removed[step.rule.name] = removed.get(step.rule.name, 0) + step.rows
        assert check_database(database).problems == ()
    removed.pop("", None)
    return removed


def publish(bus: EventBus, symbol: str, times: list[int], **options: Any) -> None:
    """Publish ticks of a symbol."""
    for at in times:
        bus.publish(Tick(symbol=symbol, venue="V", event_ns=at, last_price=1.0), **options)


def times(database: Database, symbol: str) -> list[int]:
    """Return the stored ticks' times."""
    found: list[int] = DatabaseHistory(database).ticks(symbol)["event_ns"].tolist()
    return found


def test_old_rows_go_and_young_ones_stay(bus: EventBus, database: Database, store_bus: Any) -> None:
    """The limit runs exactly between two ticks, in each instrument, and every step is consistent by itself."""
    moments = [TODAY + hour * DAY // 24 for hour in range(48)]
    publish(bus, "A", moments)
    publish(bus, "B", moments[:10] + [moments[9]] * 15)  # more of one time than a step takes
    store_bus(bus, database)
    rule = Rule("ticks", "1d")
    assert prune(database, rule, days=2, dry_run=True) == {"ticks": 49}
    assert len(times(database, "A")) == 48
    assert prune(database, rule, days=2) == {"ticks": 49}
    assert times(database, "A") == moments[24:]
    assert database.counts() == {"ticks": 24}
    assert prune(database, rule, days=2) == {}


def test_age_counts_from_the_later_of_happening_and_publishing(bus: EventBus, database: Database, store_bus: Any) -> None:
    """History of ten years ago that was filled in today is as old as today's ticks."""
    publish(bus, "A", [TODAY - 3650 * DAY, TODAY - 3649 * DAY], backfill=True)
    publish(bus, "A", [TODAY])
    store_bus(bus, database)
    assert prune(database, Rule("ticks", "30d"), days=29) == {}
    assert prune(database, Rule("ticks", "30d"), days=31) == {"ticks": 3}


def test_bars_go_by_period(bus: EventBus, database: Database, store_bus: Any) -> None:
    """A rule for one period leaves the others, whatever their basis."""
    for period in ("1s", "1m"):
        for basis in (BarBasis.LAST, BarBasis.BID):
            bus.publish(Bar(symbol="A", venue="V", period=period, basis=basis, start_ns=TODAY, end_ns=TODAY + 10**9, close=1.0))
    store_bus(bus, database)
    assert prune(database, Rule("bars", "7d", "1s"), days=8) == {"bars.1s": 2}
    assert len(DatabaseHistory(database).bars("A", "1m")) == 1


def test_events_go_by_publishing_and_states_stay(bus: EventBus, make_bus: Any, database: Database, store_bus: Any) -> None:
    """Events of several buses go; the newest state of an order and everything without a rule stays."""
    for one in (bus, make_bus("other")):
        for number in range(20):
            one.publish(LogEvent(level="info", component="c", message=str(number)))
        one.publish(OrderEvent(symbol="A", venue="V", account="x", request=7, status=OrderStatus.FILLED))
        one.publish(Fill(symbol="A", venue="V", account="x", request=7, quantity=1.0, price=1.0))
        store_bus(one, database)
    assert prune(database, Rule("logs", "90d"), Rule("order_events", "90d"), days=89) == {}
    assert prune(database, Rule("logs", "90d"), Rule("order_events", "90d"), days=91) == {"logs": 40, "order_events": 2}
    assert database.counts() == {"fills": 2}
    assert len(Ledger(database).orders()) == 2


def imported(database: Database, bus: EventBus, tmp_path: Path) -> int:
    """Import what is on a bus and return the import's number."""
    registry = ImportRegistry(database)
    number = registry.begin(tmp_path / "file", "digest")
    registry.store(bus, number)
    registry.finish(number)
    return number


def test_imports_stay_unless_they_are_asked_for(bus: EventBus, make_bus: Any, database: Database, store_bus: Any, tmp_path: Path) -> None:
    """Imported rows survive the rules; with `imports` they age from their import on, and an import without rows can be imported again."""
    old = make_bus("import", World.IMPORT)
    publish(old, "A", [TODAY - 3650 * DAY + at for at in range(20)])
    imported(database, old, tmp_path)
    publish(bus, "A", [TODAY])
    store_bus(bus, database)
    rule = Rule("ticks", "30d")
    assert prune(database, rule, days=31) == {"ticks": 1}
    assert len(times(database, "A")) == 20
    assert prune(database, rule, days=29, imports=True) == {}
    assert ImportRegistry(database).find("digest") is not None
    assert prune(database, rule, days=31, imports=True) == {"ticks": 20}
    assert ImportRegistry(database).find("digest") is None
    with make_bus("again", World.IMPORT) as again:
        publish(again, "A", [TODAY - 3650 * DAY + at for at in range(20)])
        imported(database, again, tmp_path)
    assert len(times(database, "A")) == 20
    assert check_database(database).problems == ()


def test_import_with_rows_left_is_remembered(make_bus: Any, database: Database, tmp_path: Path) -> None:
    """One rule does not make an import forgotten whose other rows stay."""
    old = make_bus("import", World.IMPORT)
    publish(old, "A", [1, 2])
    old.publish(Bar(symbol="A", venue="V", period="1d", start_ns=1, end_ns=2, close=1.0))
    imported(database, old, tmp_path)
    assert prune(database, Rule("ticks", "30d"), days=31, imports=True) == {"ticks": 2}
    assert ImportRegistry(database).find("digest") is not None


def test_stopped_between_steps_the_next_run_goes_on(bus: EventBus, database: Database, store_bus: Any) -> None:
    """Whatever was removed is removed, the counts are right, and the rest goes next time."""
    publish(bus, "A", list(range(TODAY, TODAY + 30)))
    store_bus(bus, database)
    steps = RowPruning(database, [Rule("ticks", "1d")], clock=later(2), rows_at_a_time=7).steps()
    assert next(steps).rows == 7
    steps.close()
    assert database.counts() == {"ticks": 23}
    assert prune(database, Rule("ticks", "1d"), days=2) == {"ticks": 23}
    with database.reading() as connection:
        assert len(connection.execute(select(buses)).all()) == 1


def test_room_is_given_back(bus: EventBus, sqlite_database: Database, store_bus: Any) -> None:
    """Most of what a file no longer needs is cut off its end."""
    bus.publish_many([Tick(symbol="A", venue="V", event_ns=TODAY + at, last_price=float(at)) for at in range(20_000)])
    store_bus(bus, sqlite_database)
    sqlite_database.checkpoint()
    file = sqlite_database.path
    assert file is not None
    before = file.stat().st_size
    list(RowPruning(sqlite_database, [Rule("ticks", "1d")], clock=later(2)).steps())
    sqlite_database.checkpoint()
    assert file.stat().st_size < before / 3
    assert check_database(sqlite_database).problems == ()


def test_rules_of_the_settings() -> None:
    """By default only log lines go; bars are named by their period."""
    assert rules_of(RetentionSettings()) == [Rule("logs", "90d")]
    found = rules_of(RetentionSettings(ticks="30d", bars={"1s": "7d", "1m": "off"}, logs="off"))
    assert found == [Rule("ticks", "30d"), Rule("bars", "7d", "1s")]
    assert [rule.name for rule in found] == ["ticks", "bars.1s"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("tiks=30d", "There is no table 'tiks' whose rows can be removed. Did you mean 'ticks'?"),
        ("orders=30d", "There is no table 'orders'"),
        ("ticks=30m", "expected an age of an hour or more"),
        ("ticks=0d", "expected an age of an hour or more"),
        ("ticks", "expected an age of an hour or more"),
        ("ticks.1s=30d", "bars are named with their period"),
        ("bars=30d", "bars are named with their period"),
    ],
)
def test_rule_without_sense_is_one_sentence(text: str, sentence: str) -> None:
    """A rule that a person types is checked before anything goes."""
    with pytest.raises(StorageError, match=sentence.replace("?", r"\?")):
        rule_of(text)
