"""Market data in files: Parquet, and the register of what was imported."""

__all__: list[str] = []
