"""Data files onto the bus: what they are, how their columns and times are read, and what is refused."""

__all__: list[str] = []
