"""The kinds of gateways: what `[trading] gateway` names, made of the settings. What a kind needs is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from gcg_quant.errors import SettingsError, nearest
from gcg_quant.sections import Section

from .paper import PaperGateway

if TYPE_CHECKING:
    from gcg_quant.settings import Settings

    from .base import Gateway

__all__ = ["gateway_class", "gateway_options", "make_gateway"]

Options = TypeVar("Options", bound=Section)

# The module beside this one and the class, which has `from_settings(settings)`.
_KINDS = {
    "paper": (".paper", "PaperGateway"),
    "ccxt": (".crypto", "CryptoGateway"),
    "ctp": (".china_futures", "CtpGateway"),
    "tts": (".china_futures", "TtsGateway"),
}


def make_gateway(settings: Settings) -> Gateway:
    """Return the gateway that `[trading] gateway` and `[gateway]` describe; it connects when it is opened.

    Raises:
        SettingsError: `[gateway]` lacks something, or has what the kind does not know. GatewayError: its library is not installed.
    """
    kind = settings.trading.gateway
    if kind == "paper":
        return PaperGateway.from_settings(settings)
    made: Gateway = gateway_class(kind).from_settings(settings)
    return made


def gateway_class(kind: str) -> Any:
    """Return the class of a kind of gateway.

    Raises:
        SettingsError: there is no such kind.
    """
    if kind not in _KINDS:
        raise SettingsError(f"[trading] gateway: there is no kind {kind!r}.{nearest(kind, _KINDS)}", gateway=kind)
    module, name = _KINDS[kind]
    return getattr(import_module(module, __package__), name)


def gateway_options(model: type[Options], values: Mapping[str, Any]) -> Options:
    """Return `[gateway] options`, checked by a kind's own section.

    Raises:
        SettingsError: a key that the kind does not know, with the nearest that it knows, or a value that it cannot use.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        key = ".".join(map(str, fault["loc"]))
        if fault["type"] == "extra_forbidden":
            text = f"[gateway] options: there is no key {key!r}.{nearest(key, model.model_fields)}"
        else:
            expected = fault["msg"].removeprefix("Value error, ").rstrip(".")
            text = f"[gateway] options.{key}: {expected[:1].lower()}{expected[1:]}."
        raise SettingsError(text, key=f"gateway.options.{key}") from None
