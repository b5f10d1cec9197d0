"""Features as they are declared: one text each, such as "return(5)", "talib.RSI(14)@1" or "talib.MACD(12,26,9).macdhist/close".

NAME(BARS)                          of bars, see BAR_FEATURES
talib.FUNCTION(NUMBERS).OUTPUT      of ta-lib; without an output its first one
chan.NAME(MEMORY)                   of the confirmed elements of Chan theory, see CHAN_FEATURES
.../close                           divided by the close: for a ta-lib output that is a price
...@LAG                             the value so many bars before
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

from gcg_quant.errors import ModelError, nearest

from .bar_features import BAR_FEATURES
from .bar_window import BarWindow
from .chan_features import CHAN_FEATURES
from .chan_track import ChanTrack
from .measure import Measure
from .talib_features import talib_measure

__all__ = ["FEATURES_VERSION", "Feature", "check_features", "digest_of_features", "parse_feature"]

FEATURES_VERSION = 1  # counts up when a feature of the same text becomes another number
MOST_BARS, MOST_LAG, MOST_FEATURES, MOST_DAYS = 5_000, 5_000, 500, 10_000
_TEXT = re.compile(
    r"(?P<name>talib\.\w+|chan\.\w+|\w+)(?:\((?P<numbers>[^()]*)\))?(?:\.(?P<output>\w+))?(?P<relative>/close)?(?:@(?P<lag>\d{1,6}))?"
)


@dataclass(frozen=True, slots=True)
class Feature:
    """A declared feature. `str()` gives its text in its one usual form."""

    name: str
    numbers: tuple[float, ...] = ()
    output: str = ""
    relative: bool = False
    lag: int = 0

    def __str__(self) -> str:
        """Return the text that `parse_feature` reads."""
        numbers = f"({','.join(f'{number:g}' for number in self.numbers)})" if self.numbers else ""
        output = f".{self.output}" if self.output else ""
        return f"{self.name}{numbers}{output}{'/close' if self.relative else ''}{f'@{self.lag}' if self.lag else ''}"

    @property
    def base(self) -> Feature:
        """The feature without its lag."""
        return Feature(self.name, self.numbers, self.output, self.relative)

    @property
    def chan_days(self) -> int:
        """The days of the Chan analysis that it reads, 0 if it reads none."""
        return int(self.numbers[0]) if self.name.startswith("chan.") else 0

    def measure(self, tracks: Mapping[int, ChanTrack] | None = None) -> Measure:
        """Return what it measures, without its lag; `tracks` are the Chan analyses by their days.

        Raises:
            ModelError: it is no feature.
        """
        if self.name.startswith("talib."):
            measure = talib_measure(self.name.removeprefix("talib."), self.numbers, self.output, self.relative)
        elif self.output or self.relative:
            raise ModelError(f"Only a ta-lib feature has outputs and may be divided by the close, not {str(self)!r}.", feature=str(self))
        elif self.name.startswith("chan."):
            measure = self._of_chan(tracks or {})
        else:
            measure = self._of_bars()
        if measure.bars > MOST_BARS:
            raise ModelError(f"The feature {str(self)!r} needs {measure.bars} bars, and {MOST_BARS} are the most.", feature=str(self))
        return measure

    def _of_chan(self, tracks: Mapping[int, ChanTrack]) -> Measure:
        described = CHAN_FEATURES.get(self.name.removeprefix("chan."))
        if described is None:
            names = [f"chan.{name}" for name in CHAN_FEATURES]
            raise ModelError(f"There is no feature {self.name!r}.{nearest(self.name, names)}", feature=str(self))
        if len(self.numbers) != 1 or self.numbers[0] != int(self.numbers[0]) or not 1 <= self.numbers[0] <= MOST_DAYS:
            raise ModelError(f"The feature {self.name!r} takes a number of days, such as {self.name}(90), found {str(self)!r}.")
        days, read = int(self.numbers[0]), described.read

        def compute(window: BarWindow) -> float:
            state = tracks[days].state
            return nan if state is None else read(state)

        return Measure(1, compute)

    def _of_bars(self) -> Measure:
        described = BAR_FEATURES.get(self.name)
        if described is None:
            raise ModelError(f"There is no feature {self.name!r}.{nearest(self.name, BAR_FEATURES)}", feature=str(self))
        if not described.takes_bars:
            if self.numbers:
                raise ModelError(f"The feature {self.name!r} takes no number, found {str(self)!r}.", feature=str(self))
            return described.make(0)
        if len(self.numbers) != 1 or self.numbers[0] != int(self.numbers[0]) or self.numbers[0] < 1:
            raise ModelError(f"The feature {self.name!r} takes a number of bars, such as {self.name}(5), found {str(self)!r}.")
        return described.make(int(self.numbers[0]))


def parse_feature(text: str) -> Feature:
    """Return the feature that a text declares.

    Raises:
        ModelError: it declares none, and why.
    """
    plain = re.sub(r"\s", "", text)
    match = _TEXT.fullmatch(plain)
    if match is None:
        raise ModelError(f"A feature is written like return(5) or talib.RSI(14)@1, found {text!r}.", feature=text)
    try:
        numbers = tuple(float(one) for one in match["numbers"].split(",")) if match["numbers"] else ()
    except ValueError:
        raise ModelError(f"Between the brackets of a feature stand numbers, found {text!r}.", feature=text) from None
    if not all(abs(number) < 1e6 for number in numbers):
        raise ModelError(f"The numbers of a feature are below a million, found {text!r}.", feature=text)
    lag = int(match["lag"] or 0)
    if lag > MOST_LAG:
        raise ModelError(f"A feature lags at most {MOST_LAG} bars, found {text!r}.", feature=text)
    feature = Feature(match["name"], numbers, match["output"] or "", bool(match["relative"]), lag)
    feature.measure()
    return feature


def check_features(texts: Sequence[str]) -> tuple[Feature, ...]:
    """Return the features of a list of texts, in its order.

    Raises:
        ModelError: one is none or stands twice, or there are none at all or too many.
    """
    features = tuple(parse_feature(text) for text in texts)
    if not 1 <= len(features) <= MOST_FEATURES:
        raise ModelError(f"A model has 1 to {MOST_FEATURES} features, not {len(features)}.")
    for feature in features:
        if features.count(feature) > 1:
            raise ModelError(f"The feature {str(feature)!r} stands twice in the list.", feature=str(feature))
    return features


def digest_of_features(features: Sequence[Feature]) -> str:
    """Return what tells two lists of features apart: their texts in order, and how they are computed (`FEATURES_VERSION`)."""
    text = "\n".join([str(FEATURES_VERSION), *map(str, features)])
    return hashlib.sha256(text.encode()).hexdigest()
