"""What the charts' part of the REST interface answers."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["BarsPage", "LineRow"]


class Line(BaseModel):
    """One line of an indicator."""

    model_config = ConfigDict(extra="forbid")

    style: Literal["line", "histogram", "dots"]
    values: list[float | None] = Field(description="each in the place of its bar")


class ShapeRows(BaseModel):
    """What an indicator draws from one bar to another, of one name."""

    model_config = ConfigDict(extra="forbid")

    style: Literal["thin", "thick", "box", "marker"]
    after: None = Field(description="always null here: these are all")
    rows: list[tuple[int, float, int, float, bool, str]] = Field(description="[begin (s), price, end (s), price, confirmed, text]")


class LineRow(BaseModel):
    """An indicator over or under the price, or why it cannot be computed."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(description="as it was asked for")
    key: str = Field(description="the same for all who ask for the same")
    place: Literal["price", "below"]
    title: str
    decimals: int | None
    levels: list[float] = Field(description="where to draw a level, such as 30 and 70")
    error: str = Field(description='one sentence; "" if there is none')
    lines: dict[str, Line]
    shapes: dict[str, ShapeRows] = Field({}, description="only of an indicator that draws shapes")


class BarsPage(BaseModel):
    """Bars of an instrument, and the lines of the indicators that were asked for."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="SYMBOL@VENUE")
    period: str
    bars: list[list[float | None]] = Field(description="[start (s since 1970, UTC), open, high, low, close, volume or null], sorted")
    lines: list[LineRow]
    through: int = Field(description="the number of the newest event that is in them")
    more: bool = Field(description="whether there are older ones")
