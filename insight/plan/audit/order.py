"""Order: loops, steps that wait for nothing they use, and steps said to be free that are not."""

from collections.abc import Iterator

from insight.plan.audit.findings import At, AuditFinding, Code
from insight.plan.audit.view import View, at_step
from workflows.data.blueprints.blueprint import Step
from workflows.data.blueprints.planned import changes
from workflows.data.blueprints.references import ReadKind


def loops(view: View) -> Iterator[AuditFinding]:
    """Steps that wait for each other."""
    told: set[str] = set()
    for name in view.steps:
        if name in view.before[name] and name not in told:
            loop = _loop(view, name)
            told |= {step for step in view.before[name] if name in view.before[step]}
            yield _loop_found(view, loop)


def _loop(view: View, start: str) -> list[str]:
    """Give the shortest way from a step back to itself, each waiting for the next."""
    ways = [[start]]
    seen: set[str] = set()
    for way in ways:
        for need in view.needs[way[-1]].hard:
            if need == start:
                return way
            if need not in seen:
                seen.add(need)
                ways.append([*way, need])
    return [start]


def _loop_found(view: View, loop: list[str]) -> AuditFinding:
    pairs = [*zip(loop, [*loop[1:], loop[0]], strict=True)]
    way = " -> ".join([*loop, loop[0]])
    said = [(name, need) for name, need in pairs if need not in view.data(name)]
    if said and len(said) < len(pairs):
        name, need = said[0]
        at: At = ("steps", name, "needs", view.steps[name].needs.index(need))
        says = f"{need} is said to run before {name}, yet uses its result, directly or not: {way}"
        mend = f"remove {need} from the needs of {name}: what is read gives the order"
        code = Code.BEFORE_ITS_INPUT
    else:
        at = at_step(loop[0])
        says = f"these steps wait for each other, so none can begin: {way}"
        mend = "have one of them read something else, or make them one step with repeat"
        code = Code.CYCLE
    return AuditFinding(code=code, at=at, says=says, mend=mend, steps=tuple(loop))


def independence(view: View) -> Iterator[AuditFinding]:
    """Steps said to run at once, of which one needs what the other gives."""
    for name, step in view.steps.items():
        for number, other in enumerate(step.beside):
            first, then = (other, name) if other in view.before[name] else (name, other)
            if other in view.steps and first in view.before[then]:
                ways = "uses the result of" if first in view.data(then) else "waits for"
                says = f"{name} is said to run at once with {other}, yet {then} {ways} {first}"
                yield AuditFinding(
                    code=Code.FALSE_INDEPENDENCE,
                    at=("steps", name, "beside", number),
                    says=f"{says}: their times add up",
                    mend=f"remove it, or have {then} read something that is there before {first}",
                    steps=(first, then),
                )


def in_time(view: View) -> Iterator[AuditFinding]:
    """Soft needs that by the times given never come in time."""
    for name, step in view.steps.items():
        for number, soft in enumerate(step.soft):
            if soft not in view.steps:
                continue
            until = view.times[name][0] + step.soft_wait.total_seconds()
            there = view.times[soft][1]
            if until < there:
                says = (
                    f"{name} goes on at {until:g} s and {soft} ends at {there:g} s, so by these"
                    " times it is never taken along"
                )
                mend = f"raise soft_wait, or read {soft} as a hard need"
                yield AuditFinding(
                    code=Code.NEVER_IN_TIME,
                    at=("steps", name, "soft", number),
                    says=says,
                    mend=mend,
                    steps=(name, soft),
                )


def needless(view: View) -> Iterator[AuditFinding]:
    """Steps that wait for others though they use nothing of them."""
    names = [*view.steps]
    for place, (name, step) in enumerate(view.steps.items()):
        false = [need for need in step.needs if need in view.steps and _false(view, name, need)]
        if len(false) > 1:
            says = f"{name} waits for {' and '.join(false)}, and uses nothing of them"
            at: At = ("steps", name, "needs")
            mend = "leave them out of needs: it begins as soon as what it reads is there"
            yield _order(Code.BARRIER, at, says, mend, (name, *false))
        elif false:
            habit = place > 0 and names[place - 1] == false[0]
            why = "it only stands above it in the file" if habit else "and uses nothing of it"
            code = Code.HABIT if habit else Code.FALSE_ORDER
            at = ("steps", name, "needs", step.needs.index(false[0]))
            says = f"{name} waits for {false[0]}, {why}: no data, nothing shared, no effect"
            mend = "leave it out of needs, and the two run at once"
            yield _order(code, at, says, mend, (name, *false))
    yield from _collected(view)
    yield from _item_by_item(view)


def _order(code: Code, at: At, says: str, mend: str, steps: tuple[str, ...]) -> AuditFinding:
    return AuditFinding(code=code, at=at, says=says, mend=mend, steps=steps)


def _false(view: View, then: str, first: str) -> bool:
    """Tell whether nothing at all asks for this order."""
    one, other = view.steps[first], view.steps[then]
    if first in view.data(then) or {*one.uses} & {*other.uses}:
        return False
    if one.kind in ("gate", "event") or _acts(other) or other.kind in ("gate", "event"):
        return False
    return not _acts(one) or other.kind in ("ask", "give")


def _acts(step: Step) -> bool:
    return changes(step) or step.kind == "run"


def _collected(view: View) -> Iterator[AuditFinding]:
    """Steps that read through a collecting step what was there before it."""
    for name in view.steps:
        for first in sorted(view.data(name) & view.steps.keys()):
            give = view.steps[first].give
            if not isinstance(give, dict) or first not in view.needs[name].hard:
                continue
            own = [r for r in view.reads[name] if r.kind is ReadKind.STEP and r.name == first]
            fields = {read.field.split(".")[0] for read in own}
            if "" in fields or first in view.steps[name].needs:
                continue
            sources = {
                read.name
                for read in view.reads[first]
                if read.kind is ReadKind.STEP and _under(read.where, fields)
            }
            if spare := {*view.needs[first].hard} - sources:
                says = (
                    f"{name} reads {', '.join(sorted(fields))} of {first}, which waits for"
                    f" {', '.join(sorted(spare))} besides"
                )
                mend = f"read {' and '.join(sorted(sources)) or 'the input'} itself"
                at = at_step(name, own[0].where)
                yield _order(Code.BARRIER, at, says, mend, (name, first, *sorted(spare)))


def _under(where: str, fields: set[str]) -> bool:
    return any(
        where == f"give.{f}" or where.startswith((f"give.{f}.", f"give.{f}[")) for f in fields
    )


def _item_by_item(view: View) -> Iterator[AuditFinding]:
    """One for_each after another over the same items."""
    for name in view.steps:
        over = [read for read in view.reads[name] if read.where == "for_each"]
        if len(over) != 1 or over[0].kind is not ReadKind.STEP or over[0].field:
            continue
        first = view.steps.get(over[0].name)
        if first and first.for_each and view.data(name) == {over[0].name}:
            says = f"{name} takes item by item what {over[0].name} gives, yet waits for all of them"
            mend = "make both one sub-process with for_each, so that each item goes on by itself"
            at = at_step(name, "for_each")
            yield _order(Code.BARRIER, at, says, mend, (name, over[0].name))
