"""The compose file and the Dockerfile as far as they can be judged without Docker."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PINNED = re.compile(r"[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9.]+)*(@sha256:[0-9a-f]{64})?")


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
    assert re.search(r"pip install.*--require-hashes.*locks/run\.txt", text)
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
    others = set(service.get("depends_on", {}))
    others |= {m[1] for m in [re.match(r"service:(.+)", service.get("network_mode", ""))] if m}
    assert others <= set(SERVICES)
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
    assert {"postgresql", "temporal", "ui", "worker"} <= staying


def test_worker_knows_the_server() -> None:
    host, port = SERVICES["worker"]["environment"]["TEMPORAL_ADDRESS"].split(":")
    assert host in SERVICES
    assert port == "7233"
    assert "--address" not in str(SERVICES["worker"].get("command", ""))


def test_no_password_stands_in_the_file() -> None:
    for service in SERVICES.values():
        for key, value in service.get("environment", {}).items():
            secret = re.search("PASSWORD|PWD|KEY|TOKEN", key)
            assert not secret or value.startswith("/run/secrets/"), key
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
