"""What is said of a recorder's backlog, and when."""

from __future__ import annotations

from gcg_quant.data_storage.writing.backlog import Backlog


class Clock:
    """A clock that stands still."""

    now_ns = 10**9

    def __call__(self) -> int:
        """Return the time."""
        return self.now_ns


def told(backlog: Backlog) -> str:
    """Return what is due, as said."""
    due = backlog.due()
    if due is None:
        return ""
    backlog.said()
    return f"{due.level}: {due.message}"


def test_trouble_is_told_once_at_a_pace_and_at_its_end() -> None:
    """Each sentence says how many events wait and for how long; nothing is said twice."""
    clock = Clock()
    backlog = Backlog("db", every_s=1000.0, clock=clock)
    clock.now_ns = 3 * 10**9
    backlog.refused("The database db is full.", 70, 10**9)
    text = "70 events wait, the oldest for 2.0 s, in the journal until the database takes rows again."
    assert told(backlog) == f"critical: The database db is full. Nothing is lost: {text}"
    backlog.refused("The database db is full.", 90, 10**9)
    assert told(backlog) == ""
    assert backlog.behind_s == 2.0
    backlog._every_s = 0.0
    backlog.refused("The database db is full.", 90, 10**9)
    assert "90 events wait" in told(backlog)
    backlog.stored(10, 80, 2 * 10**9)
    assert told(backlog).startswith("info: The database db takes rows again after 0.0 s: 80 events wait, the oldest for 1.0 s")
    backlog.stored(80, 0, 3 * 10**9)
    assert told(backlog) == "info: The database db has caught up after 0.0 s: 90 events that waited are stored."
    assert backlog.behind_s == 0.0
    backlog.stored(10, 0, 3 * 10**9)
    assert told(backlog) == ""


def test_what_could_not_be_said_is_kept_until_it_can() -> None:
    """An alert for which the journal has no room is due with the newest figures; a trouble that nobody was told of ends without a word."""
    backlog = Backlog("db", every_s=1000.0)
    backlog.refused("Full.", 70, 1)
    backlog.refused("Full.", 90, 1)
    due = backlog.due()
    assert due is not None
    assert "90 events" in due.message
    backlog.stored(90, 0, 2)
    assert backlog.due() is None


def test_slow_database_is_told_as_well() -> None:
    """Rows that are stored, but too slowly, are a warning after half a minute, and end with a word, too."""
    clock = Clock()
    backlog = Backlog("db", every_s=1000.0, clock=clock)
    backlog.stored(5000, 100_000, clock.now_ns)
    assert told(backlog) == ""
    clock.now_ns += 31 * 10**9
    backlog.stored(5000, 200_000, 10**9)
    assert told(backlog) == "warning: The database db is behind: 200,000 events wait, the oldest for 31.0 s, in the journal."
    backlog.stored(5000, 0, clock.now_ns)
    assert told(backlog).startswith("info: The database db has caught up")
