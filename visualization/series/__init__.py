"""What the charts show: candles of any period, in memory and stored, and what strategies draw."""

__all__: list[str] = []
