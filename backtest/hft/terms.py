"""The instruments of a run and their terms: what the data, the market's usual terms and the settings say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from gcg_quant.errors import InstrumentError, SettingsError, nearest
from gcg_quant.instruments import Instrument

from ..inputs.presets import preset_terms
from .config import HftConfig

if TYPE_CHECKING:
    from ..inputs.sources import Source
    from .market import Feed

__all__ = ["run_instruments"]


class _Place(NamedTuple):
    symbol: str
    venue: str
    terms: Instrument | None


def run_instruments(config: HftConfig, feeds: Sequence[Feed]) -> list[Instrument]:
    """Return the instruments that take part, in the order in which the data brought them.

    Raises:
        SettingsError: a symbol of the settings that the data do not have, or a field that no instrument has.
        InstrumentError: terms that make no sense.
    """
    places: dict[tuple[str, str], _Place] = {}
    for feed in feeds:
        for symbol, venue, terms in feed.places:
            known = places.get((symbol, venue))
            if known is None or known.terms is None:
                places[symbol, venue] = _Place(symbol, venue, terms)
    chosen = [one for one in places.values() if not config.symbols or _is_any(one, config.symbols)]
    _check_names(config, list(places.values()))
    found = preset_terms(config.preset, cast("list[Source]", chosen))
    return [_changed(found[one.symbol, one.venue], one, config) for one in chosen]


def _changed(terms: Instrument, place: _Place, config: HftConfig) -> Instrument:
    own = next((value for name, value in config.instruments.items() if _is_any(place, [name])), {})
    values: dict[str, Any] = {**config.fees.given(), **own}
    wrong = next((name for name in values if name not in Instrument.__struct_fields__ or name in ("symbol", "venue")), None)
    if wrong is not None:
        raise SettingsError(
            f"instruments: {place.symbol} has no term {wrong!r}.{nearest(wrong, Instrument.__struct_fields__)}", key=f"instruments.{wrong}"
        )
    plain = {**msgspec.structs.asdict(terms), **values}
    try:
        return msgspec.convert(plain, Instrument, strict=False)
    except msgspec.ValidationError as error:
        raise InstrumentError(f"The terms of {place.symbol} make no sense: {error}.", symbol=place.symbol) from error


def _check_names(config: HftConfig, places: Sequence[_Place]) -> None:
    known = [name for one in places for name in (one.symbol, f"{one.symbol}@{one.venue}")]
    for key, names in (("symbols", config.symbols), ("instruments", list(config.instruments))):
        for name in names:
            if not any(_is_any(one, [name]) for one in places):
                listed = ", ".join(one.symbol for one in places[:8]) or "none"
                raise SettingsError(f"{key}: the data have no {name!r} (they have {listed}).{nearest(name, known)}", key=key)


def _is_any(place: _Place, names: Sequence[str]) -> bool:
    return place.symbol in names or f"{place.symbol}@{place.venue}" in names
