"""The journal's tools as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest

from gcg_quant.admin.console import cli
from gcg_quant.admin.reports.journal_tail import newest
from gcg_quant.bus import EventBus
from gcg_quant.clock import to_iso
from gcg_quant.errors import JournalCorruptError
from gcg_quant.events import Event, Tick

from .conftest import Console


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a closed bus: 1,000 ticks on pages of 16 KB."""
    with EventBus(tmp_path / "bus", source="test", page_mb=1 / 64, sync="none") as bus:
        ticks = [Tick(symbol="A", venue="SIM", event_ns=number, last_price=float(number)) for number in range(1000)]
        for first in range(0, 1000, 20):
            bus.publish_many(ticks[first : first + 20])
    return tmp_path / "bus"


def test_prune_says_what_goes_and_then_removes_it(console: Console, folder: Path) -> None:
    """`prune --dry-run` says what would go; without it the pages are gone and the rest is whole."""
    pages = len(list((folder / "market").glob("*.page")))
    asked = console("journal", "--bus", str(folder), "prune", "--keep", "200KB", "--dry-run")
    assert asked.returncode == 0, asked.stderr
    assert "would be removed" in asked.stdout
    assert len(list((folder / "market").glob("*.page"))) == pages
    done = console("journal", "--bus", str(folder), "prune", "--keep", "200KB")
    assert "pages" in done.stdout
    assert "market" in done.stdout
    assert sum(path.stat().st_size for path in folder.glob("*/*.page")) <= 200_000
    assert "no damage" in console("journal", "--bus", str(folder), "verify").stdout
    young = console("journal", "--bus", str(folder), "prune", "--before", "7d")
    assert "No page was removed." in young.stdout


def test_chain_of_an_event_is_told_also_when_it_is_gone(console: Console, folder: Path) -> None:
    """`journal chain` shows an event's chain; what was pruned is said to be gone, what is no event is an error of usage."""
    told = console("journal", "--bus", str(folder), "chain", "5")
    assert told.returncode == 0, told.stderr
    assert "tick" in told.stdout
    assert "last 4" in told.stdout
    assert json.loads(console("journal", "--bus", str(folder), "chain", "5", "--json").stdout)[0]["facts"]["last_price"] == 4.0
    console("journal", "--bus", str(folder), "prune", "--keep", "100KB", "--yes")
    assert "is gone" in " ".join(console("journal", "--bus", str(folder), "chain", "5").stdout.split())
    for words, sentence in (("nowhere-3", "give its number"), ("999999", "no event 999999")):
        wrong = console("journal", "--bus", str(folder), "chain", words)
        assert wrong.returncode == 2
        assert sentence in wrong.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "--before WHEN, --keep SIZE"),
        (("--before", "soon"), "neither a time such as"),
        (("--keep", "much"), "not a size such as"),
    ],
)
def test_prune_without_sense_is_one_sentence(console: Console, folder: Path, words: tuple[str, ...], sentence: str) -> None:
    """Wrong limits are errors of usage, and nothing is removed."""
    result = console("journal", "--bus", str(folder), "prune", *words)
    assert result.returncode == 2
    assert sentence in result.stderr
    assert (folder / "market" / "0000000001.page").exists()


def _offset_of_frame(page: Path, number: int) -> int:
    data = page.read_bytes()
    offset = 128
    for _ in range(number):
        offset += (int.from_bytes(data[offset : offset + 4], "little") + 7) // 8 * 8
    return offset


def test_flipped_bytes_are_named_stop_readers_and_cost_one_event(console: Console, folder: Path, tmp_path: Path) -> None:
    """Damage from end to end: `verify` names page, offset and seq; readers stop there; `copy` saves the rest and says what is lost."""
    page = folder / "market" / "0000000002.page"
    offset = _offset_of_frame(page, 10)
    data = bytearray(page.read_bytes())
    seq = int.from_bytes(data[offset + 8 : offset + 16], "little")
    data[offset + 70] ^= 0xFF
    page.write_bytes(data)

    verified = console("journal", "--bus", str(folder), "verify")
    assert verified.returncode == 1
    assert f"0000000002.page offset {offset}, seq {seq}: its CRC is wrong" in verified.stderr
    with EventBus(folder, create=False, read_only=True) as bus, bus.reader(start="begin") as reader:
        with pytest.raises(JournalCorruptError, match=f"offset {offset}, seq {seq}"):
            list(reader)
        with pytest.raises(JournalCorruptError, match="journal verify"):  # it stays there
            reader.read()

    copied = console("journal", "--bus", str(folder), "copy", str(tmp_path / "saved"))
    assert copied.returncode == 0, copied.stderr
    assert "market: 999 events" in copied.stdout
    assert f"offset {offset}, seq {seq}: its CRC is wrong; 1 records are lost" in copied.stdout
    named = console("journal", "--bus", str(tmp_path / "saved"), "verify")
    assert named.returncode == 0
    assert "1 records lost here" in named.stdout
    with EventBus(tmp_path / "saved", create=False, read_only=True) as bus:
        found = [event.seq for event in bus.reader(start="begin")]
    assert found == [number for number in range(1, 1001) if number != seq]
    again = console("journal", "--bus", str(folder), "copy", str(tmp_path / "saved"))
    assert again.returncode == 1
    assert "exists already" in again.stderr


