"""What a blueprint may name: sources and effects by their Calls, and processes written as code."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from workflows import calls
from workflows.calls import Call
from workflows.data.blueprints.blueprint import Step
from workflows.data.blueprints.case import BlueprintCase

EFFECTS: Mapping[str, Call[Any, Any]] = {
    "mail": calls.MAIL,
    "chat": calls.CHAT,
    "account": calls.ACCOUNT,
    "payment": calls.PAYMENT,
    "stock": calls.STOCK,
    "label": calls.LABEL,
    "load": calls.LOAD,
    "endpoint": calls.ENDPOINT,
}
SOURCES: Mapping[str, Call[Any, Any]] = {
    call.name: call
    for call in calls.ALL
    if call.always_visible
    and call not in EFFECTS.values()
    and call not in (calls.KEEPER, calls.TOPIC)
}
PROCESSES = (
    "due-diligence",
    "order-fulfilment",
    "content-production",
    "regulatory-submission",
    "competitive-intelligence",
    "content-generation",
    "sentiment",
    "document-analysis",
    "support-request",
    "data-pipeline",
    "email-triage",
    "proposal",
)
"""Processes a step may run besides blueprints; those of the command line (test)."""


Misfit: TypeAlias = tuple[Sequence[int | str], str]
"""Where something stands in a blueprint, and what is wrong with it."""


def misfits(case: BlueprintCase) -> list[Misfit]:
    """Say what a blueprint names that is not there, with the mend; nothing if all is there."""
    return [said for name, step in case.blueprint.steps.items() for said in _of(case, name, step)]


def _of(case: BlueprintCase, name: str, step: Step) -> Iterator[Misfit]:
    at = ("steps", name)
    undo = step.undo.effect if step.undo else ""
    for where, word, known in (
        (("source",), step.source, SOURCES),
        (("effect",), step.effect, EFFECTS),
        (("undo", "effect"), undo, EFFECTS),
        (("run",), step.run, {*case.others, *PROCESSES}),
    ):
        if word and word not in known:
            there = ", ".join(sorted(known))
            yield (*at, *where), f"there is no {where[-1]} {word!r}; there is {there}"
    if step.run in case.others and _comes_back(step.run, case):
        yield (*at, "run"), f"{step.run} runs itself again, without end; use repeat"
    if step.undo and step.kind not in ("effect", "http"):
        yield (*at, "undo"), "only what has an effect is undone; leave it out"
    call = SOURCES.get(step.source) or EFFECTS.get(step.effect)
    for field in step.given if call else ():
        if call and field not in call.input.model_fields:
            takes = ", ".join(call.input.model_fields)
            yield (*at, "with", field), f"{call.name} takes no {field!r}; it takes {takes}"
    if step.http and not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", step.http.endpoint):
        said = "an endpoint is named, never addressed; name one of BRAID_ENDPOINTS, as crm"
        yield (*at, "http", "endpoint"), said


def _comes_back(name: str, case: BlueprintCase) -> bool:
    """Tell whether a blueprint leads to itself, or to the case's own, by what its steps run."""
    todo, seen = [name], set[str]()
    while todo:
        current = case.others.get(todo.pop())
        for step in current.steps.values() if current else ():
            if step.run in (name, case.blueprint.name):
                return True
            if step.run not in seen:
                seen.add(step.run)
                todo.append(step.run)
    return False
