"""Positions that a quiet bar does not touch.

Backtrader writes each bar's time and close into each position that is held, and an interest of nothing into `d_credit`. In a fast run
they are read from the data when asked for, and written when the run is over.
"""

from __future__ import annotations

from typing import Any

from backtrader.position import Position

from .native import FastAccount, FastPosition

__all__ = ["LazyPositions"]


class LazyPositions:
    """The positions of one broker during a fast run.

    Args:
        broker: the broker that holds them.
        account: its account, which counts the bars.
        clocks: the clock of each data.
    """

    def __init__(self, broker: Any, account: FastAccount, clocks: dict[Any, Any]) -> None:
        self._broker, self._account, self._clocks = broker, account, clocks
        self._since: dict[Any, int] = {}  # data -> the bar after which it has an interest
        self._classes: dict[Any, type] = {}
        self.still = False

    def adopt(self, data: Any, position: Any) -> None:
        """Give a position of Backtrader's the class that reads time and price from its data."""
        if type(position) is Position:
            if data not in self._classes:
                self._classes[data] = _lazy_class(data, self)
            position.__class__ = self._classes[data]

    def executed(self, data: Any, position: Any, anew: bool) -> None:
        """Note that the position has changed at this bar; `anew` if its interest begins again."""
        self.adopt(data, position)
        if anew or data not in self._since:
            self._since[data] = self._account.steps

    def write_credit(self, data: Any) -> None:
        """Write the interest of a data into the broker's books, as the bars before this one have done."""
        if self._since.get(data, self._account.steps) < self._account.steps:
            self._broker.d_credit[data] += 0.0

    def last_close(self, data: Any) -> float:
        """Return the close that the broker saw at the bar before."""
        close: float = data.close[-1] if self._clocks[data].moved else data.close[0]
        return close

    def stand(self, still: bool) -> None:
        """Show what the broker saw last, although the feeds have moved on since; or, if not `still`, read it from them again."""
        for data in self._since if still else ():
            position = self._broker.positions[data]
            if position.size:
                position.__dict__["datetime"] = data.datetime.datetime(-int(self._clocks[data].moved))
                position.__dict__["adjbase"] = self.last_close(data)
        self.still = still

    def write(self, *, within: bool = False, matching: bool = False) -> None:
        """Write into all positions what Backtrader would have written, and give them their class back.

        `within`: the broker has failed within a bar, and the clocks stand at the bar before; `matching`: at its pending orders, when it
        has entered the bar's time already.
        """
        broker = self._broker
        places = {data: place for place, data in enumerate(broker.positions)}
        for data, _ in sorted(self._since.items(), key=lambda item: (item[1], places[item[0]])):
            position = broker.positions[data]
            if within and self._since[data] == self._account.steps:
                continue  # it was executed within that bar, and is up to date
            if position.size:
                if not self.still:  # else it was written when the feeds began to move
                    ahead = int(within and matching and self._clocks[data].moved)
                    position.__dict__["datetime"] = data.datetime.datetime(ahead)
                    position.__dict__["adjbase"] = data.close[0]
                if self._since[data] < self._account.steps - (within and not matching):
                    broker.d_credit[data] += 0.0
        self._since.clear()
        for data, position in broker.positions.items():
            if type(position) is self._classes.get(data):
                position.__class__ = Position


def _lazy_class(data: Any, room: LazyPositions) -> type:
    def get_time(self: Any) -> Any:
        if self.size and not room.still:
            return data.datetime.datetime()
        if "datetime" not in self.__dict__:
            raise AttributeError("'Position' object has no attribute 'datetime'")
        return self.__dict__["datetime"]

    def get_base(self: Any) -> Any:
        return data.close[0] if self.size and not room.still else self.__dict__["adjbase"]

    def set_time(self: Any, value: Any) -> None:
        self.__dict__["datetime"] = value

    def set_base(self: Any, value: Any) -> None:
        self.__dict__["adjbase"] = value

    names: dict[str, Any] = {
        "__slots__": (),
        "__module__": Position.__module__,
        "__qualname__": Position.__qualname__,
        "__doc__": Position.__doc__,
    }
    names["__bool__"] = FastPosition.__dict__["__bool__"]
    return type(
        "Position", (Position, FastPosition), {**names, "datetime": property(get_time, set_time), "adjbase": property(get_base, set_base)}
    )
