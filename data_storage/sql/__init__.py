"""The database itself, and the statements that put rows into it and take them out; here alone SQL dialects differ."""

__all__: list[str] = []
