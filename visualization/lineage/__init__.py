"""The chain behind an event: from the tick to the fill."""

__all__: list[str] = []
