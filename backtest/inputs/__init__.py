"""What goes into a backtest: its spec, the terms of its market, the bars of its symbols, and digests of them all."""

__all__: list[str] = []
