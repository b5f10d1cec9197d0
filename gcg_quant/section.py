"""What a section of `gcg_quant.toml` is made of: its base, the description of a key, and the types that several keys have."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from gcg_quant.errors import EventError
from gcg_quant.periods import MONTH, period_ns

__all__ = [
    "ChartPeriod",
    "CountLimit",
    "Delay",
    "Limit",
    "Name",
    "Period",
    "Section",
    "Url",
    "check_period",
    "is_live",
    "is_secret",
    "redact",
    "setting",
]


def check_period(period: str) -> str:
    """Return `period` if it is one; raise ValueError, which pydantic reports with the key, if not."""
    try:
        period_ns(period)
    except EventError as error:
        raise ValueError(error.message) from error
    return period


def _check_chart_period(period: str) -> str:
    return period if period == MONTH else check_period(period)


def _check_url(url: str) -> str:
    if url and "://" not in url:
        raise ValueError("expected a URL such as 'scheme://host/name'")
    return url


def _none_if_off(value: object) -> object:
    return None if isinstance(value, str) and value.strip().lower() in ("", "off", "none") else value


Period = Annotated[str, BeforeValidator(check_period)]
ChartPeriod = Annotated[str, BeforeValidator(_check_chart_period)]
Url = Annotated[str, BeforeValidator(_check_url)]
Limit = Annotated[Annotated[float, Field(gt=0, allow_inf_nan=False)] | None, BeforeValidator(_none_if_off)]  # None is "off"
CountLimit = Annotated[Annotated[int, Field(gt=0)] | None, BeforeValidator(_none_if_off)]
Delay = Annotated[Annotated[float, Field(ge=0, le=60_000, allow_inf_nan=False)] | None, BeforeValidator(_none_if_off)]
Name = Annotated[str, Field(min_length=1, max_length=24, pattern=r"^[A-Za-z0-9_.-]+$")]


def setting(default: Any, help: str, *, live: bool = False, secret: bool = False, **limits: Any) -> Any:
    """Describe one key: its default, meaning with unit, and whether a change takes effect in the running system (`live`)."""
    return Field(default=default, description=help, json_schema_extra={"live": live, "secret": secret}, **limits)


def redact(url: str) -> str:
    """Return a URL with its password masked, for texts, events and logs."""
    try:
        password = urlsplit(url).password
    except ValueError:
        return "***"
    return url.replace(f":{password}@", ":***@", 1) if password else url


class Section(BaseModel):
    """The base of all sections: frozen, no unknown keys, and no secret in its repr."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=False)

    def __repr_args__(self) -> Any:
        """Yield the fields for repr, URLs without their passwords."""
        return [(name, redact(value) if name == "url" else value) for name, value in super().__repr_args__()]


def is_live(model: type[Section], key: str) -> bool:
    """Return whether a change of this key takes effect without a restart."""
    return bool(_extra(model, key).get("live"))


def is_secret(model: type[Section], key: str) -> bool:
    """Return whether the value of this key must never be shown."""
    return bool(_extra(model, key).get("secret"))


def _extra(model: type[Section], key: str) -> dict[str, Any]:
    extra = model.model_fields[key].json_schema_extra
    return dict(extra) if isinstance(extra, dict) else {}
