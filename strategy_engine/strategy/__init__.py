"""What a strategy is and what it may ask for: the base class, its session, its parameters, bars, timers and portfolio."""

__all__: list[str] = []
