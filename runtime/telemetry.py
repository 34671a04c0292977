"""Traces, off unless OTEL_EXPORTER_OTLP_ENDPOINT names a collector: command line, workflow,
activity and vendor call in one trace. Spans carry ids and enumerated words only.
"""

from asyncio import CancelledError
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from runtime.settings import COLLECTORS, Settings, SettingsError

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

SERVICE, SIMULATED = "braid.service", "braid.simulated"
METHOD, STATUS = "braid.method", "braid.status"
"""What a span says of an exchange; of a mail the method is SMTP, the status that of the server."""
PATIENCE = 3.0
"""Seconds an export may take, unless OTEL_EXPORTER_OTLP_TIMEOUT says otherwise: a command must not
hang at its end because nobody collects.
"""

_tracers: list["Tracer"] = []
"""The tracer of this process while it traces."""


@contextmanager
def tracing(service: str, settings: Settings) -> Iterator[None]:
    """Trace what the block does, if a collector is named; what is left is sent at its end.

    `service` names the process in traces. Raises SettingsError without the libraries.
    """
    if not settings.traces:
        yield
        return
    provider = _provider(service)
    _tracers.append(provider.get_tracer("braid"))
    try:
        yield
    finally:
        _tracers.pop()
        provider.shutdown()


def _provider(service: str) -> Any:
    try:
        from runtime.spans import provider
    except ImportError as absent:
        raise SettingsError(
            f"{COLLECTORS[0]} is set, but traces need libraries that are not installed"
            f" ({absent.name}): pip install opentelemetry-sdk"
            " opentelemetry-exporter-otlp-proto-http, or unset it"
        ) from absent
    return provider(service, PATIENCE)


def interceptors() -> Sequence[Any]:
    """Give what a client, and each worker on it, traces with; empty if this process does not."""
    if not _tracers:
        return ()
    from temporalio.contrib.opentelemetry import TracingInterceptor

    # Cases that another service starts, or a schedule, have no span to hang on: they get one.
    return (TracingInterceptor(_tracers[-1], always_create_workflow_spans=True),)


@contextmanager
def vendor_span(service: str, method: str, *, simulated: bool) -> Iterator[Callable[[int], None]]:
    """Put an exchange with a service into the trace; yields what notes the status it answered."""
    if not _tracers:
        yield lambda _status: None
        return
    from opentelemetry.trace import SpanKind

    attributes: dict[str, str | bool] = {
        SERVICE: service,
        METHOD: method,
        SIMULATED: simulated,
    }
    span = _tracers[-1].start_as_current_span(
        f"Exchange:{service}", kind=SpanKind.CLIENT, attributes=attributes
    )
    with span as now:
        try:
            yield partial(now.set_attribute, STATUS)
        except CancelledError as cancelled:  # no error to the library, which would say nothing
            now.record_exception(cancelled)
            raise


def traceparent() -> dict[str, str]:
    """Give the W3C header that tells another service which trace this is; empty without one."""
    if not _tracers:
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    header: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(header)
    return header


def trace_id() -> str:
    """Give the id of the running trace in hexadecimal digits, empty without one."""
    if not _tracers:
        return ""
    from opentelemetry.trace import get_current_span

    context = get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else ""
