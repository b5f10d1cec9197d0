"""Settings: the file, the environment, the demo, and sentences for what is wrong."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from patience import within

from gcg_quant.errors import SettingsError
from gcg_quant.instruments import Instrument
from gcg_quant.sections import PARTS, InstrumentEntry, redact
from gcg_quant.settings import Settings, diff, markdown, needs_restart, variable_name
from gcg_quant.settings_watch import watch

NO_ENVIRONMENT: dict[str, str] = {}


def write(folder: Path, text: str) -> Path:
    """Return a settings file with this text."""
    path = folder / "gcg_quant.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_trade_nothing() -> None:
    """With a file of one's own nothing runs that it does not ask for: no simulated exchange, no strategy."""
    settings = Settings()
    assert not settings.simulated.enabled
    assert settings.strategies.load == ()
    assert settings.web.host == "127.0.0.1"
    assert settings.trading.gateway == "paper"


def test_without_a_file_the_demo_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The built-in demo has the simulated exchange and strategies; examples that are not there are left out."""
    monkeypatch.chdir(tmp_path)
    settings = Settings.load(environ=NO_ENVIRONMENT)
    assert settings.simulated.enabled
    assert [entry.file for entry in settings.strategies.load] == ["grid", "sma_cross"]
    example = tmp_path / "examples/strategies/sma_cross.py"
    example.parent.mkdir(parents=True)
    example.write_text("")
    assert Settings.load(environ=NO_ENVIRONMENT).strategies.load[-1].file == "examples/strategies/sma_cross.py"


def test_file_of_the_working_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """gcg_quant.toml beside the caller replaces the demo."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "[web]\nport = 9000\n")
    settings = Settings.load(environ=NO_ENVIRONMENT)
    assert (settings.web.port, settings.simulated.enabled) == (9000, False)


def test_environment_wins_over_the_file(tmp_path: Path) -> None:
    """Every key is an environment variable; lists are JSON or commas, tables JSON."""
    path = write(tmp_path, '[web]\nport = 9000\n[risk]\nprice_band = 0.2\n[simulated]\nsymbols = ["SPY"]\n')
    settings = Settings.load(
        path,
        environ={
            "GCG_QUANT_WEB__PORT": "9001",
            "GCG_QUANT_RISK__PRICE_BAND": "off",
            "GCG_QUANT_SIMULATED__SYMBOLS": "BTC/USDT, ETH/USDT",
            "GCG_QUANT_SYSTEM__GROUPS": '{"all": ["web", "storage"]}',
            "GCG_QUANT_STRATEGIES__LOAD": '[{"file": "grid", "parameters": {"levels": 3}}]',
            "GCG_QUANT_HOME": "not a setting of ours",
            "OTHER": "x",
        },
    )
    assert (settings.web.port, settings.risk.price_band) == (9001, None)
    assert settings.simulated.symbols == ("BTC/USDT", "ETH/USDT")
    assert settings.system.groups == {"all": ("web", "storage")}
    assert settings.strategies.load[0].parameters == {"levels": 3}


def test_every_key_has_a_variable() -> None:
    """Each key of the table can be set from the environment, with its default as JSON or plain text."""
    for row in Settings.table():
        if row.default != '""':
            text = json.loads(row.default) if row.default.startswith('"') else row.default
            settings = Settings.load(environ={variable_name(row.section, row.key): text})
            assert settings is not None, row


