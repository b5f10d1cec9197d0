"""Runs over data that end at a decision, compared with the run over all of them: what decides otherwise has looked ahead."""

from .bar_runs import BarRuns
from .comparison import DECISIONS, Truncation, compare_cuts
from .decisions import Decision, DecisionLog, Recording
from .own_reads import OwnReads

__all__ = ["DECISIONS", "BarRuns", "Decision", "DecisionLog", "OwnReads", "Recording", "Truncation", "compare_cuts"]
