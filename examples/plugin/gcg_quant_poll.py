"""A collector as a package of its own: the newest trades of each symbol from a JSON page, asked for every few seconds."""

import json
import threading
from urllib.parse import quote
from urllib.request import urlopen

from gcg_quant.data_collector.live import ExchangeCollector
from gcg_quant.events import TradeTick
from gcg_quant.sections import Section, setting


class PollOptions(Section):
    every_s: float = setting(1.0, "pause between two questions, s", gt=0)


def parse_page(page: bytes, recv_ns: int) -> list[TradeTick]:
    rows = json.loads(page)["trades"]
    facts = [{"symbol": row["symbol"], "trade_id": str(row["id"]), "price": row["price"], "size": row["size"]} for row in rows]
    return [TradeTick(venue="poll", event_ns=row["ms"] * 1_000_000, recv_ns=recv_ns, **one) for row, one in zip(rows, facts)]


class PollCollector(ExchangeCollector):
    Options = PollOptions

    def dial(self):
        self._ended = threading.Event()
        self._newest = {}
        for symbol in sorted(self.symbols):
            self._page(symbol)  # raises OSError while the venue cannot be reached

    def serve(self):
        while not self._ended.wait(self.options.every_s):
            for symbol in sorted(self.symbols):
                for trade in self.parsed(parse_page, self._page(symbol), self.recv_ns()) or ():
                    if int(trade.trade_id) > self._newest.get(symbol, 0):  # a page shows some again
                        self._newest[symbol] = int(trade.trade_id)
                        self.take(trade)

    def hang_up(self):
        if hasattr(self, "_ended"):
            self._ended.set()

    def _page(self, symbol):
        with urlopen(f"{self.url}/trades?symbol={quote(symbol)}", timeout=self.connect_s) as answer:
            self.alive()
            return answer.read()
