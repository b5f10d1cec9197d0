"""The fast path of a backtest: unmodified Backtrader classes, the same numbers to the last bit, many times as fast.

For the time of one run the classes of everything with lines, and of the broker, are exchanged for ones whose hot parts are in C. Whether
that may be done is decided before anything is touched (`reason_against`): what is not known to come out the same takes Backtrader's own
path.
"""

from .bar_by_bar import run_bar_by_bar
from .decision import is_known_broker, reason_against, reason_bar_by_bar
from .load import BulkLoading
from .run import run_fast

__all__ = ["BulkLoading", "is_known_broker", "reason_against", "reason_bar_by_bar", "run_bar_by_bar", "run_fast"]
