"""What is kept of each closed run for statistics: a small record that outlives its history."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from functools import reduce
from typing import TypeVar

from pydantic import AwareDatetime, Field

from insight.graph.flow import Wait
from insight.history.facts import Drafts, Facts
from insight.history.spans import WORK, SpanKind, Status
from insight.report import Report
from insight.statistics.sections import MOST, Section, critical, iterations, sections
from workflows.data.common import Record

FORM = 1
"""The form of summaries; those kept in an older form are made again while the history is there."""
N = TypeVar("N", int, timedelta)


class RunSummary(Record):
    """One closed run. Times are lengths; `waits` and `critical` are parts of the critical path.

    `waits` says what the path was spent on, `critical` on which step (`section: call`, or the
    name of a wait that is nobody's). `utilisation` is that of `Flow`; `steps` names what it ran.
    """

    facts: Facts
    process: str
    status: Status
    started: AwareDatetime
    ended: AwareDatetime
    machine: timedelta
    waiting: timedelta
    lower_bound: timedelta
    utilisation: float
    waits: Mapping[Wait, timedelta] = Field(default_factory=dict)
    critical: Mapping[str, timedelta] = Field(default_factory=dict)
    sections: Mapping[str, Section] = Field(default_factory=dict)
    iterations: Mapping[str, int] = Field(default_factory=dict)
    steps: tuple[str, ...] = ()
    children: int = 0
    usd: Decimal = Decimal(0)
    tokens: int = 0
    window_share: float | None = None

    @property
    def length(self) -> timedelta:
        """Time from its start to its end."""
        return self.ended - self.started


def summary(report: Report, told: Facts | None = None) -> RunSummary:
    """Sum up a run; `told` is what `insight.history.facts` read from its events."""
    found = report.spans
    work = [span for span in found if span.kind in WORK]
    given = told or Facts()
    return RunSummary(
        facts=given if given.workflow else given.model_copy(update={"workflow": report.case}),
        process=report.process,
        status=report.status,
        started=report.started,
        ended=report.until,
        machine=report.machine,
        waiting=report.waiting,
        lower_bound=report.flow.lower_bound,
        utilisation=report.flow.utilisation,
        waits=report.flow.on_path,
        critical=critical(report),
        sections=sections(work),
        iterations=iterations(found),
        steps=tuple(sorted({span.name for span in work})[:MOST]),
        children=sum(span.kind is SpanKind.CHILD for span in found),
        usd=report.usd,
        tokens=report.input_tokens + report.output_tokens,
        window_share=report.window_share,
    )


def cases(runs: Iterable[RunSummary]) -> list[RunSummary]:
    """Make one summary of each case: the runs of a chain (continue-as-new) as one, oldest first.

    A case that is not closed is left out: its last run is open, or goes on in one not given. So
    are runs that were given up for a reset: the run that ended last counts, and those before it.
    """
    chains: dict[tuple[str, str], dict[str, RunSummary]] = {}
    for number, run in enumerate(runs):
        at = run.facts
        name = at.run or str(number)
        held = chains.setdefault((at.workflow, at.first or name), {})
        if name not in held or held[name].ended < run.ended:  # a reset run tells its old id
            held[name] = run
    found = [reduce(_after, _chain(held)) for held in chains.values()]
    closed = (case for case in found if case.status not in (Status.CONTINUED, Status.RUNNING))
    return sorted(closed, key=lambda case: case.started)


def _chain(held: Mapping[str, RunSummary]) -> list[RunSummary]:
    """Give the run that ended last and, before it, those it goes on from."""
    rest = dict(held)
    run = rest.pop(max(rest, key=lambda name: (rest[name].ended, rest[name].started)), None)
    chain: list[RunSummary] = []
    while run is not None:
        chain.append(run)
        run = rest.pop(run.facts.previous, None)
    return chain[::-1]


def _after(first: RunSummary, then: RunSummary) -> RunSummary:
    """Make one summary of a run and the next of its chain."""
    lengths = (first.length, then.length)
    both = sum(lengths, timedelta()) / timedelta(seconds=1) or 1.0
    shares = [s for s in (first.window_share, then.window_share) if s is not None]
    gap = max(then.started - first.ended, timedelta())
    return then.model_copy(
        update={
            "facts": _facts_after(first.facts, then.facts),
            "started": first.started,
            "machine": first.machine + then.machine,
            "waiting": first.waiting + then.waiting + gap,
            "lower_bound": first.lower_bound + then.lower_bound,
            "utilisation": sum(
                run.utilisation * length.total_seconds() / both
                for run, length in zip((first, then), lengths, strict=True)
            ),
            "waits": _added(first.waits, then.waits, timedelta()),
            "critical": _added(first.critical, then.critical, timedelta()),
            "sections": {
                name: _both(first.sections.get(name), then.sections.get(name))
                for name in {**first.sections, **then.sections}
            },
            "iterations": {**first.iterations, **_most(first.iterations, then.iterations)},
            "steps": tuple(sorted({*first.steps, *then.steps})),
            "children": first.children + then.children,
            "usd": first.usd + then.usd,
            "tokens": first.tokens + then.tokens,
            "window_share": max(shares, default=None),
        }
    )


def _facts_after(first: Facts, then: Facts) -> Facts:
    drafts = Counter(first.drafts.model_dump()) + Counter(then.drafts.model_dump())
    return then.model_copy(
        update={
            "path": then.path or first.path,
            "marks": tuple(dict.fromkeys([*first.marks, *then.marks])),
            "drafts": Drafts(**drafts),
            "items": first.items + then.items,
            "simulated": first.simulated or then.simulated,
        }
    )


K = TypeVar("K")


def _added(first: Mapping[K, N], then: Mapping[K, N], nothing: N) -> dict[K, N]:
    return {k: first.get(k, nothing) + then.get(k, nothing) for k in {**first, **then}}


def _most(first: Mapping[str, int], then: Mapping[str, int]) -> dict[str, int]:
    return {name: max(rounds, first.get(name, 0)) for name, rounds in then.items()}


def _both(first: Section | None, then: Section | None) -> Section:
    one, two = first or Section(), then or Section()
    return Section(**{f: getattr(one, f) + getattr(two, f) for f in Section.model_fields})
