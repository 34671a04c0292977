"""Figures over many runs: quantiles by nearest rank, shares of a whole, and each run's measures."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from math import ceil

from insight.graph.flow import Wait
from insight.history.spans import Status
from insight.statistics.runs import RunSummary
from workflows.data.common import Record


class Unit(StrEnum):
    """What a figure is in."""

    SECONDS = "s"
    USD = "usd"
    TOKENS = "tokens"
    SHARE = "share"
    """From 0 to 1."""
    COUNT = "count"


class Figure(Record):
    """One measure over `n` runs. Quantiles are values that occurred (nearest rank)."""

    name: str
    unit: Unit
    n: int
    p50: float
    p95: float
    mean: float
    total: float


class Ratio(Record):
    """How many of how many."""

    part: int
    of: int

    @property
    def share(self) -> float:
        """The part of the whole, 0 of nothing."""
        return self.part / self.of if self.of else 0.0


def nearest_rank(values: Sequence[float], share: float) -> float:
    """Give the smallest value that at least `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(ceil(share * len(ordered) - 1e-9), 1) - 1]


def figure(name: str, unit: Unit, values: Sequence[float]) -> Figure | None:
    """Sum up a measure; None without values."""
    if not values:
        return None
    total = sum(values)
    return Figure(
        name=name,
        unit=unit,
        n=len(values),
        p50=nearest_rank(values, 0.5),
        p95=nearest_rank(values, 0.95),
        mean=total / len(values),
        total=total,
    )


NONE = timedelta()
Measure = Callable[[RunSummary], float | None]
"""Read a measure of a run; None if the run does not know it."""


def _waited(wait: Wait) -> Measure:
    return lambda run: run.waits.get(wait, NONE).total_seconds() if run.waits else None


MEASURES: Mapping[str, tuple[Unit, Measure]] = {
    "length": (Unit.SECONDS, lambda run: run.length.total_seconds()),
    "machine": (Unit.SECONDS, lambda run: run.machine.total_seconds()),
    "waiting": (Unit.SECONDS, lambda run: run.waiting.total_seconds()),
    **{f"critical: {wait}": (Unit.SECONDS, _waited(wait)) for wait in Wait},
    "lower bound": (
        Unit.SECONDS,
        lambda run: run.lower_bound.total_seconds() if run.waits else None,
    ),
    "utilisation": (Unit.SHARE, lambda run: run.utilisation if run.waits else None),
    "cost": (Unit.USD, lambda run: float(run.usd)),
    "tokens": (Unit.TOKENS, lambda run: float(run.tokens)),
    "fullest window": (Unit.SHARE, lambda run: run.window_share),
    "confidence": (Unit.SHARE, lambda run: run.facts.confidence),
}
"""What is measured of each run, by name. `critical: ...` are parts of the critical path."""


def values(runs: Sequence[RunSummary], name: str) -> list[float]:
    """Read a measure of all runs that know it."""
    read = MEASURES[name][1]
    return [value for run in runs if (value := read(run)) is not None]


def figures(runs: Sequence[RunSummary]) -> tuple[Figure, ...]:
    """Sum up every measure some run knows, but those that are zero in all."""
    found = (figure(name, unit, values(runs, name)) for name, (unit, _) in MEASURES.items())
    kept = ("length", "machine", "waiting")
    return tuple(f for f in found if f is not None and (f.total or f.name in kept))


FAILED = frozenset({Status.FAILED, Status.TIMED_OUT, Status.TERMINATED})
"""What counts as an error. A cancelled run is none: somebody wanted it."""


def errors(runs: Sequence[RunSummary]) -> Ratio:
    """Count the runs that failed, timed out or were terminated."""
    return Ratio(part=sum(run.status in FAILED for run in runs), of=len(runs))
