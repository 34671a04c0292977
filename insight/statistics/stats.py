"""Statistics of a process over many closed cases."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import AwareDatetime

from insight.history.spans import Status
from insight.statistics.bottlenecks import Bottleneck, bottlenecks, halves
from insight.statistics.compare import Difference, Group, Key, Ratings, compare, groups, path_of
from insight.statistics.figures import Figure, Ratio, Unit, errors, figure, figures
from insight.statistics.runs import RunSummary
from insight.statistics.sections import Section
from insight.statistics.worth import Labour, Satisfaction, Savings, satisfaction, savings
from workflows.data.common import Record

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class SectionLine(Record):
    """A part of a process: in how many cases it ran, in how many of them a call of it failed."""

    name: str
    failed: Ratio
    calls: int
    retries: int


class Period(NamedTuple):
    """From when to when cases were counted; None: from the first, to the last."""

    since: datetime | None = None
    until: datetime | None = None


class Rates(Record):
    """Cases per hour and per day of the period, and items of spreads.

    A period shorter than an hour counts as one, and as a day: no rate is more than happened.
    """

    days: float
    per_hour: float
    per_day: float
    items: int
    items_per_day: float


class Stats(Record):
    """A process over its closed cases that started in a period.

    `dead` are paths the process knows that no case took; `drift` compares the older half of the
    cases with the newer. `simulated` counts cases whose model calls were, so cost nothing in
    truth; `with_children` those whose cost leaves out what their children spent.
    """

    process: str
    since: AwareDatetime
    until: AwareDatetime
    cases: int
    running: int
    statuses: Mapping[Status, int]
    errors: Ratio
    figures: tuple[Figure, ...]
    rates: Rates
    simulated: int
    with_children: int
    paths: tuple[Group, ...]
    dead: tuple[str, ...]
    iterations: tuple[Figure, ...]
    sections: tuple[SectionLine, ...]
    bottlenecks: tuple[Bottleneck, ...]
    drift: tuple[Difference, ...]
    satisfaction: Satisfaction
    savings: Savings | None = None


def stats(
    process: str,
    cases: Sequence[RunSummary],
    *,
    running: int = 0,
    known_paths: Iterable[str] = (),
    ratings: Ratings | None = None,
    period: Period = Period(),  # noqa: B008 - frozen
    labour: Labour | None = None,
) -> Stats:
    """Sum up closed cases, ascending by start; there is at least one.

    `known_paths` are those a case of this process can take, `running` counts its open cases.
    """
    stars = ratings or {}
    since, until = _bounds(cases, period)
    path = path_of(cases)
    taken = set(map(path, cases))
    return Stats(
        process=process,
        since=since,
        until=until,
        cases=len(cases),
        running=running,
        statuses=Counter(case.status for case in cases),
        errors=errors(cases),
        figures=figures(cases),
        rates=_rates(cases, until - since),
        simulated=sum(case.facts.simulated for case in cases),
        with_children=sum(case.children > 0 for case in cases),
        paths=groups(cases, path, stars),
        dead=tuple(known for known in known_paths if known not in taken),
        iterations=_iterations(cases),
        sections=_sections(cases),
        bottlenecks=bottlenecks(cases),
        drift=compare(*halves(cases), stars),
        satisfaction=satisfaction(cases, stars),
        savings=savings(cases, labour) if labour else None,
    )


def _bounds(cases: Sequence[RunSummary], period: Period) -> tuple[datetime, datetime]:
    since = period.since or cases[0].started
    return since, max(period.until or max(case.ended for case in cases), since)


def _rates(cases: Sequence[RunSummary], length: timedelta) -> Rates:
    hours, days = max(length, HOUR) / HOUR, max(length, DAY) / DAY
    items = sum(case.facts.items for case in cases)
    return Rates(
        days=days,
        per_hour=len(cases) / hours,
        per_day=len(cases) / days,
        items=items,
        items_per_day=items / days,
    )


def _iterations(cases: Sequence[RunSummary]) -> tuple[Figure, ...]:
    """Sum up rounds by loop; a case whose section went round once counts as one round."""
    names = sorted({name for case in cases for name in case.iterations})
    found = []
    for name in names:
        ran = (case for case in cases if name in case.iterations or name in case.sections)
        rounds = [float(case.iterations.get(name, 1)) for case in ran]
        found.append(figure(name, Unit.COUNT, rounds))
    return tuple(f for f in found if f is not None)


def _sections(cases: Sequence[RunSummary]) -> tuple[SectionLine, ...]:
    held: dict[str, list[Section]] = {}
    for case in cases:
        for name, part in case.sections.items():
            held.setdefault(name, []).append(part)
    lines = [
        SectionLine(
            name=name,
            failed=Ratio(part=sum(p.failed > 0 for p in parts), of=len(parts)),
            calls=sum(p.calls for p in parts),
            retries=sum(p.retries for p in parts),
        )
        for name, parts in held.items()
    ]
    return tuple(sorted(lines, key=lambda line: (-line.failed.part, -line.retries, line.name)))


BY: Mapping[str, Key] = {
    "version": lambda case: case.facts.version[:12] or "unknown",
    "policy": lambda case: " ".join(case.facts.marks) or "none",
    "outcome": lambda case: case.facts.outcome or str(case.status),
    "day": lambda case: f"{case.started:%Y-%m-%d}",
}
"""How cases can be grouped besides by path."""
