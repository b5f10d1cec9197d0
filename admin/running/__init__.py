"""The processes of a running system: groups, what they are made of, their restarts, logs and summary."""

__all__: list[str] = []
