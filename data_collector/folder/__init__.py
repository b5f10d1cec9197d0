"""Files that grow in a folder, as live market data. See docs/import.md."""

from .collector import FolderCollector

__all__ = ["FolderCollector"]
