"""`strategies new`: a strategy file to begin with, which runs as it is."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from pathlib import Path

from gcg_quant.errors import StrategyError

from ..strategy_engine.hosting.loader import StrategyLoader

__all__ = ["new_strategy"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")

_TEMPLATE = '''"""{class_name}: say here what it does; `strategies list` shows this line."""

from gcg_quant.events import Bar, Fill, OrderEvent
from gcg_quant.strategy_engine import Parameter, Strategy


class {class_name}(Strategy):
    """Buys when a close exceeds the mean of the closes before it, and leaves when it falls below."""

    symbols = ("BTC/USDT",)
    period = Parameter("1m", doc="length of the bars")
    bars_back = Parameter(20, low=2, high=1000, doc="bars of the mean")
    quantity = Parameter(0.01, low=0, doc="size of the position")

    def on_start(self):
        # Position and open orders are there again after a restart; attributes of your own begin anew.
        self.log(f"trades {{self.symbol}} on {{self.period}} bars, holding {{self.position.quantity:g}}")

    def on_bar(self, bar: Bar):
        closes = self.bars(count=self.bars_back + 1)["close"]
        if len(closes) <= self.bars_back or self.orders:
            return  # too few bars yet, or an order is on its way
        mean = closes[:-1].mean()
        if self.position.is_flat and bar.close > mean:
            self.buy(self.instrument().round_quantity(self.quantity))
        elif not self.position.is_flat and bar.close < mean:
            self.close_position()

    def on_order(self, order: OrderEvent):
        if order.reason:
            self.log(f"{{order.status.name.lower()}}: {{order.reason}}", "warning")

    def on_fill(self, fill: Fill):
        self.log(f"{{fill.side.name.lower()}} {{fill.quantity:g}} at {{fill.price:g}}, now holding {{self.position.quantity:g}}")
'''


def new_strategy(name: str, folders: Sequence[Path], folder: Path | None = None) -> Path:
    """Write a strategy file that runs as it is, and return its path.

    Args:
        name: of the file, without ".py"; the class is named after it.
        folders: the allowed folders of the settings.
        folder: which of them (or one below them); the first by default.

    Raises:
        StrategyError: a name that cannot be one or is taken, a folder that is not allowed or cannot be written.
    """
    stem = name.removesuffix(".py")
    if not _NAME.fullmatch(stem) or keyword.iskeyword(stem):
        raise StrategyError(
            f"A strategy's name has up to 40 letters, digits and '_', and begins with a letter; found {name!r}.", strategy=name
        )
    loader = StrategyLoader(folders)
    if folder is None and not folders:
        raise StrategyError("No folder for strategy files is set: name one in [strategies] folders.")
    place = (folder if folder is not None else folders[0]).expanduser().resolve()
    if not any(place.is_relative_to(one) for one in loader.folders[1:]):
        listed = ", ".join(str(one) for one in loader.folders[1:])
        raise StrategyError(
            f"The folder {place} is not allowed: choose one of {listed}, or add it to [strategies] folders.", folder=str(place)
        )
    path = place / f"{stem}.py"
    taken = next((file.path for file in loader.discover() if file.name == stem), path if path.exists() else None)
    if taken is not None:
        raise StrategyError(f"There is a strategy file {taken} already: choose another name.", file=str(taken))
    class_name = "".join(part[:1].upper() + part[1:] for part in stem.split("_"))
    try:
        place.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(_TEMPLATE.format(class_name=class_name))
    except OSError as error:
        raise StrategyError(f"{path} cannot be written: {error.strerror}.", file=str(path)) from error
    return path
