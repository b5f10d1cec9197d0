"""What the simulated exchange trades."""

import pytest

from gcg_quant.data_collector.simulation.profiles import PROFILES, profile_of
from gcg_quant.sections import SimulatedSettings


def test_default_symbols_of_the_settings_all_have_a_profile() -> None:
    """The demo trades what there is a profile for, of six markets."""
    assert set(SimulatedSettings().symbols) == set(PROFILES)
    assert {profile.market for profile in PROFILES.values()} == {"crypto", "fx", "cn_stock", "cn_future", "us", "hk"}


@pytest.mark.parametrize(
    ("symbol", "market"),
    [("SOL/USDT", "crypto"), ("GBP/USD", "fx"), ("000001", "cn_stock"), ("cu2501", "cn_future"), ("MSFT", "us"), ("00005", "hk")],
)
def test_unknown_symbol_gets_the_profile_of_its_market(symbol: str, market: str) -> None:
    """Any symbol can be traded."""
    profile = profile_of(symbol)
    assert profile.market == market
    assert profile.instrument("SIM", around_the_clock=True).symbol == symbol


def test_instruments_keep_their_markets_terms() -> None:
    """Around the clock only the calendar differs."""
    terms = profile_of("600519").instrument("SIM", around_the_clock=True)
    assert (terms.t_plus_one, terms.price_limit, terms.calendar) == (True, 0.1, "24/7")
    assert profile_of("600519").instrument("SIM", around_the_clock=False).calendar == "XSHG"
    assert profile_of("rb2501").instrument("SIM", around_the_clock=True).price_limit == 0.07
