"""Our own `Strategy` classes in a backtest: stepped bar by bar, under a Backtrader cerebro, and with its indicators."""

__all__: list[str] = []
