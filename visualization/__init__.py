"""The chart page: events of the bus in the browser, and the browser's changes back onto the bus.

The web server itself is in `server` (it imports FastAPI, which takes a while).
"""

from .adapter import EventToChartAdapter
from .bridge import WebSocketEventBridge
from .charts import ChartManager

__all__ = ["ChartManager", "EventToChartAdapter", "WebSocketEventBridge"]
