"""The settings of the tick engine: defaults, files, and what is said of those that make no sense."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.backtest.hft.config import HftConfig, Latency
from gcg_quant.backtest.hft.config_file import changed_config, read_config
from gcg_quant.backtest.hft.moments import moment_ns
from gcg_quant.errors import EventError, SettingsError

TOML = """
# latency of the co-located server
cash = 250_000
currency = "CNY"
start = 2013-10-07T09:30:00
end = "2013-10-08"
timezone = "Asia/Shanghai"
queue = "risk_averse"
data = ["ticks/IF1311.csv", {path = "/far/IC.csv", symbol = "IC1311@CFFEX"}]
horizons_seconds = [0.5, 5]

[fees]
taker_fee = 0.00005

[latency]
order_ms = 2.5
feed_ms = "recorded"

[risk]
max_position_quantity = 10

[instruments.IF1311]
tick_size = 0.2
"""


def test_toml_and_json_say_the_same(tmp_path: Path) -> None:
    """Both kinds of file hold the same keys; times and durations come out in nanoseconds, data beside the file."""
    (tmp_path / "run.toml").write_text(TOML)
    found = read_config(tmp_path / "run.toml", HftConfig())
    assert (found.cash, found.currency, found.queue, found.fees.taker_fee, found.fees.maker_fee) == (
        250_000.0,
        "CNY",
        "risk_averse",
        0.00005,
        None,
    )
    assert (found.latency.feed_ns, found.latency.cancel_ns, found.horizons_ns) == (-1, -1, (500_000_000, 5_000_000_000))
    assert found.start_ns == moment_ns("2013-10-07T01:30:00Z")
    assert found.end_ns == moment_ns("2013-10-07T16:00:00Z")
    assert found.data == [str(tmp_path / "ticks/IF1311.csv"), {"path": "/far/IC.csv", "symbol": "IC1311@CFFEX"}]
    assert found.rules().limits.max_position_quantity == 10.0
    plain: dict[str, Any] = {
        "cash": 250_000,
        "currency": "CNY",
        "start": "2013-10-07T09:30:00",
        "end": "2013-10-08",
        "timezone": "Asia/Shanghai",
        "queue": "risk_averse",
        "data": ["ticks/IF1311.csv", {"path": "/far/IC.csv", "symbol": "IC1311@CFFEX"}],
        "horizons_seconds": [0.5, 5],
        "fees": {"taker_fee": 0.00005},
        "latency": {"order_ms": 2.5, "feed_ms": "recorded"},
        "risk": {"max_position_quantity": 10},
        "instruments": {"IF1311": {"tick_size": 0.2}},
    }
    (tmp_path / "run.json").write_text(json.dumps(plain))
    again = read_config(tmp_path / "run.json", HftConfig())
    assert (again.start_ns, again.end_ns) == (found.start_ns, found.end_ns)
    assert {**vars_of(again), "start": 0} == {**vars_of(found), "start": 0}


def vars_of(config: HftConfig) -> dict[str, Any]:
    """Return the settings by name."""
    return {name: getattr(config, name) for name in HftConfig.__struct_fields__}


def test_file_changes_only_what_it_says(tmp_path: Path) -> None:
    """What stood in the settings before stays, but for the keys of the file."""
    (tmp_path / "run.toml").write_text("cash = 5\n")
    before = changed_config(HftConfig(), {"queue": "proportional", "latency": Latency(order_ms=3), "symbols": "IF1311"}, "hft.Engine")
    found = read_config(tmp_path / "run.toml", before)
    assert (found.cash, found.queue, found.latency.order_ms, found.symbols) == (5.0, "proportional", 3.0, ["IF1311"])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("latncy = 1", "{file}:2: there is no setting 'latncy'. Did you mean 'latency'?"),
        ("[latency]\ncancle_ms = 1", "{file}:3: [latency] has no setting 'cancle_ms'. Did you mean 'cancel_ms'?"),
        ("[latency]\norder_ms = -1", "{file}:3: latency.order_ms must be a number of at least 0, found -1."),
        ("[latency]\nfeed_ms = 'recoded'", "{file}:3: latency.feed_ms must be a number or 'recorded', found 'recoded'."),
        ("queue = 'bck'", "{file}:2: queue must be one of 'back', 'risk_averse', "),
        ("queue = 'bck'", ", found 'bck'. Did you mean 'back'?"),
        ("cash = 'much'", "{file}:2: cash must be a number, found 'much'."),
        ("cash = inf", "{file}: cash must be a number, found inf."),
        ("[fees]\nmaker_fee = true", "{file}:3: fees.maker_fee must be a number, found True."),
        ("preset = 'cn_stok'", "There is no preset 'cn_stok'"),
        ("[risk]\nmax_ordr_value = 1", "There is no setting risk.max_ordr_value. Did you mean 'max_order_value'?"),
        ("[rates]\nUSD = 0", "the rate of USD must be above 0, found 0"),
        ("start = '2013-10-08'\nend = '2013-10-07'", "end must be later than start, found '2013-10-08' to '2013-10-07'."),
        ("start = 'noon'", "'noon' is not an ISO time"),
        ("slippage_ticks = 1.5", "{file}:2: slippage_ticks must be a whole number, found 1.5."),
        ("cash =", "{file}: this is no valid TOML: "),
    ],
)
def test_mistakes_name_file_line_and_the_nearest_key(tmp_path: Path, line: str, message: str) -> None:
    """One sentence with the place, the key, what is meant and what was found."""
    file = tmp_path / "run.toml"
    file.write_text(f"# cash latncy cancle_ms\n{line}\n")
    with pytest.raises(SettingsError) as caught:
        read_config(file, HftConfig())
    assert message.format(file=file) in str(caught.value)


def test_broken_json_names_its_line(tmp_path: Path) -> None:
    """A trailing comma is found where it stands; a missing file is named."""
    file = tmp_path / "run.json"
    file.write_text('{"cash": 1,\n"data": ["a.csv"],}')
    with pytest.raises(SettingsError, match=r"run.json:2: this is no valid JSON"):
        read_config(file, HftConfig())
    with pytest.raises(SettingsError, match="none.toml cannot be read: No such file or directory"):
        read_config(tmp_path / "none.toml", HftConfig())


def test_moments_are_nanoseconds() -> None:
    """A time may be an ISO text, a date, a datetime or nanoseconds; a clock without a zone hangs in the given one."""
    noon = moment_ns("2013-10-07 12:00:00", "Asia/Shanghai")
    assert (
        noon == moment_ns(datetime(2013, 10, 7, 12), "Asia/Shanghai") == moment_ns(datetime(2013, 10, 7, 4, tzinfo=UTC)) == moment_ns(noon)
    )
    assert moment_ns(date(2013, 10, 7)) == moment_ns("2013-10-07")
    with pytest.raises(EventError, match="not True"):
        moment_ns(True)
