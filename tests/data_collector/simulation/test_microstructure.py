"""The price process: its grid, its limits, its statistics."""

import numpy as np
import pytest

from gcg_quant.data_collector.simulation.microstructure import Grid, Microstructure, QuoteBlock, relax
from gcg_quant.data_collector.simulation.profiles import PROFILES, profile_of


def _model(symbol: str, seed: int = 1) -> Microstructure:
    profile = profile_of(symbol)
    return Microstructure(profile, profile.instrument("SIM", around_the_clock=True), seed, start_price=profile.price)


def _ticks(model: Microstructure, seconds: float, rate: float, bounds: tuple[int, int] | None = None) -> QuoteBlock:
    blocks = []
    step = 20.0
    for begin in np.arange(0.0, seconds, step):
        blocks.append(model.next_block(begin + np.arange(1, int(step * rate) + 1) / rate, bounds))
    return QuoteBlock(**{name: np.concatenate([getattr(block, name) for block in blocks]) for name in QuoteBlock.__struct_fields__})


def test_grid_values_are_the_doubles_nearest_to_the_decimals() -> None:
    """64000.01 is exactly what its text is, and not the sum of many cents."""
    for step in (0.01, 0.2, 0.00001, 1.0, 0.001, 100.0, 0.25):
        grid = Grid(step)
        steps = np.arange(0, 9_999_999, 7_919)
        assert [repr(value) for value in grid.values(steps).tolist()] == [repr(float(_decimal(step, count))) for count in steps.tolist()]
        assert grid.nearest(float(grid.values(np.array([12_345]))[0])) == 12_345


def _decimal(step: float, count: int) -> str:
    from decimal import Decimal

    return str(Decimal(repr(step)) * count)


def test_relaxing_path_is_the_recursion_it_stands_for() -> None:
    """The vectorised form equals the step-by-step one."""
    random = np.random.default_rng(1)
    ages = np.cumsum(random.exponential(0.5, 200)) + 30.0
    shocks = random.standard_normal(200)
    value, last, expected = 2.0, 0.0, []
    for age, shock in zip(ages, shocks, strict=True):
        value = value * np.exp(-(age - last) / 20.0) + shock
        last = age
        expected.append(value)
    np.testing.assert_allclose(relax(2.0, ages, 20.0, shocks), expected, rtol=1e-10)


@pytest.mark.parametrize("symbol", list(PROFILES))
def test_quotes_lie_on_the_grid_with_a_spread_of_a_tick_or_more(symbol: str) -> None:
    """The bid is below the ask, trades are at one of them, sizes are whole lots."""
    block = _ticks(_model(symbol), 600, 5.0)
    assert (block.ask - block.bid >= 1).all()
    assert ((block.price == block.bid) | (block.price == block.ask))[block.trade].all()
    assert (block.price == block.ask)[block.side > 0].all()
    assert (block.lots >= 1).all()
    assert (block.bid_lots >= 1).all()
    assert 0.55 < block.trade.mean() < 0.65


def test_same_seed_gives_the_same_ticks_and_another_one_others() -> None:
    """The seed decides everything."""
    first, again, other = (_ticks(_model("BTC/USDT", seed), 60, 10.0) for seed in (1, 1, 2))
    assert (first.bid == again.bid).all()
    assert (first.lots == again.lots).all()
    assert (first.bid != other.bid).any()


def test_volatility_comes_in_clusters_and_spreads_follow_it() -> None:
    """Calm and wild spells alternate, spreads widen in the wild ones, and prices have fat tails without drifting off."""
    block = _ticks(_model("BTC/USDT"), 8 * 3600, 5.0)
    middle = (block.bid + block.ask) / 2
    minutes = np.diff(np.log(middle[:: 5 * 60]))
    size = np.abs(minutes - minutes.mean())
    lags = [np.corrcoef(size[lag:], size[:-lag])[0, 1] for lag in range(1, 6)]
    assert np.mean(lags) > 0.05
    assert np.corrcoef(block.ask - block.bid, block.wildness)[0, 1] > 0.2
    assert ((minutes - minutes.mean()) ** 4).mean() / minutes.var() ** 2 > 3.2
    assert abs(np.log(middle[-1] / middle[0])) < 0.1
    assert block.lots.max() > 8 * np.median(block.lots)


def test_a_grid_of_five_hundredths_of_a_percent_trades_within_seconds() -> None:
    """Bitcoin crosses levels 0.05 % apart many times a minute, and those 0.1 % apart several times."""
    block = _ticks(_model("BTC/USDT"), 1_200, 40.0)
    middle = (block.bid + block.ask) / 2
    for step, least in ((0.0005, 10), (0.001, 3)):
        crossings = np.diff(np.floor(middle / (middle[0] * step))) != 0
        assert crossings.sum() / 20 > least
        assert np.flatnonzero(crossings)[0] / 40 < 30


def test_price_stays_within_its_limits_and_a_side_is_empty_there() -> None:
    """At the upper limit nobody offers, at the lower one nobody bids; whoever trades meets the side that is left."""
    model = _model("600519")
    start = model.grid.nearest(1_680.0)
    block = _ticks(model, 1_200, 5.0, bounds=(start - 25, start + 25))
    assert block.bid.min() >= start - 25
    assert block.ask.max() <= start + 25
    assert (block.ask_lots == 0).any()
    assert (block.bid_lots == 0).any()
    assert (block.bid == start + 25)[block.ask_lots == 0].all()
    assert (block.side == -1)[block.ask_lots == 0].all()
    assert (block.ask > block.bid)[(block.ask_lots > 0) & (block.bid_lots > 0)].all()


def test_no_ticks_are_an_empty_block() -> None:
    """A block in which nothing happens changes nothing."""
    model = _model("SPY")
    assert len(model.next_block(np.zeros(0), None).bid) == 0
