"""Indicators of stock Backtrader computed in C++ over whole lines, with every bit as Backtrader's own methods have it."""

from __future__ import annotations

from .install import install_kernels

__all__ = ["install_kernels"]
