"""Spans on their way out: OTLP over HTTP, stripped of everything that may be personal.

Needs the extra `otel`; imported only by a process that traces.
"""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status

from runtime.telemetry import METHOD, SERVICE, SIMULATED, STATUS

ATTRIBUTES = frozenset(
    {
        "temporalWorkflowID",
        "temporalRunID",
        "temporalActivityID",
        SERVICE,
        SIMULATED,
        METHOD,
        STATUS,
    }
)
"""All a span may carry: ids, names of services, enumerated words, numbers."""
_NAME = re.compile(r"[A-Za-z]+:[\w.-]{1,80}")


class Discreet(SpanExporter):
    """Passes spans on without what errors said, and without attributes not known to be harmless.

    An error's message quotes what did not fit: names, addresses. Its type remains. So does the
    name of a span, unless a signal or query of an outsider made it up.
    """

    def __init__(self, following: SpanExporter) -> None:
        self._following = following

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans."""
        return self._following.export([_stripped(span) for span in spans])

    def shutdown(self) -> None:
        """End the exporter behind."""
        self._following.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the exporter behind."""
        return self._following.force_flush(timeout_millis)


def provider(service: str, patience: float) -> TracerProvider:
    """Make the source of a process's spans; where they go stands in OTEL_* variables.

    `patience` is how many seconds an export may take where OTEL_EXPORTER_OTLP_TIMEOUT is unset.
    """
    named = "OTEL_EXPORTER_OTLP_TIMEOUT" in os.environ
    exporter = Discreet(OTLPSpanExporter(timeout=None if named else patience))
    resource = Resource.create({SERVICE_NAME: service})
    made = TracerProvider(resource=resource, shutdown_on_exit=False)
    made.add_span_processor(BatchSpanProcessor(exporter))
    return made


def _stripped(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name if _NAME.fullmatch(span.name) else span.name.partition(":")[0],
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes=_only(span.attributes, ATTRIBUTES),
        events=[
            Event(e.name, _only(e.attributes, {"exception.type"}), e.timestamp)
            for e in span.events
            if e.name == "exception"
        ],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _only(given: Mapping[str, Any] | None, known: frozenset[str] | set[str]) -> dict[str, Any]:
    return {name: value for name, value in (given or {}).items() if name in known}
