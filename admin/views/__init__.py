"""What the system looks like, folded from its events."""

__all__: list[str] = []
