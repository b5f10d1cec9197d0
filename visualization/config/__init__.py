"""What the server keeps of the page: layout, indicators, colours."""

__all__: list[str] = []
