"""Events to and from other hosts through Redis Streams: `client.py` sends without gcg_quant, see docs/hosts.md."""

from .bridges import bridges
from .receiver import BridgeReceiver
from .redis_bridge import RedisBridge
from .sender import BridgeSender

__all__ = ["BridgeReceiver", "BridgeSender", "RedisBridge", "bridges"]
