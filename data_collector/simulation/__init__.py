"""The simulated exchange: a market of its own, out of a seed."""

__all__: list[str] = []
