"""What the models of REST's questions and answers have in common, and the kinds of values that many of them have."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Model", "Ns", "Parameters", "Plain", "RunName", "StrategyName", "SymbolName"]


class Model(BaseModel):
    """A question or an answer: nothing in it that its schema does not name."""

    model_config = ConfigDict(extra="forbid")


Ns = Annotated[int, Field(ge=0, le=(1 << 63) - 1, description="nanoseconds since 1970, UTC")]
StrategyName = Annotated[str, Field(max_length=40)]
SymbolName = Annotated[str, Field(max_length=112)]
RunName = Annotated[str, Field(max_length=80, pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,79})?$")]
# What events can carry: whole numbers of 64 bits, texts of whole characters.
Whole = Annotated[int, Field(ge=-(1 << 63), le=(1 << 63) - 1)]
Plain = bool | Whole | Annotated[float, Field(allow_inf_nan=False)] | Annotated[str, Field(max_length=10_000)] | None
Parameters = Annotated[
    dict[Annotated[str, Field(max_length=80)], Plain | Annotated[list[Plain], Field(max_length=1000)]], Field(max_length=200)
]
