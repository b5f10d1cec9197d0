"""Moments as people write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from gcg_quant.clock import from_datetime, from_iso, zone_of
from gcg_quant.errors import EventError

__all__ = ["moment_ns"]


def moment_ns(moment: object, zone: str = "UTC") -> int:
    """Return a moment in nanoseconds since the epoch: those themselves, an ISO text, a datetime, or a date (its midnight).

    `zone` is where the clock hung if the moment does not say it. Raises EventError for what is no time.
    """
    if isinstance(moment, int) and not isinstance(moment, bool):
        return moment
    if isinstance(moment, str):
        return from_iso(moment, zone)
    if not isinstance(moment, date):
        raise EventError(f"A time is an ISO text, a date, a datetime or nanoseconds, not {moment!r}.", moment=moment)
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone_of(zone))
    return from_datetime(moment.astimezone(UTC))
