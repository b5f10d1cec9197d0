"""What is stored: the tables, and how a record's fields become columns."""

__all__: list[str] = []
