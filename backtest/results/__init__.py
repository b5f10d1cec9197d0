"""What comes out of a backtest: the result, its measures, its value curve and its trades."""

__all__: list[str] = []
