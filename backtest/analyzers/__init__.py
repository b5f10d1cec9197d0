"""Analyzers for Backtrader runs."""

from .result import ResultAnalyzer

__all__ = ["ResultAnalyzer"]
