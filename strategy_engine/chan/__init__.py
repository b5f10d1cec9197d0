"""Chan theory (缠论), bar by bar: merged bars, fractals, strokes, segments, pivots, and buy and sell points."""

from .analyzer import DIVERGENCES, VARIANTS, ChanAnalyzer
from .elements import DTYPES, KINDS, NOT_YET, Change
from .levels import ChanLevels

__all__ = ["DIVERGENCES", "DTYPES", "KINDS", "NOT_YET", "VARIANTS", "ChanAnalyzer", "ChanLevels", "Change"]
