"""Snapshots and updates in order: the book that comes out is the venue's at every update, or nothing comes out."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from torture import examples

from gcg_quant.data_collector.binance_book import BookSequence, Placed
from gcg_quant.data_collector.binance_messages import BookUpdate, Message, Snapshot, Trade
from gcg_quant.data_collector.importing.message_records import MessageRecords
from gcg_quant.events import BookAction, BookDelta, Side

PRICES = st.integers(1, 12)
CHANGES = st.lists(st.tuples(st.booleans(), PRICES, st.integers(0, 3)), min_size=6, max_size=60)
Book = dict[tuple[bool, float], float]


class Venue:
    """A book whose changes are numbered from 1 on, and the stream that sums up some of them at a time."""

    def __init__(self, changes: list[tuple[bool, int, int]], cuts: list[int], futures: bool) -> None:
        self.books: list[Book] = [{}]  # as of each change
        for bid, price, size in changes:
            book = dict(self.books[-1])
            book[bid, float(price)] = float(size)
            self.books.append({key: size for key, size in book.items() if size > 0})
        ends = sorted({1 + cut % len(changes) for cut in cuts} | {len(changes)})
        self.updates = []
        for first, last in zip([0, *ends], ends, strict=False):
            sides = {key: self.books[last].get(key, 0.0) for key in [(bid, float(price)) for bid, price, _ in changes[first:last]]}
            bids, asks = ([(price, size) for (bid, price), size in sides.items() if bid == side] for side in (True, False))
            # Futures leave out some numbers between two updates, and name the last one of the update before instead.
            self.updates.append(
                BookUpdate(0, "X", last * 10, last * 10, last if futures else first + 1, last, first if futures else -1, bids, asks)
            )

    def snapshot(self, at: int) -> Snapshot:
        """Return the book as of a change."""
        sides = [[(price, size) for (bid, price), size in self.books[at].items() if bid == side] for side in (True, False)]
        return Snapshot(0, at * 10 + 5, at, *sides)


def replay(messages: list[Message | Placed], venue: Venue) -> int:
    """Apply the records of messages; the book after each update must be the venue's. Return how many updates there were."""
    book: Book = {}
    seen = 0
    records = MessageRecords(0)
    for message in messages:
        arrays, _ = records.convert([(1, message)])
        deltas = arrays.get(BookDelta, np.zeros(0, BookDelta.dtype))
        assert deltas["is_last"].tolist() == [0] * (len(deltas) - 1) + [1] * (len(deltas) > 0)
        if isinstance(message, Placed):
            book = {}
        for row in deltas:
            if row["side"] != Side.NONE:
                key = (row["side"] == Side.BUY, float(row["price"]))
                book[key] = 0.0 if row["action"] == BookAction.DELETE else float(row["size"])
        book = {key: size for key, size in book.items() if size > 0}
        if isinstance(message, BookUpdate):
            assert book == venue.books[message.last_id]
            seen += 1
    return seen


@settings(max_examples=examples(300), deadline=None)
@given(CHANGES, st.lists(st.integers(0, 59), max_size=20), st.integers(0, 59), st.integers(0, 20), st.booleans())
def test_book_is_the_venue_s_from_the_snapshot_on(
    changes: list[tuple[bool, int, int]], cuts: list[int], at: int, place: int, futures: bool
) -> None:
    """Wherever the snapshot arrives, before updates that it includes or after some that it does not."""
    venue = Venue(changes, cuts, futures)
    snapshot = venue.snapshot(at % (len(changes) + 1))
    stream: list[Message] = list(venue.updates)
    stream.insert(place % (len(stream) + 1), snapshot)
    sequence = BookSequence()
    out = [one for message in stream for one in sequence.feed(message)] + sequence.release()
    newer = [update for update in venue.updates if update.last_id > snapshot.last_id]
    # Futures name no first change, so a snapshot within an update joins only the next one that follows it.
    if not futures or any(update.last_id == snapshot.last_id for update in venue.updates) or snapshot.last_id == 0:
        assert replay(out, venue) == len(newer)
        assert len(out) == len(newer) + 1
        assert len(sequence.dropped) == len(venue.updates) - len(newer)
        assert sequence.gaps == 0
    times = [one.event_ns for one in out if isinstance(one, (BookUpdate, Placed)) and one.event_ns >= 0]
    assert times == sorted(times)


@settings(max_examples=examples(200), deadline=None)
@given(CHANGES, st.integers(1, 58), st.integers(0, 59))
def test_gap_waits_for_the_next_snapshot(changes: list[tuple[bool, int, int]], lost: int, again: int) -> None:
    """A lost update is noticed; until a snapshot after it nothing comes out, and then the book is right again."""
    venue = Venue(changes, list(range(60)), False)
    lost = 1 + lost % (len(changes) - 2)  # neither the first nor the last
    kept = [update for update in venue.updates if update.last_id != lost + 1]
    again = lost + 1 + again % (len(changes) - lost)
    stream = [
        venue.snapshot(0),
        *[one for one in kept if one.last_id <= again],
        venue.snapshot(again),
        *[one for one in kept if one.last_id > again],
    ]
    sequence = BookSequence()
    out = [one for message in stream for one in sequence.feed(message)] + sequence.release()
    assert replay(out, venue) == lost + len(changes) - again
    assert sequence.gaps == (1 if again > lost + 1 else 0)


def test_without_a_snapshot_the_book_begins_with_the_first_update() -> None:
    """What waited is let go at the end, in order, and trades between the updates with it."""
    venue = Venue([(True, 5, 1), (False, 7, 2)], [0, 1], False)
    trade = Trade(0, "X", 11, 11, 1, 5.0, 1.0, True)
    sequence = BookSequence()
    stream: list[Message] = [venue.updates[0], trade, venue.updates[1]]
    assert [one for message in stream for one in sequence.feed(message)] == []
    assert sequence.release() == stream
    assert sequence.feed(trade) == [trade]
