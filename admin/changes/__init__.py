"""What the console and REST change, one way for both."""

__all__: list[str] = []
