"""Backtrader's terms and ours, each in the other's: times, periods, feeds, orders, commissions and parameters."""

__all__: list[str] = []
