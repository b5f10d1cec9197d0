"""What comes to feeds while they run: one reader of the bus for all of them, and the rows that they show of its bars and ticks."""

__all__: list[str] = []