def test_copy_takes_a_slice(console: Console, folder: Path, tmp_path: Path) -> None:
    """`copy --from --to --world` takes the events of that time into a bus of that world."""
    with EventBus(folder, create=False, read_only=True) as bus:
        times = [event.time_ns for event in bus.reader(start="begin")]
    words = ("--from", to_iso(times[500]), "--world", "replay")
    assert console("journal", "--bus", str(folder), "copy", str(tmp_path / "slice"), *words).returncode == 0
    with EventBus(tmp_path / "slice", create=False, read_only=True) as bus:
        assert bus.world.name == "REPLAY"
        assert [event.time_ns for event in bus.reader(start="begin")] == [time_ns for time_ns in times if time_ns >= times[500]]


def test_export_writes_parquet_and_says_how_fast(console: Console, folder: Path, tmp_path: Path) -> None:
    """`export` writes a file a class and prints rows and rate; an unknown class is named."""
    result = console("journal", "--bus", str(folder), "export", str(tmp_path / "out"), "--type", "Tick", "--symbol", "A", "--from", "1d")
    assert result.returncode == 0, result.stderr
    assert "ticks.parquet: 1,000 rows" in result.stdout
    assert "rows/s" in result.stdout
    wrong = console("journal", "--bus", str(folder), "export", str(tmp_path / "out"), "--type", "Tik")
    assert "Did you mean 'Tick'?" in wrong.stderr


def test_inspect_shows_rates_and_silent_readers(console: Console, folder: Path) -> None:
    """`inspect` shows events, rates of the last minute and in all, and each reader's lag, last read and silence."""
    with EventBus(folder, source="test") as bus, bus.reader("recorder", durable=True, start="begin") as reader:
        reader.read_many(100)
        reader.commit()
        shown = console("journal", "--bus", str(folder), "inspect").stdout
    lane = next(line for line in shown.splitlines() if line.startswith("market"))
    assert "1,000" in lane
    assert "16.7" in lane  # 1,000 within the last minute
    row = next(line for line in shown.splitlines() if line.startswith("recorder"))
    assert "900" in row
    assert row.rstrip().endswith(" s")


def test_follow_prints_no_event_twice(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that comes while `tail -f` looks back is printed once, and so is each that comes later."""
    lines: list[str] = []
    with EventBus(folder, source="test") as bus:

        def newest_beside_a_writer(*arguments: Any, **options: Any) -> list[Event]:
            bus.publish(Tick(symbol="A", venue="SIM", event_ns=2000))
            found = newest(*arguments, **options)
            bus.publish(Tick(symbol="A", venue="SIM", event_ns=2001))
            return found

        def echo(line: str) -> None:
            lines.append(line)
            if "event_ns=2001" in line:
                raise KeyboardInterrupt

        monkeypatch.setattr("gcg_quant.admin.commands.journal.newest", newest_beside_a_writer)
        monkeypatch.setattr("gcg_quant.admin.commands.journal.click.echo", echo)
        with pytest.raises(click.Abort):
            cli.main(["journal", "--bus", str(folder), "tail", "-f", "-n", "2"], standalone_mode=False)
    assert ["event_ns=999" in lines[0], "event_ns=2000" in lines[1], "event_ns=2001" in lines[2], len(lines)] == [True, True, True, 3]


def test_audit_adds_up_or_says_that_nobody_traded(console: Console, folder: Path) -> None:
    """`audit` names each account that traded; on a bus of ticks alone there is none."""
    result = console("journal", "--bus", str(folder), "audit")
    assert (result.returncode, result.stdout) == (0, "No account has traded on this bus.\n")
