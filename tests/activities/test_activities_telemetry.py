"""What leaves a process by traces and metrics, and what never does."""

import asyncio
import json
import logging
import re
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
import temporalio.runtime
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from temporalio.runtime import MetricBuffer, Runtime, TelemetryConfig

from activities.counted import counted
from activities.journalled import Answered, Fetched
from activities.posture import NONSENSE, Advice, Posture
from activities.wire import HttpRequest, LeftAlone, Lost, NotSent, Wire
from runtime import telemetry
from runtime.logs import forwarded
from runtime.metrics import begin_runtime
from runtime.settings import Settings, SettingsError
from runtime.spans import Discreet
from runtime.telemetry import tracing, vendor_span
from tests.activities.outside import Outside, said
from tests.store.test_store_journal import ENTRY, REPLY
from tests.support.logs import Lines, logged, written

NAME = "Jane Doe"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Trace this process, as `tracing` does, into memory."""
    kept, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(Discreet(kept)))
    monkeypatch.setattr(telemetry, "_tracers", [provider.get_tracer("test")])
    return kept


def test_what_errors_and_outsiders_say_stays_here(spans: InMemorySpanExporter) -> None:
    tracer = telemetry._tracers[0]
    said = {"temporalWorkflowID": "dd-1", "note": NAME}
    with tracer.start_as_current_span(f"HandleSignal:{NAME}", attributes=said) as span:
        span.add_event(NAME, {"note": NAME})
        span.record_exception(ValueError(f"not a date: {NAME}"))
        span.set_status(StatusCode.ERROR, NAME)
    (sent,) = spans.get_finished_spans()
    assert NAME not in sent.to_json()
    assert (sent.name, sent.attributes) == ("HandleSignal", {"temporalWorkflowID": "dd-1"})
    assert [e.attributes for e in sent.events] == [{"exception.type": "ValueError"}]
    assert not sent.status.is_ok


async def test_only_the_services_named_are_told_the_id_of_the_trace(
    world: Outside, settings: Settings, spans: InMemorySpanExporter
) -> None:
    settings = replace(settings, traced=frozenset({"vllm"}))
    wire = Wire(settings)
    for service in ("vllm", "gleif"):
        world.will(said({}))
        await wire.exchange(service, settings.endpoint(service), HttpRequest("GET", f"/{NAME}"))
    await wire.close()
    own, other = world.seen
    sent, _ = spans.get_finished_spans()
    assert sent.context is not None
    assert own.headers["traceparent"].split("-")[1] == f"{sent.context.trace_id:032x}"
    assert "traceparent" not in other.headers
    told = {"braid.service": "vllm", "braid.method": "GET", "braid.simulated": True}
    assert sent.attributes == told | {"braid.status": 200}


@pytest.mark.parametrize("end", [Lost("broken"), asyncio.CancelledError()], ids=repr)
def test_an_exchange_nobody_answered_says_what_befell_it(
    end: BaseException, spans: InMemorySpanExporter
) -> None:
    with pytest.raises(type(end)), vendor_span("vllm", "POST", simulated=True):
        raise end
    (sent,) = spans.get_finished_spans()
    (event,) = sent.events
    assert event.attributes is not None
    assert str(event.attributes["exception.type"]).endswith(type(end).__name__)
    assert "braid.status" not in (sent.attributes or {})


def test_nothing_is_traced_unless_a_collector_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "runtime.spans", None)
    with tracing("test", Settings.from_env({})), vendor_span("a", "GET", simulated=True) as note:
        note(200)
        assert (telemetry.trace_id(), list(telemetry.interceptors())) == ("", [])
    there = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    with pytest.raises(SettingsError, match="pip install"), tracing("t", Settings.from_env(there)):
        pytest.fail("traced without the library")


@pytest.mark.parametrize("given", ["", "9464", "nowhere:1"])
def test_metrics_need_a_free_address(given: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = given or f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SettingsError, match="name a free address"):
            begin_runtime(Settings.from_env({"BRAID_METRICS": address}))


@pytest.fixture
def outcomes(monkeypatch: pytest.MonkeyPatch) -> Callable[[], dict[str, float]]:
    buffer = MetricBuffer(1000)
    measured = Runtime(telemetry=TelemetryConfig(metrics=buffer))
    monkeypatch.setattr(temporalio.runtime._runtime_ref, "_default_runtime", measured)

    def read() -> dict[str, float]:
        updates = buffer.retrieve_updates()
        return {str(u.attributes.get("outcome", u.metric.name)): u.value for u in updates}

    return read


def advice(code: str) -> Advice:
    return Advice(Posture.RETRY, code, "")


ENDS: list[tuple[Fetched | BaseException, dict[str, float]]] = [
    (
        Fetched(REPLY, reused=False, waited=1.5),
        {"sent": 1, "braid_permit_wait": 1500, "braid_cost_microusd": 123},
    ),
    (Fetched(REPLY, reused=True), {"journal": 1}),
    (Fetched(REPLY, reused=True, cached=True), {"cache": 1}),
    (LeftAlone("open", timedelta(1)), {"left_alone": 1}),
    (NotSent("no connection"), {"not_sent": 1}),
    (Lost("broken"), {"lost": 1}),
    (Answered(advice(NONSENSE)), {"lost": 1}),
    (Answered(advice("429")), {"refused": 1}),
    (asyncio.CancelledError(), {"given_up": 1}),
    (KeyError("a bug"), {}),
]


@pytest.mark.parametrize(("end", "wanted"), ENDS, ids=[repr(end)[:30] for end, _ in ENDS])
async def test_every_end_of_a_call_is_counted_by_its_name(
    end: Fetched | BaseException,
    wanted: dict[str, float],
    outcomes: Callable[[], dict[str, float]],
) -> None:
    async def fetching() -> Fetched:
        if isinstance(end, BaseException):
            raise end
        return end

    (result,) = await asyncio.gather(counted(ENTRY, fetching()), return_exceptions=True)
    assert result is end or isinstance(end, asyncio.CancelledError)
    assert outcomes() == wanted


@pytest.fixture
def lines() -> Iterator[Lines]:
    with logged() as read:
        yield read


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_log_tells_of_an_error_where_it_was_but_not_what_it_said(form: str) -> None:
    def deep() -> None:
        raise KeyError(NAME)

    with written(form) as lines:
        try:
            try:
                deep()
            except KeyError as cause:
                raise ValueError(f"not a date: {NAME}") from cause
        except ValueError:
            logging.getLogger("temporalio.worker").warning("Failed activation", exc_info=True)
    said = lines.getvalue()
    assert "Failed activation" in said
    told = json.loads(said)["exception"] if form == "json" else said
    kinds = re.findall(r"^(?:because of )?(\w+)$", told, re.MULTILINE)
    assert kinds == ["ValueError", "KeyError"]
    assert "in deep" in told
    assert NAME not in said


def test_the_log_of_the_sdks_core_is_ours(lines: Lines) -> None:
    said = SimpleNamespace(
        level=logging.WARNING,
        message="Failing workflow task",
        target="core",
        time=0.0,
        fields={"run_id": "r-1", "failure": NAME},
    )
    forwarding = forwarded().forwarding
    assert forwarding is not None
    forwarding._on_logs([said])
    (line,) = lines()
    assert (line["event"], line["run_id"]) == ("[sdk_core::core] Failing workflow task", "r-1")
    assert line["logger"] == "temporalio.core"
    assert NAME not in json.dumps(line)
