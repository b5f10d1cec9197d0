"""One backtest from spec to result: in this process or in one of its own, by Backtrader or by the StrategyManager."""

__all__: list[str] = []
