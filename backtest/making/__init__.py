"""What market makers look at: the measures, and how they are read."""

__all__: list[str] = []
