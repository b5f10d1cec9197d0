"""Results as HTML files that need no network."""

__all__: list[str] = []
