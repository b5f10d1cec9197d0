"""Accounts: cash and positions as fills settle them, and the audit that folds the journal a second time."""

__all__: list[str] = []
