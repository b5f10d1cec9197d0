"""Trading at a venue that lives on without us: its link, what may get lost on the way, and the comparison of both books."""

__all__: list[str] = []
