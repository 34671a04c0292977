"""What templates and steps name: that it is there, may be named, and is used."""

import re
from collections.abc import Iterable, Iterator, Mapping

from insight.plan.audit.findings import At, AuditFinding, Code, Offers
from insight.plan.audit.view import View, at_step
from workflows.data.blueprints.blueprint import FieldType, Step
from workflows.data.blueprints.language import parse
from workflows.data.blueprints.planned import changes
from workflows.data.blueprints.references import Read, ReadKind

_ENDPOINT = re.compile(r"^[a-z][a-z0-9_-]{0,63}$")
_PATH = re.compile(r"/(?!/)[^\s\\@#]*")
_FILLED = re.compile(r"\{\{.*?\}\}")
_OUTER = ("for_each", "when")
"""Templates filled before there is an item."""
_DECISION = {"verdict": "text", "by": "text", "comment": "text", "value": "any"}
_RECEIPT = {"key": "text", "reference": "text", "state": "text"}
_CONDITIONS = ("when", "repeat.until", "for_each")
_ASKED = ("gate.people", "on_failure.ask")


def broken(view: View) -> Iterator[AuditFinding]:
    """Templates that are not taken: refused before anything runs."""
    for name, where, error in view.broken:
        at: At = at_step(name, where) if name else ("result",)
        says = str(error).removeprefix(f"{where}: ")
        mend = "write it without; docs/blueprints.md tells what templates take"
        yield AuditFinding(code=Code.TEMPLATE, at=at, line=error.line, says=says, mend=mend)
    for name, step in view.steps.items():
        until = step.repeat.until if step.repeat else ""
        for where, text in zip(_CONDITIONS, (step.when, until, step.for_each), strict=True):
            if text and not any(b[:2] == (name, where) for b in view.broken):
                yield from _whole(name, where, text)


def _whole(name: str, where: str, text: str) -> Iterator[AuditFinding]:
    if not parse(text).whole:
        says = f"{where} is text, not an expression, so it would always hold"
        yield AuditFinding(
            code=Code.TEMPLATE,
            at=at_step(name, where),
            says=says,
            mend="write one expression in braces, as {{ steps.check.ok }}",
            steps=(name,),
        )


def addresses(view: View) -> Iterator[AuditFinding]:
    """Requests to anything but an endpoint of the allow-list."""
    for name, step in view.steps.items():
        if not step.http:
            continue
        if not _ENDPOINT.fullmatch(step.http.endpoint):
            at = at_step(name, "http.endpoint")
            says = f"{step.http.endpoint!r} is an address; only names of the allow-list are called"
            yield _address(name, at, says, "name an endpoint of the settings, as endpoint: crm")
        path = step.http.path
        if not _PATH.fullmatch(_FILLED.sub("x", path)) or path.startswith("/{"):
            at = at_step(name, "http.path")
            says = f"the path {path[:80]!r} could lead to another host"
            mend = "begin it with / and a word of your own, as /leads/; without spaces, \\, @ and #"
            yield _address(name, at, says, mend)


def _address(name: str, at: At, says: str, mend: str) -> AuditFinding:
    return AuditFinding(code=Code.ADDRESS, at=at, says=says, mend=mend, steps=(name,))


def unknown(view: View) -> Iterator[AuditFinding]:
    """What is read or needed and is not there."""
    for name, step in view.steps.items():
        for read in view.reads[name]:
            yield from _read(view, at_step(name, read.where), read, step)
        named = (("needs", step.needs), ("soft", step.soft), ("beside", step.beside))
        for field, steps in named:
            for number, other in enumerate(steps):
                if other not in view.steps:
                    yield _no_step(view, ("steps", name, field, number), other, 1)
        yield from _each(view, name, step)
        yield from _people(view, name)
    for read in view.result:
        yield from _read(view, ("result", *at_step("", read.where)[3:]), read, None)


def _read(view: View, at: At, read: Read, step: Step | None) -> Iterator[AuditFinding]:
    if read.kind is ReadKind.STEP and read.name not in view.steps:
        yield _no_step(view, at, read.name, read.line)
    elif read.kind is ReadKind.STEP and read.field:
        yield from _field(view.steps[read.name], f"steps.{read.name}", read, at)
    elif read.kind is ReadKind.INPUT and read.name and read.name not in view.blueprint.input:
        says = f"the input has no {read.name}; it has {_named(view.blueprint.input)}"
        mend = "add it under input, or correct its spelling"
        yield AuditFinding(code=Code.UNKNOWN_INPUT, at=at, line=read.line, says=says, mend=mend)
    elif read.kind is ReadKind.INPUT and read.name:
        yield from _inside(
            f"input.{read.name}", view.blueprint.input[read.name], read.field, read, at
        )
    elif read.kind is ReadKind.ITEM and not (step and step.for_each and _inner(read)):
        says = "there is no item here: it is known inside a step with for_each only"
        mend = "give the step for_each, or read a step or the input"
        yield AuditFinding(code=Code.NO_ITEM, at=at, line=read.line, says=says, mend=mend)
    elif read.kind is ReadKind.LAST:
        if not (step and step.repeat):
            says = "there is no last here: it is what the round before gave, inside repeat only"
            mend = "give the step repeat, or read a step or the input"
            yield AuditFinding(code=Code.NO_LAST, at=at, line=read.line, says=says, mend=mend)
        elif read.field and not step.for_each:
            yield from _field(step, "last", read, at)


def _inner(read: Read) -> bool:
    return read.where not in _OUTER


