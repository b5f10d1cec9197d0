"""Backtrader's own runs, faster and equal to the last bit."""

from __future__ import annotations

__all__: list[str] = []
