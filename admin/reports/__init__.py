"""Rows of plain values for the console and REST."""

__all__: list[str] = []
