"""Sharing: steps that may get in each other's way, or decide the same thing twice."""

from collections.abc import Iterator

from insight.plan.audit.findings import AuditFinding, Code
from insight.plan.audit.view import View, at_step
from workflows.data.blueprints.blueprint import Step
from workflows.data.blueprints.planned import changes


def conflicts(view: View) -> Iterator[AuditFinding]:
    """Steps that may change the same thing at once."""
    for one, other in view.together():
        if opposite(view.steps[one], view.steps[other]):
            continue
        shared = {*view.steps[one].uses} & {*view.steps[other].uses}
        for thing in sorted(shared):
            if not view.one_at_a_time(thing):
                says = f"{one} and {other} may change {thing} at the same time"
                yield _conflict(other, thing, says, (one, other))
    for name, step in view.steps.items():
        if step.for_each and step.at_once != 1:
            for thing in step.uses:
                if not view.one_at_a_time(thing):
                    says = f"the items of {name} may change {thing} at the same time"
                    yield _conflict(name, thing, says, (name,))


def _conflict(name: str, thing: str, says: str, steps: tuple[str, ...]) -> AuditFinding:
    at = ("steps", name, "uses", 0)
    mend = f"order them by needs, or write limits: {{{thing}: {{at_once: 1}}}}"
    return AuditFinding(code=Code.CONFLICT, at=at, says=says, mend=mend, steps=steps)


def opposite(one: Step, other: Step) -> bool:
    """Tell whether one happens only when the other does not, by their `when`."""
    first, second = (" ".join(s.when.strip("{} ").split()) for s in (one, other))
    if not first or not second:
        return False
    return first in (f"not {second}", f"not ({second})") or second in (
        f"not {first}",
        f"not ({first})",
    )


def undone(view: View) -> Iterator[AuditFinding]:
    """Effects that stay when a later step fails."""
    for name, step in view.steps.items():
        if not changes(step) or step.undo:
            continue
        later = [n for n in view.steps if name in view.before[n] and _can_fail(view.steps[n])]
        if later:
            says = f"{name} changes the outside world and stays so when {later[0]} fails"
            yield AuditFinding(
                code=Code.NO_UNDO,
                at=at_step(name),
                says=says,
                mend="say how it is taken back (undo), or make it the last step",
                steps=(name, later[0]),
            )


def _can_fail(step: Step) -> bool:
    policy = step.on_failure
    mended = policy.skip or policy.ask or "default" in policy.model_fields_set
    return step.kind != "give" and not mended


def decided_twice(view: View) -> Iterator[AuditFinding]:
    """Two steps that each decide the same thing for themselves, for a third that reads both.

    Steps with all the same fields are several opinions, which is no mistake.
    """
    for one, other in view.together():
        first, second = view.steps[one].gives, view.steps[other].gives
        if {*first} == {*second}:
            continue
        shared = {f for f in {*first} & {*second} if _words(first[f]) and _words(second[f])}
        for field in sorted(shared):
            for name in view.steps:
                if {one, other} <= _readers_of(view, name, field):
                    says = f"{one} and {other} each decide {field}, and {name} must make them agree"
                    yield AuditFinding(
                        code=Code.DECIDED_TWICE,
                        at=at_step(other, f"gives.{field}"),
                        says=says,
                        mend=f"decide {field} in a short step first, which both read",
                        steps=(one, other, name),
                    )
                    break


def _readers_of(view: View, name: str, field: str) -> set[str]:
    return {read.name for read in view.reads[name] if read.field.split(".")[0] in (field, "")}


def _words(kind: str) -> bool:
    """Tell words from measures, which may well differ."""
    return kind.startswith(("text", "list of text", "any"))
