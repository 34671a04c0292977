"""Telemetry of real processes: one trace from the command line to the vendor, metrics, logs."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from runtime.processes import free_port
from runtime.serving import serving
from tests.stack.support import PATIENCE, braid, stack_process, until
from workflows.data.metrics import METRICS

pytestmark = pytest.mark.server

SECRET = "Zyxomma-petiolatum"
"""Stands in the question; no span, metric or log line may have it."""


class Collector:
    """What came over OTLP: the bytes, and the spans with the names of their processes."""

    def __init__(self) -> None:
        self.bytes = b""
        self.spans: list[tuple[str, Span]] = []

    def app(self) -> Starlette:
        async def take(request: Request) -> Response:
            self.bytes += (body := await request.body())
            for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                named = {a.key: a.value.string_value for a in group.resource.attributes}
                for scope in group.scope_spans:
                    self.spans += [(named["service.name"], span) for span in scope.spans]
            return Response()

        return Starlette(routes=[Route("/v1/traces", take, methods=["POST"])])


def ours(page: str) -> set[str]:
    """Name the metrics of our own on a page for Prometheus."""
    return set(re.findall(r"^# TYPE (braid_\w+)", page, re.MULTILINE))


def traced(span: Span) -> str:
    return span.trace_id.hex()


def above(span: Span, spans: list[Span]) -> list[str]:
    """Name the parents of a span, nearest first."""
    parent = next((s for s in spans if s.span_id == span.parent_span_id), None)
    return [parent.name, *above(parent, spans)] if parent is not None else []


def attribute(span: Span, name: str) -> Any:
    """Give an attribute's value; None if the span has none of this name."""
    values = [a.value for a in span.attributes if a.key == name]
    return getattr(values[0], str(values[0].WhichOneof("value"))) if values else None


async def test_one_trace_from_the_command_line_to_the_vendor_with_metrics_and_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector, metrics = Collector(), f"127.0.0.1:{free_port()}"
    async with serving(collector.app(), 0) as there:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", there)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        monkeypatch.setenv("BRAID_METRICS", metrics)
        monkeypatch.setenv("BRAID_LOG", "json")
        async with stack_process(tmp_path, "--speed", "100"):
            monkeypatch.delenv("BRAID_METRICS")
            asked = await braid(tmp_path, "ask", "analyst", f"What is {SECRET}?", "--json")
            assert asked.code == 0, asked.err
            listed = {metric.shown for metric in METRICS}

            def shown() -> str:
                return httpx.get(f"http://{metrics}/metrics", timeout=PATIENCE).text

            # A look that a busy server did not answer is repeated after a while.
            await until(lambda: ours(shown()) == listed, PATIENCE, f"metrics {listed}")
            page = shown()
    log = (tmp_path / "logs" / "worker.log").read_text(encoding="utf-8")

    # One trace, from the command line through the workflow and its activity to the vendor.
    start = next(s for p, s in collector.spans if p == "braid-starter" and "Start" in s.name)
    traces = [(p, s) for p, s in collector.spans if s.trace_id == start.trace_id]
    assert {p for p, _ in traces} == {"braid-starter", "braid-worker"}
    assert "RunWorkflow:ask" in {s.name for _, s in traces}
    exchanges = [s for _, s in traces if s.name.startswith("Exchange:")]
    vendor = next(s for s in exchanges if attribute(s, "braid.status") == 200)
    assert above(vendor, [s for _, s in traces]) == [
        "RunActivity:ask_model",
        "StartActivity:ask_model",
        "StartWorkflow:ask",
    ]
    assert attribute(vendor, "braid.simulated") is True
    # On a busy machine a try may have gone before it: one that nobody answered says what befell it.
    assert all(s.events for s in exchanges if attribute(s, "braid.status") is None)

    # The log has the ids of the very trace.
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    done = next(li for li in lines if li["event"] == "call finished" and li["call"] == "ask_model")
    assert done["trace_id"] == traced(start)
    assert done["case"] == done["workflow_id"] == attribute(start, "temporalWorkflowID")
    assert done["run_id"]
    assert "branch" in done

    # Every metric that is listed is shown, and no other of ours (waited for above).
    assert 'braid_calls_total{activity_type="ask_model"' in page
    assert re.search(r'braid_cost_microusd_total{.*process="ask".*simulated="yes"', page)
    assert re.search(r"^braid_store_up{.*} 1$", page, re.MULTILINE)
    assert re.search(r'^braid_backlog{.*queue="braid".*} 0$', page, re.MULTILINE)

    # What was asked is in none of them.
    assert SECRET.encode() not in collector.bytes
    assert SECRET not in page + log