def test_home_decides_where_everything_lies(tmp_path: Path) -> None:
    """Bus and database are inside the home folder unless a URL says otherwise."""
    settings = Settings.load(write(tmp_path, ""), home=tmp_path / "h", environ=NO_ENVIRONMENT)
    assert settings.bus_path == tmp_path / "h" / "bus"
    assert settings.database_url == f"sqlite:///{tmp_path}/h/gcg_quant.db"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[wbe]\nport = 1\n", "gcg_quant.toml: there is no section [wbe]. Did you mean 'web'?"),
        ("[web]\nprot = 1\n", "gcg_quant.toml: [web] has no key 'prot'. Did you mean 'port'?"),
        ("port = 1\n", "gcg_quant.toml: there is no section [port]."),
        ("web = 1\n", "web must be a section: write [web]"),
        ("[web]\nport = 99999\n", "gcg_quant.toml: [web] port: input should be less than or equal to 65535, found 99999."),
        ('[web]\nport = "x"\n', "[web] port: input should be a valid integer, unable to parse string as an integer, found 'x'."),
        ('[web]\nhost = "0.0.0.0"\n', "set GCG_QUANT_WEB__TOKEN in the environment"),
        ('[web]\ntoken = "abc"\n', "[web] token holds a secret; take it out of the file and set GCG_QUANT_WEB__TOKEN."),
        (
            '[database]\nurl = "postgresql://u:pw@h/d"\n',
            "[database] url holds a secret; take it out of the file and set GCG_QUANT_DATABASE__URL.",
        ),
        ('[database]\nurl = "market.db"\n', "[database] url: expected a URL such as"),
        ('[bus]\nsync = "often"\n', "[bus] sync: input should be 'none', 'interval' or 'always', found 'often'."),
        ('[chart]\nperiod = "1x"\n', "[chart] period: '1x' is not a bar period"),
        ('[bars]\nperiods = ["1M"]\n', "'1M' is not a bar period"),
        ("[risk]\nmax_order_value = -1\n", "[risk] max_order_value"),
        ("[trading]\ncash = nan\n", "[trading] cash: input should be a finite number, found nan."),
        ('[system.groups]\na = ["web"]\nb = ["web"]\n', "part 'web' is in the groups 'a' and 'b'"),
        ('[system.groups]\na = ["webb"]\n', "group 'a' names the unknown part 'webb'. Did you mean 'web'?"),
        ('[[strategies.load]]\nfiel = "grid"\nfile = "x"\n', "[strategies] load.0.fiel: there is no such key. Did you mean 'file'?"),
        ('[[strategies.load]]\nid = "grid"\n', "[strategies] load.0.file: field required"),
        ('[[strategies.load]]\nfile = "grid"\n[[strategies.load]]\nfile = "grid"\n', "two strategies are called 'grid'"),
        ("[web\n", "is not valid TOML"),
        ("[simulated]\nsymbols = []\n", "[simulated] symbols"),
        ('[web]\nnames = ["quant.example.com"]\n', "names quant.example.com can be reached from outside: set GCG_QUANT_WEB__TOKEN"),
        ('[web]\ntrusted_proxies = ["nginx"]\n', "expected an address or a network such as 127.0.0.1 or 10.0.0.0/8, found 'nginx'"),
        ('[monitoring]\nwebhook_url = "https://host/key"\n', "webhook_url holds a secret; take it out of the file"),
        ("[monitoring]\norder_to_ack_ms = 0\n", "[monitoring] order_to_ack_ms: input should be greater than 0"),
    ],
)
def test_bad_file_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    """What is wrong is named by file, section and key, with what was expected and found."""
    with pytest.raises(SettingsError) as caught:
        Settings.load(write(tmp_path, text), environ=NO_ENVIRONMENT)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value).partition(" is not valid TOML")[0]


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("GCG_QUANT_MONITORING__WEBHOOK_URL", "ftp://secret", "expected an address such as 'https://host/path'"),
        ("GCG_QUANT_WBE__PORT", "1", "GCG_QUANT_WBE__PORT: there is no section [wbe]. Did you mean 'web'?"),
        ("GCG_QUANT_WEB__PROT", "1", "GCG_QUANT_WEB__PROT: [web] has no key 'prot'. Did you mean 'port'?"),
        ("GCG_QUANT_WEB__PORT", "many", "GCG_QUANT_WEB__PORT: input should be a valid integer"),
        ("GCG_QUANT_BARS__PERIODS", "1s,7x", "GCG_QUANT_BARS__PERIODS (1): '7x' is not a bar period"),
        ("GCG_QUANT_SIMULATED__BAR_PERIODS", "1s", "'bar_periods' has moved from [simulated] to [bars] periods"),
        ("GCG_QUANT_STRATEGIES__LOAD", "nothing", "GCG_QUANT_STRATEGIES__LOAD"),
    ],
)
def test_bad_variable_is_named(variable: str, value: str, message: str) -> None:
    """An environment variable that cannot be used is named itself."""
    with pytest.raises(SettingsError) as caught:
        Settings.load(environ={variable: value})
    assert message in str(caught.value)


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A missing file is an error that names it, not the demo."""
    with pytest.raises(SettingsError, match="nowhere.toml cannot be read: No such file"):
        Settings.load(tmp_path / "nowhere.toml", environ=NO_ENVIRONMENT)


def test_secrets_never_show() -> None:
    """Token and passwords appear in no repr, dump, difference or error."""
    environ = {
        "GCG_QUANT_WEB__TOKEN": "s3cret",
        "GCG_QUANT_DATABASE__URL": "postgresql://me:s3cret@db/gcg",
        "GCG_QUANT_REDIS__URL": "redis://:s3cret@r/0",
    }
    settings = Settings.load(environ=environ)
    shown = repr(settings) + str(settings) + json.dumps(settings.dump()) + json.dumps(diff(Settings(), settings))
    assert "s3cret" not in shown
    assert "postgresql://me:***@db/gcg" in shown
    assert settings.web.token.get_secret_value() == "s3cret"
    with pytest.raises(SettingsError) as caught:
        Settings.load(environ={"GCG_QUANT_DATABASE__URL": "s3cret-without-scheme"})
    assert "s3cret" not in str(caught.value) + repr(caught.value.context)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("", ""),
        ("sqlite:///a.db", "sqlite:///a.db"),
        ("redis://:p@h/0", "redis://:***@h/0"),
        ("x://u:a:b@h", "x://u:***@h"),
        ("x://[", "***"),
    ],
)
def test_passwords_in_urls_are_masked(url: str, shown: str) -> None:
    """Only the password goes; what cannot be read as a URL is hidden whole."""
    assert redact(url) == shown


def test_dump_travels_and_comes_back() -> None:
    """A dump goes through JSON and is restored, its secrets filled in from the environment."""
    environ = {
        "GCG_QUANT_WEB__TOKEN": "s3cret",
        "GCG_QUANT_DATABASE__URL": "postgresql://me:s3cret@db/gcg",
        "GCG_QUANT_RISK__PRICE_BAND": "off",
    }
    settings = Settings.load(environ=environ)
    assert Settings.restore(json.loads(json.dumps(settings.dump())), environ) == settings


def test_difference_tells_live_from_restart() -> None:
    """What changed is listed by key, and which of it waits for a restart is known."""
    old = Settings.load(environ=NO_ENVIRONMENT)
    new = Settings.load(environ={"GCG_QUANT_CHART__THEME": "light", "GCG_QUANT_WEB__PORT": "1234"})
    changes = diff(old, new)
    assert changes == {"chart.theme": "light", "web.port": 1234}
    assert needs_restart(changes) == ["web.port"]


def test_table_describes_every_key() -> None:
    """Each key has a type, a default, a meaning and says when it takes effect; nothing is left out."""
    table = Settings.table()
    assert {(row.section, row.key) for row in table} == {(section, key) for section, keys in Settings().dump().items() for key in keys}
    for row in table:
        assert row.type
        assert row.help
        assert row.change in ("live", "restart")
        json.loads(row.default)
    assert [f"{row.section}.{row.key}" for row in table if row.secret] == ["web.token", "bridge.password", "monitoring.webhook_url"]


def test_page_of_the_docs_is_up_to_date() -> None:
    """docs/settings.md is what `make docs` writes."""
    page = Path(__file__).resolve().parents[2] / "docs/settings.md"
    assert page.read_text(encoding="utf-8") == markdown()


def test_default_groups_run_every_part_once() -> None:
    """The default process groups leave no part out."""
    assert sorted(part for parts in Settings().system.groups.values() for part in parts) == sorted(PARTS)


def test_settings_are_frozen() -> None:
    """Nobody changes settings in place."""
    with pytest.raises(ValueError, match="frozen"):
        Settings().web.port = 1


class Heard:
    """What a watch reported; `wait` returns the next report or fails."""

    def __init__(self) -> None:
        self.reports: list[Any] = []
        self.ready = threading.Condition()

    def tell(self, *report: Any) -> None:
        """Take a report (the callback)."""
        with self.ready:
            self.reports.append(report[-1])
            self.ready.notify()

    def wait(self, count: int) -> Any:
        """Return the report number `count`, waiting at most 60 s."""
        with self.ready:
            assert self.ready.wait_for(lambda: len(self.reports) >= count, 60), self.reports
            return self.reports[count - 1]


def test_watch_reports_changes_and_faults(tmp_path: Path) -> None:
    """A change is announced by key; a bad file changes nothing and says why; a replaced file is seen, too."""
    path = write(tmp_path, "[web]\nport = 9000\n")
    heard = Heard()
    watching = watch(path, heard.tell, heard.tell, environ=NO_ENVIRONMENT)
    try:
        write(tmp_path, "[web]\nport = 9001\n")
        assert heard.wait(1) == {"web.port": 9001}
        write(tmp_path, "[web]\nport = 'x'\n")
        assert "[web] port: input should be a valid integer" in str(heard.wait(2))
        assert watching.settings.web.port == 9001
        replacement = tmp_path / "new"
        replacement.write_text("[web]\nport = 9002\n[chart]\ntheme = 'light'\n", encoding="utf-8")
        replacement.replace(path)
        assert heard.wait(3) == {"web.port": 9002, "chart.theme": "light"}
    finally:
        begin = time.monotonic()
        watching.stop()
    assert time.monotonic() - begin < within(2.0, 10.0)
    assert len(heard.reports) == 3


def test_watch_needs_a_good_file_at_the_start(tmp_path: Path) -> None:
    """A file that is bad already is an error of the call."""
    with pytest.raises(SettingsError, match="not valid TOML"):
        watch(write(tmp_path, "["), print, print, environ=NO_ENVIRONMENT)


def test_instruments_have_overrides_for_every_term(tmp_path: Path) -> None:
    """Each field of Instrument may be overridden; the overrides travel with the settings."""
    fields = set(InstrumentEntry.model_fields) - {"symbol", "venue"}
    assert fields == set(Instrument.__struct_fields__) - {"symbol", "venue"}
    path = write(tmp_path, '[[instruments.overrides]]\nsymbol = "rb2501"\nvenue = "SHFE"\ntaker_fee = 0.0002\nt_plus_one = false\n')
    settings = Settings.load(path, environ=NO_ENVIRONMENT)
    (entry,) = Settings.restore(settings.dump(), NO_ENVIRONMENT).instruments.overrides
    assert (entry.symbol, entry.venue, entry.terms) == ("rb2501", "SHFE", {"taker_fee": 0.0002, "t_plus_one": False})


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("taker_fea = 1", "there is no such key. Did you mean 'taker_fee'?"),
        ("tick_size = 0", "tick_size must be above 0"),
        ('market = "cn_futures"', "There is no market 'cn_futures'"),
    ],
)
def test_senseless_override_is_one_sentence(tmp_path: Path, line: str, sentence: str) -> None:
    """A wrong key or value of an override names the place and what is wrong."""
    path = write(tmp_path, f'[[instruments.overrides]]\nsymbol = "AAPL"\n{line}\n')
    with pytest.raises(SettingsError) as caught:
        Settings.load(path, environ=NO_ENVIRONMENT)
    assert sentence.lower() in caught.value.message.lower()
    assert "[instruments] overrides.0" in caught.value.message
