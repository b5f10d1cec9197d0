"""Backtrader classes in the StrategyManager, on paper and live, restarts included."""

__all__: list[str] = []
