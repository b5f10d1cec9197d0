"""Pages of long lists: `limit` and `offset` in the question, `X-Total-Count` and a `Link` to the next page in the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Query, Request, Response

__all__ = ["MOST_ROWS", "PAGED", "Page", "Paging"]

Row = TypeVar("Row")
MOST_ROWS = 1000

_HEADERS = {
    "X-Total-Count": {"description": "how many rows there are in all", "schema": {"type": "integer", "minimum": 0}},
    "Link": {"description": 'the next page as <address>; rel="next", if there is one', "schema": {"type": "string"}},
}
PAGED: dict[int | str, dict[str, Any]] = {200: {"headers": _HEADERS}}  # for `responses` of a route that pages


class Paging:
    """Which part of a list is asked for; `of` takes it and tells how much more there is."""

    def __init__(
        self,
        request: Request,
        response: Response,
        limit: Annotated[int, Query(ge=1, le=MOST_ROWS, description="so many rows at most")] = 200,
        offset: Annotated[int, Query(ge=0, le=1 << 31, description="so many rows are passed over")] = 0,
    ) -> None:
        self.limit = limit
        self.offset = offset
        self._request = request
        self._response = response

    def of(self, rows: Sequence[Row]) -> list[Row]:
        """Return the part of all `rows` that is asked for."""
        self.tell(len(rows))
        return list(rows[self.offset : self.offset + self.limit])

    def tell(self, total: int) -> None:
        """Say how many rows there are in all; for lists of which only the page was fetched."""
        self._response.headers["X-Total-Count"] = str(total)
        after = self.offset + self.limit
        if after < total:
            kept = [(name, value) for name, value in self._request.query_params.multi_items() if name not in ("limit", "offset")]
            query = urlencode([*kept, ("limit", self.limit), ("offset", after)])
            self._response.headers["Link"] = f'<{self._request.url.path}?{query}>; rel="next"'


Page = Annotated[Paging, Depends()]
