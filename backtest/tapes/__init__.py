"""Market data on a run's own bus, laid down between the orders it led to."""

__all__: list[str] = []
