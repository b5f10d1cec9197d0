"""One strategy, two worlds: the orders of two runs side by side, what differs, and the first event that led to it."""

from .comparison import ComparedPair, Comparison, compare
from .difference import Difference, FirstEvent
from .pairing import OrderPair
from .reading import read_run
from .run_log import OrderTrack, RunLog

__all__ = ["ComparedPair", "Comparison", "Difference", "FirstEvent", "OrderPair", "OrderTrack", "RunLog", "compare", "read_run"]
