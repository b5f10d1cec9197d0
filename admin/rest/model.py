"""What the models of REST's questions and answers have in common, and the kinds of values that many of them have."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

__all__ = ["Model", "Ns", "Parameters", "RunName", "StrategyName", "SymbolName"]


class Model(BaseModel):
    """A question or an answer: nothing in it that its schema does not name."""

    model_config = ConfigDict(extra="forbid")


Ns = Annotated[int, Field(ge=0, le=(1 << 63) - 1, description="nanoseconds since 1970, UTC")]
StrategyName = Annotated[str, Field(max_length=40)]
SymbolName = Annotated[str, Field(max_length=112)]
RunName = Annotated[str, Field(max_length=80, pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,79})?$")]
Parameters = Annotated[dict[Annotated[str, Field(max_length=80)], JsonValue], Field(max_length=200)]
