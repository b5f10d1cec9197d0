"""Watching the running system: thresholds and alerts, the webhook, Prometheus' metrics, log files."""

from .alerts import Alert, AlertBook
from .performance import PerformanceMonitor

__all__ = ["Alert", "AlertBook", "PerformanceMonitor"]