def _field(step: Step, said: str, read: Read, at: At) -> Iterator[AuditFinding]:
    """Find fields a step does not give, where what it gives is known."""
    field, says = read.field.split(".")[0], ""
    fields = fields_of(step)
    if said != "last" and step.for_each:
        says = f"{said} is a list, one for each item, so it has no field {field}"
        mend = f"loop over it, or collect: {said} | map('{field}')"
    elif fields is not None and field not in fields:
        says = f"{said} gives no {field}; it gives {_named(fields)}"
        mend = "add it to what the step gives, or correct its spelling"
    if says:
        yield AuditFinding(code=Code.UNKNOWN_FIELD, at=at, line=read.line, says=says, mend=mend)
    elif fields is not None:
        rest = read.field.partition(".")[2]
        yield from _inside(f"{said}.{field}", fields[field], rest, read, at)


def _inside(said: str, kind: FieldType, field: str, read: Read, at: At) -> Iterator[AuditFinding]:
    """Find a field read of what is declared to have none: a text, a number, a list."""
    if field and not kind.startswith("any"):
        named = kind.partition(" (")[0].removesuffix("?")
        yield AuditFinding(
            code=Code.UNKNOWN_FIELD,
            at=at,
            line=read.line,
            says=f"{said} is declared as {named}, so it has no field {field.partition('.')[0]}",
            mend="declare it as any, or read it as it is",
        )


def fields_of(step: Step) -> Mapping[str, FieldType] | None:
    """The fields of what a step gives, with their types; None where they are not known."""
    if step.ask:
        return step.gives or {"text": "text"}
    if step.gate:
        return _DECISION
    if changes(step):
        return _RECEIPT
    if isinstance(step.give, Mapping):
        return dict.fromkeys(step.give, "any")
    return None


def _each(view: View, name: str, step: Step) -> Iterator[AuditFinding]:
    """Find a for_each over what is declared as no list."""
    if not step.for_each or "|" in step.for_each:
        return
    reads = [read for read in view.reads[name] if read.where == "for_each"]
    if len(reads) != 1 or reads[0].guarded:
        return
    read, kind = reads[0], ""
    if read.kind is ReadKind.INPUT:
        kind = view.blueprint.input.get(read.name, "any") if not read.field else "any"
    elif read.kind is ReadKind.STEP and read.name in view.steps:
        source = view.steps[read.name]
        fields = {} if source.for_each else fields_of(source) or {}
        kind = fields.get(read.field, "any")
    if kind and not kind.startswith(("list of", "any")):
        says = f"for_each needs a list, and this is declared as {kind}"
        yield AuditFinding(
            code=Code.NOT_A_LIST,
            at=at_step(name, "for_each"),
            says=says,
            mend=f"declare it as list of {kind}, or name a field that is a list",
            steps=(name,),
        )


def _people(view: View, name: str) -> Iterator[AuditFinding]:
    """Find people who are asked, and declared as something else than names."""
    for read in view.reads[name]:
        kind = view.blueprint.input.get(read.name, "") if read.kind is ReadKind.INPUT else ""
        is_name = kind.removeprefix("list of ").startswith(("text", "any"))
        if read.where.startswith(_ASKED) and kind and not read.field and not is_name:
            yield AuditFinding(
                code=Code.UNKNOWN_NAME,
                at=at_step(name, read.where),
                says=f"people are asked by name, and {read.name} is declared as {kind}",
                mend="declare it as text or list of text, or name a field that is",
                steps=(name,),
            )


def _no_step(view: View, at: At, name: str, line: int) -> AuditFinding:
    says = f"there is no step {name}; there are {_named(view.steps)}"
    mend = "add the step, or correct its spelling"
    return AuditFinding(code=Code.UNKNOWN_STEP, at=at, line=line, says=says, mend=mend)


def _named(names: Iterable[str]) -> str:
    found = [*names]
    return ", ".join(found[:15]) + (", ..." if len(found) > 15 else "") or "none"


def unused(view: View) -> Iterator[AuditFinding]:
    """Results nobody uses, and input nobody reads; unknown while templates are not taken."""
    if view.broken:
        return
    every = [*view.result, *(read for reads in view.reads.values() for read in reads)]
    inputs = {read.name for read in every if read.kind is ReadKind.INPUT}
    for field in view.blueprint.input:
        if field not in inputs and "" not in inputs:
            says = f"the input {field} is read by no step"
            yield AuditFinding(
                code=Code.UNUSED_INPUT, at=("input", field), says=says, mend="read it or remove it"
            )
    if not view.blueprint.result:
        return
    used = {name for need in view.needs.values() for name in (*need.hard, *need.soft)}
    used |= {read.name for read in view.result}
    for name, step in view.steps.items():
        if name not in used and not changes(step) and not step.run:
            yield AuditFinding(
                code=Code.UNUSED_RESULT,
                at=at_step(name),
                says=f"nothing uses what {name} gives, yet it is waited and paid for",
                mend="read it in a step or in the result, or remove the step",
                steps=(name,),
            )


def offered(view: View, offers: Offers) -> Iterator[AuditFinding]:
    """Roles that nobody plays."""
    for name, step in view.steps.items():
        simpler = step.simpler.ask if step.simpler else ""
        first = step.cascade.first if step.cascade else ""
        named = (("ask", step.ask), ("simpler.ask", simpler), ("cascade.first", first))
        for where, role in named:
            if not role or role in offers.roles:
                continue
            yield AuditFinding(
                code=Code.UNKNOWN_NAME,
                at=at_step(name, where),
                says=f"there is no role {role}; there are {_named(sorted(offers.roles))}",
                mend="correct its spelling, or add it to the roles of llm.toml",
                steps=(name,),
            )
