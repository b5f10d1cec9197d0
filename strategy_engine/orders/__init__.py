"""Orders: what one is, its states, and the manager that alone writes commands for a venue."""

__all__: list[str] = []
