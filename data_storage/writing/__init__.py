"""From the bus into the database: the recorder, and what it does with each kind of event."""

__all__: list[str] = []
