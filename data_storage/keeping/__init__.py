"""Keeping a database in order: what is checked, what is removed by rules, what is saved and brought back."""

__all__: list[str] = []
