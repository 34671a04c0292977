"""The compose file and the Dockerfile as far as they can be judged without Docker."""

import copy
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import check_jsonschema
import jsonschema
import pytest
import typer.main
import yaml

from runtime.settings import Settings
from simulator.__main__ import _parser as simulator_parser
from starter import app

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PINNED = re.compile(r"[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9.]+)*(@sha256:[0-9a-f]{64})?")


def flaws(given: Any) -> list[str]:
    """List what the published schema of Compose files has against one."""
    vendored = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor"
    schema = json.loads((vendored / "compose-spec.json").read_text())
    kind = jsonschema.validators.validator_for(schema)
    return [f"{e.json_path}: {e.message}" for e in kind(schema).iter_errors(given)]


def test_it_is_as_the_published_schema_wants_it() -> None:
    assert flaws(COMPOSE) == []
    wrong = copy.deepcopy(COMPOSE)
    wrong["services"]["worker"]["health_check"] = wrong["services"]["worker"].pop("healthcheck")
    assert "health_check" in str(flaws(wrong)), "the schema would let a misspelt key pass"


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned_or_built_here(name: str) -> None:
    service = SERVICES[name]
    assert "build" in service or PINNED.fullmatch(service["image"]), service.get("image")


def test_base_image_of_the_worker_is_pinned() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert bases
    assert all(PINNED.fullmatch(base) for base in bases), bases


def test_worker_is_installed_from_the_lock_with_hashes_and_runs_as_nobody_special() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert re.search(r"pip install.*--require-hashes.*locks/image\.txt", text)
    user = re.findall(r"^USER (\S+)", text, flags=re.MULTILINE)
    assert user
    assert user[-1] not in ("root", "0")


def test_every_published_port_is_on_loopback() -> None:
    published = [str(port) for s in SERVICES.values() for port in s.get("ports", [])]
    assert published
    assert [p for p in published if not re.fullmatch(r"127\.0\.0\.1:\d+:\d+", p)] == []


@pytest.mark.parametrize("name", SERVICES)
def test_services_secrets_configs_and_volumes_it_names_exist(name: str) -> None:
    service = SERVICES[name]
    assert set(service.get("depends_on", {})) <= set(SERVICES)
    assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
    assert {c["source"] for c in service.get("configs", [])} <= set(COMPOSE["configs"])
    assert {v.split(":")[0] for v in service.get("volumes", [])} <= set(COMPOSE["volumes"])


def test_who_waits_for_a_healthy_service_finds_a_health_check_there() -> None:
    for service in SERVICES.values():
        for other, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert SERVICES[other]["healthcheck"]["test"], other


def test_everything_that_stays_up_has_a_health_check() -> None:
    staying = {n for n, s in SERVICES.items() if s.get("restart") == "unless-stopped"}
    assert staying == {n for n, s in SERVICES.items() if "healthcheck" in s}
    assert {"postgresql", "temporal", "ui", "store", "worker", "codec", "gateway"} <= staying
    assert {"prometheus", "dashboard"} <= staying


@pytest.mark.parametrize("name", ["worker", "codec", "gateway"])
def test_the_settings_lead_to_services_and_secrets_there_are(name: str) -> None:
    env, secrets = SERVICES[name]["environment"], SERVICES[name]["secrets"]
    for url in re.findall(r"(?:\w+://)?(?:\w+@)?([a-z]+):(\d+)", " ".join(env.values())):
        assert url[0] in {*SERVICES, "localhost"}, url
    files = {v.removeprefix("/run/secrets/") for v in env.values() if v.startswith("/run/secrets/")}
    assert files == set(SERVICES["worker"]["secrets"])
    assert set(secrets) - files <= {"gateway-token"}
    assert "--address" not in str(SERVICES[name].get("command", ""))


