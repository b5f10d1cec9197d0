"""Sweeps: one strategy with many parameters. Started by `python -m gcg_quant optimize`."""

from .axis import Axis, parse_axes, parse_axis
from .condition import Condition
from .metric import METRICS, Metric, metric_of
from .plan import SweepPlan
from .pool import LocalPool
from .sweep import Sweep, SweepProgress, find_sweep
from .table import Row

__all__ = [
    "METRICS",
    "Axis",
    "Condition",
    "LocalPool",
    "Metric",
    "Row",
    "Sweep",
    "SweepPlan",
    "SweepProgress",
    "find_sweep",
    "metric_of",
    "parse_axes",
    "parse_axis",
]
