"""The Kubernetes manifest, read as far as it can be judged without a cluster."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from runtime.settings import Settings
from worker import all_queues

ROOT = Path(__file__).resolve().parents[2]
PARTS: list[dict[str, Any]] = list(
    yaml.safe_load_all((ROOT / "deploy" / "kubernetes.yaml").read_text())
)
VERSIONS = {
    "ConfigMap": "v1",
    "Service": "v1",
    "Deployment": "apps/v1",
    "PodDisruptionBudget": "policy/v1",
    "ScaledObject": "keda.sh/v1alpha1",
}
SCALER = {"endpoint", "namespace", "taskQueue", "queueTypes", "targetQueueSize"}
"""What KEDA's temporal scaler (2.17 and newer) knows and we use; values are texts."""


def parts(kind: str) -> dict[str, dict[str, Any]]:
    return {p["metadata"]["name"]: p for p in PARTS if p["kind"] == kind}


DEPLOYMENTS = parts("Deployment")
SETTINGS: dict[str, str] = parts("ConfigMap")["braid"]["data"]
every_deployment = pytest.mark.parametrize("name", DEPLOYMENTS)


def pod(name: str) -> dict[str, Any]:
    found: dict[str, Any] = DEPLOYMENTS[name]["spec"]["template"]["spec"]
    return found


def test_every_part_is_of_a_known_kind_and_version() -> None:
    assert [(p["kind"], p["apiVersion"]) for p in PARTS] == [
        (p["kind"], VERSIONS[p["kind"]]) for p in PARTS
    ]
    assert {"braid-worker", "braid-codec"} == set(DEPLOYMENTS)


@every_deployment
def test_selectors_find_the_pods(name: str) -> None:
    labels = DEPLOYMENTS[name]["spec"]["template"]["metadata"]["labels"]
    assert DEPLOYMENTS[name]["spec"]["selector"]["matchLabels"] == labels
    selecting = [p["spec"]["selector"] for p in parts("Service").values()]
    budgets = parts("PodDisruptionBudget").values()
    selecting += [p["spec"]["selector"]["matchLabels"] for p in budgets]
    assert labels in selecting


@every_deployment
def test_containers_may_do_little_and_say_what_they_need(name: str) -> None:
    assert pod(name)["automountServiceAccountToken"] is False
    assert pod(name)["securityContext"]["runAsNonRoot"] is True
    user = re.search(r"--uid (\d+)", (ROOT / "Dockerfile").read_text())
    assert user is not None
    assert pod(name)["securityContext"]["runAsUser"] == int(user[1])
    for container in pod(name)["containers"]:
        may = container["securityContext"]
        assert (may["allowPrivilegeEscalation"], may["readOnlyRootFilesystem"]) == (False, True)
        assert may["capabilities"] == {"drop": ["ALL"]}
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
        assert "memory" in container["resources"]["limits"]
        assert re.fullmatch(r"[a-z0-9./-]+:\d+\.\d+\.\d+", container["image"])
        assert container["readinessProbe"]


@every_deployment
def test_what_a_pod_names_is_there(name: str) -> None:
    volumes = {v["name"]: v for v in pod(name)["volumes"]}
    for container in pod(name)["containers"]:
        mounts = {m["name"]: m["mountPath"] for m in container["volumeMounts"]}
        assert set(mounts) <= set(volumes)
        assert mounts["secrets"] == SETTINGS["BRAID_SECRETS"]
        assert "/data" in mounts.values(), "the only folders that may be written"
        assert [f["configMapRef"]["name"] for f in container["envFrom"]] == ["braid"]
        ports = {p["name"] for p in container["ports"]}
        for probe in ("readinessProbe", "livenessProbe"):
            asked = container.get(probe, {}).get("httpGet", {}).get("port")
            assert asked in {None, *ports}
    for service in parts("Service").values():
        (target,) = [p["targetPort"] for p in service["spec"]["ports"]]
        assert target == "http"


def test_no_secret_stands_in_it_and_each_is_read_from_its_mount() -> None:
    assert parts("Secret") == {}
    for name, value in SETTINGS.items():
        if re.search("PASSWORD|KEY|TOKEN|SECRET", name):
            assert value.startswith("/run/secrets/braid"), name
    assert "@" in SETTINGS["BRAID_STORE"]
    assert ":" not in SETTINGS["BRAID_STORE"].removeprefix("postgresql://").partition("@")[0]


def test_the_settings_are_read_by_the_products_own_code(tmp_path: Path) -> None:
    (tmp_path / "store-password").write_text("secret")
    (tmp_path / "ANTHROPIC_API_KEY").write_text("from a file")
    given = {n: v.replace("/run/secrets/braid", str(tmp_path)) for n, v in SETTINGS.items()}
    settings = Settings.from_env(given)
    assert settings.live
    assert settings.keys == {"anthropic": "from a file"}
    assert settings.store.startswith("postgresql+asyncpg://braid@braid-store")
    running = (ROOT / "docs" / "running.md").read_text()
    ours = [name for name in SETTINGS if name.startswith("BRAID_")]
    assert [name for name in ours if f"`{name}`" not in running] == []


def test_metrics_are_asked_where_they_are_offered() -> None:
    (container,) = pod("braid-worker")["containers"]
    port = int(SETTINGS["BRAID_METRICS"].rpartition(":")[2])
    assert [p["containerPort"] for p in container["ports"] if p["name"] == "metrics"] == [port]
    noted = DEPLOYMENTS["braid-worker"]["spec"]["template"]["metadata"]["annotations"]
    assert noted["prometheus.io/port"] == str(port)


def test_the_scaler_follows_every_queue_there_is() -> None:
    (scaled,) = parts("ScaledObject").values()
    spec = scaled["spec"]
    assert spec["scaleTargetRef"]["name"] in DEPLOYMENTS
    assert "replicas" not in DEPLOYMENTS[spec["scaleTargetRef"]["name"]]["spec"]
    assert 1 <= spec["minReplicaCount"] < spec["maxReplicaCount"]
    triggers = {t["metadata"]["taskQueue"]: t for t in spec["triggers"]}
    assert set(triggers) == set(all_queues(Settings()))
    for queue, trigger in triggers.items():
        known = trigger["metadata"]
        assert trigger["type"] == "temporal"
        assert set(known) == SCALER
        assert all(isinstance(value, str) for value in known.values())
        assert int(known["targetQueueSize"]) > 0
        assert known["endpoint"] == SETTINGS["TEMPORAL_ADDRESS"]
        assert known["namespace"] == SETTINGS["TEMPORAL_NAMESPACE"]
        kinds = known["queueTypes"].split(",")
        assert kinds == (["workflow", "activity"] if queue == "braid" else ["activity"])


def test_a_pod_has_time_to_end_its_attempts() -> None:
    graceful = re.search(
        r"graceful_shutdown_timeout=timedelta\(seconds=(\d+)\)", (ROOT / "worker.py").read_text()
    )
    assert graceful is not None
    assert pod("braid-worker")["terminationGracePeriodSeconds"] > int(graceful[1])
