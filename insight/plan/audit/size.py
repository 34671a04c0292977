"""Size: how much a blueprint may come to, and what its limits bear."""

from collections.abc import Iterator

from insight.plan.audit.findings import AuditFinding, Code
from insight.plan.audit.view import View, at_step
from workflows.data.blueprints.planned import called


def unbounded(view: View) -> Iterator[AuditFinding]:
    """Steps done for each of as many items as there happen to be, all at once."""
    for name, step in view.steps.items():
        if step.for_each and step.at_once is None and view.limit(step) is None:
            says = f"{name} is done for all items at once, however many there are"
            mend = f"write at_once, or limits: {{{called(step) or name}: {{at_once: ...}}}}"
            at = at_step(name, "for_each")
            steps = (name,)
            yield AuditFinding(code=Code.UNBOUNDED, at=at, says=says, mend=mend, steps=steps)


def crowded(view: View) -> Iterator[AuditFinding]:
    """More branches at once than a limit bears, so that they take turns."""
    for limit, most in view.blueprint.limits.items():
        names = [n for n, step in view.steps.items() if called(step) == limit]
        if most.at_once is None:
            continue
        peak = _peak(view, names)
        if len(peak) > most.at_once:
            says = f"{len(peak)} steps call {limit} at once, and it bears {most.at_once}"
            mend = "raise the limit, join some of the steps, or give some another role"
            at = ("limits", limit)
            yield AuditFinding(
                code=Code.CROWDED, at=at, says=says, mend=f"{mend}: they take turns", steps=peak
            )


def _peak(view: View, names: list[str]) -> tuple[str, ...]:
    """Give the most of these steps that by the times given go on at once."""
    best: tuple[str, ...] = ()
    for name in names:
        begin = view.times[name][0]
        going = tuple(n for n in names if view.times[n][0] <= begin < view.times[n][1])
        best = max(best, going, key=len)
    return best
