"""Bars and ticks of the past as arrays: from the store, from a journal, and made of shorter ones."""

__all__: list[str] = []
