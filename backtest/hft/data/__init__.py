"""Market data for the tick engine out of files, journals, arrays, frames and stored history."""

from .files import load_file
from .load import load

__all__ = ["load", "load_file"]
