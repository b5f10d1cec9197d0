"""A feed on a machine without gcg_quant: run with the two copied files and redis alone on its path; publishes numbered ticks until killed,
or COUNT of them.

FOLDER_OF_COPIES FOLDER_OF_REDIS URL BUFFER COUNT
"""

import sys
import time


class NoGcgQuant:
    """Refuses what such a machine does not have."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Raise for gcg_quant and what comes with it."""
        if name.split(".")[0] in ("gcg_quant", "numpy", "msgspec", "pydantic"):
            raise ImportError(f"{name} is not installed here")


copies, packages, url, buffer, count = sys.argv[1:]
sys.meta_path.insert(0, NoGcgQuant())
sys.path[:0] = [copies, packages]

from client import BridgeClient  # noqa: E402

with BridgeClient("mt5", url, buffer, world="paper", source="terminal") as client:
    client.instrument("EURUSD", "MT5", kind="fx", market="fx", tick_size=0.00001)
    print(client.last, flush=True)  # a feed asks from here on
    for at in range(client.last + 1, client.last + int(count) + 1):
        client.publish("Tick", symbol="EURUSD", venue="MT5", event_ns=1_000_000 + at, bid_price=1.0 + at, ask_price=1.5 + at)
        if at % 50 == 0:
            time.sleep(0.01)
assert not [name for name in sys.modules if name.startswith(("gcg_quant", "numpy"))]
