"""Indicators of stock Backtrader computed in C++ over whole lines, with every bit as Backtrader's own methods have it."""

from __future__ import annotations

from .formulas import formula_of
from .install import install_kernels

__all__ = ["formula_of", "install_kernels"]
