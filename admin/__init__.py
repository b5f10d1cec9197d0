"""The room that knows all others: console, REST interface, supervisor."""

__all__: list[str] = []
