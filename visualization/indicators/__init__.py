"""Indicators over and under the price, computed here: the catalogue, and the lines of one series as its candles change."""

from .catalogue import find_kind, kinds
from .chan import ChanAnalysis, chan_kind
from .columns import ColumnBuffer, Columns, Floats
from .indicator import Indicator, indicator
from .kind import Kind, Parameter
from .series_lines import Lines, SeriesLines, lines_of
from .shapes import Drawn, ShapePart

__all__ = [
    "ChanAnalysis",
    "ColumnBuffer",
    "Columns",
    "Drawn",
    "Floats",
    "Indicator",
    "Kind",
    "Lines",
    "Parameter",
    "SeriesLines",
    "ShapePart",
    "chan_kind",
    "find_kind",
    "indicator",
    "kinds",
    "lines_of",
]
