"""The REST interface under /api/v1, one noun a file; `routes` puts them together."""

__all__: list[str] = []
