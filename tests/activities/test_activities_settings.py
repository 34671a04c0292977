"""Where a service is reached: real addresses only with `--live`, and which queues a worker has."""

from pathlib import Path

import pytest

from runtime.settings import KEYS, LIVE_BASES, Settings, SettingsError
from runtime.smtp import Tls
from worker import all_queues
from worker import main as worker_main
from workflows.data.llm import Quirk

SIMULATOR = "http://127.0.0.1:7"
SHIPPED = Settings().models
ALL_KEYS = {name: f"secret-of-{name}" for name in Settings().key_names.values()}
ENVIRONMENT = ALL_KEYS | {"BRAID_SIMULATOR": SIMULATOR}
SERVICES = [*SHIPPED.vendors, *LIVE_BASES]


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_leaves_the_machine_without_live_whatever_keys_there_are(service: str) -> None:
    endpoint = Settings.from_env(ENVIRONMENT).endpoint(service)
    assert endpoint.simulated
    assert endpoint.base_url.startswith(f"{SIMULATOR}/{service}")
    assert endpoint.key == ""


@pytest.mark.parametrize("vendor", SHIPPED.vendors)
def test_a_vendor_is_really_asked_with_live_and_its_key(vendor: str) -> None:
    endpoint = Settings.from_env(ENVIRONMENT, live=True).endpoint(vendor)
    entry = SHIPPED.vendors[vendor]
    assert not endpoint.simulated
    assert endpoint.base_url == entry.base_url
    assert endpoint.key == (f"secret-of-{entry.key}" if entry.key else "")


@pytest.mark.parametrize("vendor", SHIPPED.vendors)
def test_a_vendor_without_its_key_stays_simulated_unless_it_asks_for_none(vendor: str) -> None:
    endpoint = Settings.from_env({"BRAID_SIMULATOR": SIMULATOR}, live=True).endpoint(vendor)
    assert endpoint.simulated == bool(SHIPPED.vendors[vendor].key)


def test_the_simulator_has_the_paths_of_the_dialect() -> None:
    settings = Settings(simulator=f"{SIMULATOR}/")
    assert settings.endpoint("openai").base_url == f"{SIMULATOR}/openai/v1"
    assert settings.endpoint("groq").base_url == f"{SIMULATOR}/groq/v1"
    assert settings.endpoint("anthropic").base_url == f"{SIMULATOR}/anthropic"
    assert settings.endpoint("gleif").base_url == f"{SIMULATOR}/gleif"


def test_no_key_is_in_a_repr() -> None:
    settings = Settings.from_env(ENVIRONMENT, live=True)
    seen = repr(settings) + "".join(repr(settings.endpoint(s)) for s in SERVICES)
    assert "secret-of" not in seen


def test_no_address_is_named_with_the_mend() -> None:
    with pytest.raises(SettingsError, match=r"BRAID_SIMULATOR.*--live with GROQ_API_KEY"):
        Settings().endpoint("groq")


VENDOR = """
[vendors.NAME]
dialect = "openai-chat"
base_url = "https://models.example/v1"
key = "MY_KEY"
auth = "api-key"
quirks = ["max-tokens"]
[models.mine]
vendor = "NAME"
name = "Mine"
[roles]
analyst = ["mine"]
"""


def catalogue(folder: Path, text: str) -> dict[str, str]:
    """Write a catalogue and give the environment that names it."""
    (folder / "my.toml").write_text(text, encoding="utf-8")
    return {"BRAID_CATALOGUE": str(folder / "my.toml"), "BRAID_DATA": str(folder)}


def test_a_catalogue_of_ones_own_brings_its_keys_addresses_and_queues(tmp_path: Path) -> None:
    environment = catalogue(tmp_path, VENDOR.replace("NAME", "mine"))
    settings = Settings.from_env(environment | {"MY_KEY": "k", "OPENAI_API_KEY": "k"}, live=True)
    assert settings.keys == {"mine": "k"}
    endpoint = settings.endpoint("mine")
    assert (endpoint.base_url, endpoint.auth) == ("https://models.example/v1", "api-key")
    assert endpoint.quirks == {Quirk.MAX_TOKENS}
    assert all_queues(settings) == ("braid", "llm-mine")
    assert set(settings.key_names) == {"mine", *KEYS}


def test_a_wrong_catalogue_stops_every_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, said in (("gleif", "is the name of a source or effect"), ("NAME", "pattern")):
        environment = catalogue(tmp_path, VENDOR.replace("NAME", name))
        with pytest.raises(SettingsError, match=rf"my\.toml: vendors\.{name}.*{said}"):
            Settings.from_env(environment)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert worker_main([]) == 2
    assert "worker: my.toml: vendors.NAME" in capsys.readouterr().err


def test_a_queue_no_role_uses_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BRAID_DATA", str(tmp_path))
    assert worker_main(["--queues", "braid,llm-groq"]) == 2
    said = capsys.readouterr().err
    assert "llm-groq not known; use braid, llm-openai, llm-anthropic, llm-gemini" in said


def test_the_store_is_a_file_or_the_named_database_whose_password_stays_in_its_file(
    tmp_path: Path,
) -> None:
    assert Settings.from_env({}).database.startswith("sqlite+aiosqlite:///")
    secret = tmp_path / "password"
    secret.write_text("s3cret")
    given = {
        "BRAID_STORE": "postgresql://braid@db:5432/braid",
        "BRAID_STORE_PASSWORD_FILE": str(secret),
    }
    database = Settings.from_env(given).database
    assert database.startswith("postgresql+asyncpg://braid@db:5432/braid?password_file=")
    assert "s3cret" not in database


@pytest.mark.parametrize("wrong", ["braid", "mysql://db/braid", "postgresql://braid@db"])
def test_a_store_that_is_not_understood_is_told(wrong: str) -> None:
    with pytest.raises(SettingsError, match="set it to postgresql://"):
        Settings.from_env({"BRAID_STORE": wrong})


def test_a_password_in_the_address_is_refused_and_not_shown() -> None:
    with pytest.raises(SettingsError, match="BRAID_STORE_PASSWORD_FILE") as caught:
        Settings.from_env({"BRAID_STORE": "postgresql://braid:s3cret@db/braid"})
    assert "s3cret" not in str(caught.value)


def test_secrets_are_read_from_files_named_like_their_variables(tmp_path: Path) -> None:
    (tmp_path / "OPENAI_API_KEY").write_text("by file\n")
    (tmp_path / "GEMINI_API_KEY").write_text("by file")
    (tmp_path / "braid-keys").write_bytes(b"\xff")
    (tmp_path / "..data").mkdir()
    given = {"BRAID_SECRETS": str(tmp_path), "GEMINI_API_KEY": "by variable"}
    assert Settings.from_env(given).keys == {"openai": "by file", "gemini": "by variable"}
    (tmp_path / "GROQ_API_KEY").write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="no text; name a folder"):
        Settings.from_env(given)
    with pytest.raises(SettingsError, match=f"nowhere: {tmp_path}/nowhere: No such file"):
        Settings.from_env({"BRAID_SECRETS": f"{tmp_path}/nowhere"})


def test_mail_goes_in_clear_to_the_simulator_only(tmp_path: Path) -> None:
    given = {
        "BRAID_SIMULATOR_SMTP": "smtp://simulator:7325",
        "BRAID_SMTP_URL": "smtp://mail.example:587",
        "BRAID_MAIL_FROM": "us@company.example",
    }
    assert Settings.from_env(given).mail.tls is Tls.NONE
    assert Settings.from_env({**given, "BRAID_LIVE": "1"}).mail.tls is Tls.STARTTLS
