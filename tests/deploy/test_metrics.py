"""Metrics: the page lists those there are; dashboard and alarms name no other."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import temporalio.bridge
import yaml

from runtime.settings import ROOT
from workflows.data.metrics import METRICS

PAGE = ROOT / "docs" / "operations" / "telemetry.md"
ALARMS_PAGE = ROOT / "docs" / "operations" / "alarms.md"
DEPLOY = ROOT / "deploy"
GROUP: dict[str, Any] = yaml.safe_load((DEPLOY / "alarms.yml").read_text())["groups"][0]
RULES: list[dict[str, Any]] = GROUP["rules"]
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "braid.json").read_text())
TARGETS = [
    (f"{panel['title']}, {target['refId']}", target["expr"])
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
]
EXPRESSIONS = dict([*TARGETS, *((rule["alert"], rule["expr"]) for rule in RULES)])
OTHERS = {"job", "le", "workflow_type", "task_queue"}
"""Labels that Prometheus and the SDK give."""


def core() -> bytes:
    """Read the SDK's core, in which its metrics' names stand."""
    (library,) = Path(temporalio.bridge.__file__).parent.glob("*.abi3.so")
    return library.read_bytes()


def named(expression: str) -> set[str]:
    found = re.findall(r"\b(?:braid|temporal)_\w+", re.sub(r'"[^"]*"', "", expression))
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in found}


def test_the_page_lists_every_metric_as_it_is() -> None:
    rows = re.findall(
        r"^\| `(braid_\w+)` \| (\w+) \| (.*?) ?\| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE
    )
    ours = [(m.shown, str(m.kind), ", ".join(m.labels), m.says) for m in METRICS]
    assert rows == ours


def test_dashboard_and_alarms_name_metrics_there_are() -> None:
    ours = {metric.shown for metric in METRICS}
    names = set[str]().union(*map(named, EXPRESSIONS.values()))
    theirs = {name for name in names if name.startswith("temporal_")}
    assert names - theirs - ours == set()
    assert ours - names == set(), "counted, but shown nowhere"
    library = core()
    bare = {re.sub(r"^temporal_|_(total|seconds)$", "", n) for n in theirs}
    assert bare
    assert [name for name in bare if name.encode() not in library] == []
    assert b"workflow_task_execution_flawed" not in library, "any name would be found"


@pytest.mark.parametrize("title", EXPRESSIONS)
def test_an_expression_asks_for_labels_its_metrics_have(title: str) -> None:
    expression = EXPRESSIONS[title]
    assert expression.count("(") == expression.count(")")
    grouped = ",".join(re.findall(r"by \(([^)]*)\)", expression))
    labels = {one.strip() for one in grouped.split(",") if one.strip()}
    labels |= set(re.findall(r"[{,](\w+)=", expression))
    own = [m.labels for m in METRICS if m.shown in named(expression)]
    assert labels <= OTHERS.union(*own)


def test_every_alarm_is_explained_in_the_same_order() -> None:
    told = re.findall(r"^\| `(\w+)` \|", ALARMS_PAGE.read_text("utf-8"), re.MULTILINE)
    assert told == [rule["alert"] for rule in RULES]
    assert told[0] == "WorkflowTasksFail", "stuck workflow tasks come first"
    assert "[1h])) > 2" in RULES[0]["expr"], "one that is stuck is tried every ten minutes, at last"
    for rule in RULES:
        assert rule["labels"]["severity"] in ("page", "ticket")
        for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
            assert f"({label}" in rule["expr"] or f", {label}" in rule["expr"], rule["alert"]


def test_the_dashboard_asks_the_data_source_that_is_set_up() -> None:
    (source,) = yaml.safe_load((DEPLOY / "grafana" / "datasource.yml").read_text())["datasources"]
    used = {p["datasource"]["uid"] for p in DASHBOARD["panels"]}
    used |= {t["datasource"]["uid"] for p in DASHBOARD["panels"] for t in p["targets"]}
    assert used == {source["uid"]}
    places = [tuple(p["gridPos"].values()) for p in DASHBOARD["panels"]]
    assert len(set(places)) == len(places), "no panel hides another"
    assert len({p["id"] for p in DASHBOARD["panels"]}) == len(places)


def test_prometheus_asks_where_metrics_are_offered() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    jobs = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["scrape_configs"]
    by_name = {job["job_name"]: job for job in jobs}
    (found,) = by_name["braid-worker"]["dns_sd_configs"]
    offered = compose["worker"]["environment"]["BRAID_METRICS"]
    assert (found["names"], f"0.0.0.0:{found['port']}") == (["worker"], offered)
    (target,) = by_name["temporal"]["static_configs"][0]["targets"]
    host, port = target.split(":")
    assert compose[host]["environment"]["PROMETHEUS_ENDPOINT"] == f"0.0.0.0:{port}"
    jobs_named = set(re.findall(r'job="([\w-]+)"', " ".join(EXPRESSIONS.values())))
    assert jobs_named == set(by_name)
