"""Where the time of many cases goes: steps and waits by their share of the critical paths."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from insight.statistics.compare import Finding, corrected, of_values
from insight.statistics.figures import Ratio, Unit
from insight.statistics.runs import RunSummary
from insight.statistics.significance import LEAST
from workflows.data.common import Record


class Bottleneck(Record):
    """A step or wait by its share of all time on critical paths (0 to 1), now and in the halves.

    `trend` says whether its share of a case changed, as far as so many cases can tell.
    """

    name: str
    share: float
    cases: Ratio
    total: float
    """Seconds on critical paths, in all cases together."""
    older: float
    newer: float
    trend: Finding


def halves(cases: Sequence[RunSummary]) -> tuple[Sequence[RunSummary], Sequence[RunSummary]]:
    """Split cases into the older and the newer half, by their start."""
    ordered = sorted(cases, key=lambda case: case.started)
    middle = len(ordered) // 2
    return ordered[:middle], ordered[middle:]


def bottlenecks(cases: Sequence[RunSummary]) -> tuple[Bottleneck, ...]:
    """Rank what critical paths were spent on; empty where no case has one."""
    known = [case for case in cases if case.critical]
    whole = sum((sum(c.critical.values(), timedelta()) for c in known), timedelta())
    if not whole:
        return ()
    older, newer = halves(known)
    names = sorted({name for case in known for name in case.critical})
    changes = [
        of_values(name, Unit.SHARE, _shares(older, name), _shares(newer, name)) for name in names
    ]
    judged = {d.name: d.finding for d in corrected([d for d in changes if d is not None])}
    unchanged = Finding.NO_EVIDENCE if len(older) >= LEAST else Finding.TOO_FEW
    lines = []
    for name in names:
        spent = sum((case.critical.get(name, timedelta()) for case in known), timedelta())
        lines.append(
            Bottleneck(
                name=name,
                share=spent / whole,
                cases=Ratio(part=sum(name in case.critical for case in known), of=len(known)),
                total=spent.total_seconds(),
                older=_share(older, name),
                newer=_share(newer, name),
                trend=judged.get(name, unchanged),
            )
        )
    return tuple(sorted(lines, key=lambda line: (-line.share, line.name)))


def _shares(cases: Iterable[RunSummary], name: str) -> list[float]:
    """Give what share of each case's critical path a step was."""
    wholes = ((case, sum(case.critical.values(), timedelta())) for case in cases)
    return [c.critical.get(name, timedelta()) / whole if whole else 0.0 for c, whole in wholes]


def _share(cases: Sequence[RunSummary], name: str) -> float:
    whole = sum((sum(case.critical.values(), timedelta()) for case in cases), timedelta())
    spent = sum((case.critical.get(name, timedelta()) for case in cases), timedelta())
    return spent / whole if whole else 0.0
