"""gcg_quant: event-driven quantitative trading on a C++ memory-mapped journal."""

from gcg_quant._native import __version__

__all__ = ["__version__"]
