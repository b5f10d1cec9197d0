"""The strategies that are shipped; each file is loaded by the strategy manager as a user's file is."""

__all__: list[str] = []
