"""The cache: what a system looks like now, in Redis, for whoever is not on its bus."""

__all__: list[str] = []
