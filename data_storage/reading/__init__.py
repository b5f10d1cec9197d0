"""From the database back: history for backtests and charts, and the ledger of what the system did."""

__all__: list[str] = []
