"""Who may look and ask: tokens, sessions, origins, limits."""

__all__: list[str] = []
