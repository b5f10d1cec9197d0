"""A client id at the venue is made of ours: always the same one, within the narrowest rule, and never the same for two."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from gcg_quant.strategy_engine.gateways.crypto.client_ids import own_part, venue_client_id

BUS = "00112233445566778899aabbccddeeff"


@given(st.text(max_size=120), st.integers(0, 99))
def test_any_id_of_ours_becomes_one_that_both_venues_take(client_id: str, replacement: int) -> None:
    """32 letters and digits are OKX's rule, and Binance's 36 hold them; the part before the replacement's number is the order's own."""
    made = venue_client_id(BUS, client_id, replacement)
    assert re.fullmatch(r"[a-zA-Z][a-zA-Z0-9]{0,31}", made)
    assert own_part(made) == (venue_client_id(BUS, client_id), replacement)


def test_ids_are_the_same_after_a_restart_and_others_on_another_bus() -> None:
    """The bus is part of it: a strategy that counts its orders from 1 again on a new bus meets none of its old ones."""
    assert venue_client_id(BUS, "grid.1") == venue_client_id(BUS, "grid.1")
    ids = {venue_client_id(bus, f"grid.{number}") for bus in (BUS, BUS[::-1]) for number in range(5000)}
    assert len(ids) == 10_000


def test_foreign_ids_have_no_replacement() -> None:
    """What others have written is left as it is."""
    assert own_part("web_Qx") == ("web_Qx", 0)
    assert own_part("") == ("", 0)
