"""Running strategies: finding and loading their files, starting, watching and stopping them, on one reader a process."""

__all__: list[str] = []
