"""Sharing: steps that may get in each other's way, or decide the same thing twice."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

from insight.plan.audit.conditions import exclude
from insight.plan.audit.findings import AuditFinding, Code
from insight.plan.audit.view import View, at_step
from workflows.data.blueprints.blueprint import Step
from workflows.data.blueprints.planned import changes
from workflows.data.blueprints.references import ReadKind

EXPLAINS = {"comment", "comments", "explanation", "note", "notes", "rationale", "reason", "reasons"}
"""Fields that say why or add a word: each step has its own, and nothing must agree."""


def conflicts(view: View) -> Iterator[AuditFinding]:
    """Steps that may change the same thing at once: a finding for each thing."""
    at_once: dict[str, dict[str, None]] = defaultdict(dict)
    for one, other in view.together():
        first, second = view.steps[one], view.steps[other]
        for thing in sorted({*first.uses} & {*second.uses}):
            if not view.one_at_a_time(thing) and not exclude(first.when, second.when):
                at_once[thing] |= {one: None, other: None}
    for thing, found in at_once.items():
        names = [*found]
        says = f"{', '.join(names)} may change {thing} at the same time"
        yield _conflict(view, names[1], thing, says, (*names,))
    for name, step in view.steps.items():
        for thing in step.uses if step.for_each and step.at_once != 1 else ():
            if not view.one_at_a_time(thing):
                says = f"the items of {name} may change {thing} at the same time"
                yield _conflict(view, name, thing, says, (name,))


def _conflict(view: View, name: str, thing: str, says: str, steps: tuple[str, ...]) -> AuditFinding:
    at = ("steps", name, "uses", view.steps[name].uses.index(thing))
    mend = f"order them by needs, or write limits: {{{thing}: {{at_once: 1}}}}"
    return AuditFinding(code=Code.CONFLICT, at=at, says=says, mend=mend, steps=steps)


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
    told: set[tuple[str, str, str]] = set()
    for name in view.steps:
        for field, deciders in sorted(_decided_for(view, name).items()):
            for one, other in combinations(deciders, 2):
                if (one, other, field) not in told and _apart(view, one, other):
                    told.add((one, other, field))
                    says = f"{one} and {other} each decide {field}, and {name} must make them agree"
                    yield AuditFinding(
                        code=Code.DECIDED_TWICE,
                        at=at_step(other, f"gives.{field}"),
                        says=says,
                        mend=f"decide {field} in a short step first, which both read",
                        steps=(one, other, name),
                    )


def _decided_for(view: View, name: str) -> dict[str, list[str]]:
    """Give by field the steps whose words in it a step reads, as they stand in the file."""
    found: dict[str, set[str]] = defaultdict(set)
    for read in view.reads[name]:
        step = view.steps.get(read.name) if read.kind is ReadKind.STEP else None
        named = read.field.split(".")[0]
        for field, kind in step.gives.items() if step else ():
            if named in (field, "") and _words(kind) and field not in EXPLAINS:
                found[field].add(read.name)
    places = {step: place for place, step in enumerate(view.steps)}
    return {field: sorted(names, key=lambda n: places[n]) for field, names in found.items()}


def _apart(view: View, one: str, other: str) -> bool:
    first, second = view.steps[one], view.steps[other]
    ordered = one in view.before[other] or other in view.before[one]
    return not (ordered or {*first.gives} == {*second.gives} or exclude(first.when, second.when))


def _words(kind: str) -> bool:
    """Tell words from measures, which may well differ."""
    return kind.startswith(("text", "list of text", "any"))
