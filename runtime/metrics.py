"""Metrics for Prometheus: the SDK's and our own at one address, off unless BRAID_METRICS is set."""

from collections.abc import Sequence
from datetime import timedelta

from temporalio import activity
from temporalio.common import MetricMeter
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from runtime.logs import forwarded
from runtime.settings import Settings, SettingsError
from workflows.data import metrics
from workflows.data.metrics import Metric

SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Bounds of our histograms' buckets."""


def begin_runtime(settings: Settings) -> None:
    """Make the SDK's runtime for every client made from now on: its log is ours, and its metrics
    are offered at the address given.

    Raises SettingsError if the address is none, or taken.
    """
    offered = PrometheusConfig(
        bind_address=settings.metrics,
        counters_total_suffix=True,
        unit_suffix=True,
        durations_as_seconds=True,
        histogram_bucket_overrides={metrics.PERMIT_WAIT.name: SECONDS},
    )
    telemetry = TelemetryConfig(logging=forwarded(), metrics=offered if settings.metrics else None)
    try:
        runtime = Runtime(telemetry=telemetry)
    except ValueError as wrong:
        raise SettingsError(
            f"BRAID_METRICS={settings.metrics!r} cannot be served: {wrong};"
            " name a free address such as 127.0.0.1:9464"
        ) from wrong
    Runtime.set_default(runtime)


def count(metric: Metric, by: int = 1, **labels: str) -> None:
    """Count something up."""
    _meter().create_counter(metric.name, metric.says).add(by, labels)


def record(metric: Metric, seconds: float, **labels: str) -> None:
    """Note how long something took."""
    histogram = _meter().create_histogram_timedelta(metric.name, metric.says)
    histogram.record(timedelta(seconds=seconds), labels)


def level(metric: Metric, value: float, **labels: str) -> None:
    """Say how much there is now of something."""
    Runtime.default().metric_meter.create_gauge_float(metric.name, metric.says).set(value, labels)


def begin_gates(namespace: str, queue: str, workflows: Sequence[str]) -> None:
    """Begin the counters of gates at nought: what is first seen at one is no increase."""
    meter = Runtime.default().metric_meter
    for name in workflows:
        of = {"namespace": namespace, "task_queue": queue, "workflow_type": name}
        ours = meter.with_additional_attributes(of)
        for metric, label, values in (
            (metrics.GATES_OPENED, "", ("",)),
            (metrics.GATES_ENDED, "outcome", metrics.GATE_ENDS),
            (metrics.GATE_NUDGES, "kind", metrics.NUDGES),
        ):
            counter = ours.create_counter(metric.name, metric.says)
            for value in values:
                counter.add(0, {label: value} if label else {})


def process() -> str:
    """Give the workflow type the running activity works for, empty outside one."""
    return (activity.info().workflow_type or "") if activity.in_activity() else ""


def _meter() -> MetricMeter:
    """Give the meter of the running worker; of this process where none runs."""
    return activity.metric_meter() if activity.in_activity() else Runtime.default().metric_meter
