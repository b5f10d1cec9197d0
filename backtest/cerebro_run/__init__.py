"""What a run of `EventDrivenCerebro` has besides Backtrader's: control from outside, late feeds, a quiet warm-up, plots, a result."""

__all__: list[str] = []
