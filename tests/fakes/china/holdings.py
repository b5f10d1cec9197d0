"""What an account holds at the fake counter: lots of each side by the day on which they were opened, as its trades leave them."""

from __future__ import annotations

from typing import Any

LONG, SHORT = "2", "3"  # PosiDirection
TODAY, YESTERDAY = "1", "2"  # PositionDate
OPEN, CLOSE_TODAY, CLOSE_YESTERDAY = "0", "3", "4"
APART = ("SHFE", "INE")  # whose orders say which day's lots they close


class Holdings:
    """Lots by (contract, exchange, side): those of earlier days and those of today."""

    def __init__(self) -> None:
        self._lots: dict[tuple[str, str, str], list[int]] = {}

    def put(self, symbol: str, exchange: str, side: str, yesterday: int, today: int = 0) -> None:
        """Begin with some lots."""
        self._lots[symbol, exchange, side] = [yesterday, today]

    def apply(self, trade: dict[str, Any]) -> None:
        """Book a trade: where the exchange does not hold the days apart, the oldest lots go first."""
        buys, offset = trade["Direction"] == "0", trade["OffsetFlag"]
        side = LONG if buys == (offset == OPEN) else SHORT
        held = self._lots.setdefault((trade["InstrumentID"], trade["ExchangeID"], side), [0, 0])
        lots = trade["Volume"]
        if offset == OPEN:
            held[1] += lots
        elif offset == CLOSE_TODAY:
            held[1] -= lots
        else:
            old = lots if trade["ExchangeID"] in APART else min(lots, held[0])
            held[0] -= old
            held[1] -= lots - old
        assert min(held) >= 0, f"{trade['InstrumentID']}: more was closed than was held"

    def refusal(self, order: dict[str, Any], others: list[dict[str, Any]]) -> tuple[int, str]:
        """Return the error with which an order that closes more than there is, less what others close, is refused."""
        offset = order["CombOffsetFlag"]
        if offset == OPEN:
            return 0, ""
        closing = [one for one in others if self._side(one) == self._side(order) and one["CombOffsetFlag"] == offset]
        held = self._lots.get((order["InstrumentID"], order["ExchangeID"], self._side(order)), [0, 0])
        apart = order["ExchangeID"] in APART
        free = sum(held) if not apart else held[1] if offset == CLOSE_TODAY else held[0]
        free -= sum(one["VolumeTotal"] for one in closing if one["InstrumentID"] == order["InstrumentID"])
        if order["VolumeTotalOriginal"] <= free:
            return 0, ""
        return (50, "not enough of today's lots") if offset == CLOSE_TODAY else (51, "not enough of the lots")

    def next_day(self) -> None:
        """Let the trading day end: all that is held is of yesterday."""
        for held in self._lots.values():
            held[:] = [sum(held), 0]

    def rows(self) -> list[dict[str, Any]]:
        """Return fields of CThostFtdcInvestorPositionField: a row a side, and a day where they are apart; empty ones stay for the day."""
        found = []
        for (symbol, exchange, side), (old, new) in self._lots.items():
            shared = {"InstrumentID": symbol, "ExchangeID": exchange, "PosiDirection": side}
            if exchange in APART:
                found.append({**shared, "PositionDate": YESTERDAY, "Position": old, "TodayPosition": 0})
                found.append({**shared, "PositionDate": TODAY, "Position": new, "TodayPosition": new})
            else:
                found.append({**shared, "PositionDate": TODAY, "Position": old + new, "TodayPosition": new})
        return found

    @staticmethod
    def _side(order: dict[str, Any]) -> str:
        return LONG if (order["Direction"] == "0") == (order["CombOffsetFlag"] == OPEN) else SHORT
