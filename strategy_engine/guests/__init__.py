"""Strategy files of other frameworks whose modules we provide: they are loaded unchanged, imports included."""

from .base import Guest, GuestFile, GuestStrategy
from .hft import HftBacktest, tick_classes
from .kungfu import Kungfu

__all__ = ["GUESTS", "Guest", "GuestFile", "GuestStrategy", "HftBacktest", "Kungfu", "tick_classes"]

GUESTS: tuple[Guest, ...] = (Kungfu(), HftBacktest())