def test_the_worker_is_really_set_so(tmp_path: Path) -> None:
    """Its settings are read by the product's own code, with the secrets where they would be."""
    env = dict(SERVICES["worker"]["environment"])
    for secret in SERVICES["worker"]["secrets"]:
        (tmp_path / secret).write_text("secret")
    (tmp_path / "OPENAI_API_KEY").write_text("from a file\n")
    env = {name: value.replace("/run/secrets", str(tmp_path)) for name, value in env.items()}
    settings = Settings.from_env({**env, "OTEL_EXPORTER_OTLP_ENDPOINT": ""})
    assert settings.store.startswith("postgresql+asyncpg://braid@store:5432/braid")
    assert settings.keys["openai"] == "from a file"
    assert settings.metrics == "0.0.0.0:9464"
    assert (settings.mail.host, settings.mail.port) == ("simulator", 7325)
    assert settings.endpoint("gleif").base_url == "http://simulator:7300/gleif"
    assert not settings.traces
    set_so = {name for name in env if name.startswith("BRAID_")}
    running = (ROOT / "docs" / "running.md").read_text()
    assert [name for name in set_so if f"`{name}`" not in running] == []


def options_of(command: list[str]) -> set[str]:
    """List the options a command of ours takes."""
    if command[0] == "-m":
        return {text for action in simulator_parser()._actions for text in action.option_strings}
    found = typer.main.get_command(app)
    for name in (word for word in command[1:] if not word.startswith("-")):
        found = found.commands[name]  # type: ignore[attr-defined]
    return {text for parameter in found.params for text in parameter.opts}


@pytest.mark.parametrize("name", ["codec", "gateway", "simulator"])
def test_the_commands_are_ones_we_have(name: str) -> None:
    words = " ".join(SERVICES[name]["command"]).split()
    command = words[words.index("python") + 1 :]
    given = {word.split("=")[0] for word in command if word.startswith("--")}
    assert given
    assert given <= options_of(command)


def test_nothing_keeps_a_second_worker_from_starting() -> None:
    """`--scale worker=4`: no name, port, network or data of its own."""
    own = {"container_name", "ports", "network_mode", "volumes", "hostname"}
    assert not own & set(SERVICES["worker"])


def test_without_the_simulator_nobody_waits_for_it() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            hidden = set(SERVICES[other].get("profiles", [])) - set(service.get("profiles", []))
            assert not hidden or how.get("required") is False, f"{name} -> {other}"


def test_a_worker_is_healthy_if_it_polls_itself() -> None:
    """The check, as the shell sees it, on what the CLI of this version prints."""
    check = SERVICES["worker"]["healthcheck"]["test"][1].replace("$$", "$")
    pattern = re.search(r'grep -Eq "(.+)"', check)
    assert pattern is not None

    def polled(line: str) -> bool:
        ours = pattern[1].replace("$(hostname)", "3f2b9c")
        return bool(re.search(ours, line))

    assert polled("  UNVERSIONED  workflow       1@3f2b9c  2 seconds ago          100000")
    assert not polled("  UNVERSIONED  workflow       1@3f2b9cd  2 seconds ago          100000")
    assert not polled("  UNVERSIONED  activity       1@3f2b9c  2 seconds ago          100000")


def test_the_files_it_takes_exist() -> None:
    files = [c["file"] for c in COMPOSE["configs"].values() if "file" in c]
    assert len(files) >= 5
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_no_password_stands_in_the_file() -> None:
    for service in SERVICES.values():
        for key, value in service.get("environment", {}).items():
            secret = re.search("PASSWORD|PWD|KEY|TOKEN|SECRET", key)
            assert not secret or value.startswith("/run/secrets"), key
    assert all(set(s) == {"file"} for s in COMPOSE["secrets"].values())


def test_server_is_tuned_like_the_embedded_one() -> None:
    from runtime.server import _DYNAMIC  # the flags measured for the embedded server

    tuned = yaml.safe_load(COMPOSE["configs"]["dynamic-config"]["content"])
    ours = {key: yaml.safe_load(value) for key, _, value in (f.partition("=") for f in _DYNAMIC)}
    assert {key: values[0]["value"] for key, values in tuned.items()} == ours


def test_namespace_gets_the_search_attributes_of_the_embedded_server(tmp_path: Path) -> None:
    from runtime.server import Ports, command

    line = command(tmp_path, Ports(1, 2, 3, 4, 5, 6, 7))
    ours = [value for flag, value in pairwise(line) if flag == "--search-attribute"]
    script = SERVICES["namespace"]["command"][0]
    made = re.search(r"for name in ([\w ]+); do", script)
    assert made is not None
    assert [f"{name}=Keyword" for name in made[1].split()] == ours
    assert "--name $$name --type Keyword" in script


def test_image_is_built_without_data_keys_and_the_tests() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {".git", ".venv*", ".braid", ".env*"} <= set(ignored)
