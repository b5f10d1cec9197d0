"""What the server keeps of the chart page: a document that pages, programs and the console change by JSON merge patches.

Every change is a `ChartConfigEvent` on the control lane, and the document is their fold. Once a day, and at each start, the whole of it
is written down again, so that it outlives the journal's old pages.
"""

from __future__ import annotations

from typing import Any, ClassVar

from gcg_quant.clock import NS_PER_DAY
from gcg_quant.errors import EventError
from gcg_quant.events import ChartConfigEvent
from gcg_quant.sections import ChartSettings

from .page_config import Document, checked, first_document, merged

__all__ = ["ChartConfigManager"]


class ChartConfigManager:
    """The changes that were made, as one patch over what a fresh page begins with. One thread at a time: the bridge holds its lock."""

    EVENTS: ClassVar[tuple[type[ChartConfigEvent], ...]] = (ChartConfigEvent,)

    def __init__(self) -> None:
        self.kept: Document = {}
        self._whole_ns = 0  # when the whole of it was last written down
        self._news: list[tuple[int, Document]] = []

    def document(self, chart: ChartSettings) -> Document:
        """Return the whole configuration; `chart` is what a fresh page begins with."""
        return checked(merged(first_document(chart), self.kept))

    def check(self, patch: Document, chart: ChartSettings) -> Document:
        """Return the configuration as it would be with a patch, changing nothing.

        Raises:
            EventError: see `checked`.
        """
        return checked(merged(first_document(chart), merged(self.kept, patch)))

    def apply(self, event: ChartConfigEvent) -> None:
        """Take in a change; one that makes no sense (of another version, say) is passed over."""
        if not event.options:
            return
        if event.client == "":
            self._whole_ns = event.time_ns
            if self.kept:
                return  # it says what is known; a change made since it was put together stays
        kept = merged(self.kept, event.options)
        try:
            whole = checked(kept)
        except EventError:
            return
        self.kept = kept
        self._news.append((int(event.client) if event.client.isdecimal() else 0, _completed(event.options, whole)))

    def take(self) -> list[tuple[int, Document]]:
        """Return the changes since the last call: who made each (the number of a page, else 0), and the patch."""
        news, self._news = self._news, []
        return news

    def whole(self, now_ns: int) -> ChartConfigEvent | None:
        """Return the whole of it as an event, if it is time to write that down."""
        if not self.kept or now_ns - self._whole_ns < NS_PER_DAY:
            return None
        self._whole_ns = now_ns
        return ChartConfigEvent(client="", options=self.kept)

    def dump(self) -> Any:
        """Return the state as plain values."""
        return {"kept": self.kept, "whole_ns": self._whole_ns}

    def load(self, state: Any) -> None:
        """Take over what `dump` returned; this manager is new."""
        self.kept, self._whole_ns = state["kept"], state["whole_ns"]


def _completed(patch: Any, whole: Any) -> Any:
    # A list takes the place of the whole list, so that a pane in it which leaves keys out would leave the pages without them.
    if isinstance(patch, dict) and isinstance(whole, dict):
        return {key: _completed(value, whole.get(key)) for key, value in patch.items()}
    return whole if isinstance(patch, list) else patch
