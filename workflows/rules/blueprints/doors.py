"""What a blueprint may name: sources and effects by their Calls, and processes written as code."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from workflows import calls
from workflows.calls import Call
from workflows.data.blueprints.blueprint import Step
from workflows.data.blueprints.case import BlueprintCase
from workflows.data.blueprints.planned import called
from workflows.data.case_file import CaseFile
from workflows.data.common import JSON, Record
from workflows.data.content_generation import ContentBrief
from workflows.data.content_production import ContentOrder
from workflows.data.document_analysis import AnalysisCase
from workflows.data.email_triage import TriageCase
from workflows.data.intelligence import IntelligenceOrder
from workflows.data.orders import OrderCase
from workflows.data.pipeline import PipelineOrder
from workflows.data.proposal import ProposalCase
from workflows.data.sentiment import SentimentCase
from workflows.data.submission import SubmissionCase
from workflows.data.support import SupportRequest

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
PROCESSES: Mapping[str, type[Record]] = {
    "due-diligence": CaseFile,
    "order-fulfilment": OrderCase,
    "content-production": ContentOrder,
    "regulatory-submission": SubmissionCase,
    "competitive-intelligence": IntelligenceOrder,
    "content-generation": ContentBrief,
    "sentiment": SentimentCase,
    "document-analysis": AnalysisCase,
    "support-request": SupportRequest,
    "data-pipeline": PipelineOrder,
    "email-triage": TriageCase,
    "proposal": ProposalCase,
}
"""Processes a step may run besides blueprints, with their input; those of the command line."""

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
    yield from _given((*at, "with"), step.given, called(step), _takes(case, step))
    if step.undo and undo in EFFECTS:
        takes = _fields(EFFECTS[undo].input)
        yield from _given((*at, "undo", "with"), step.undo.given, undo, takes)
    if step.http and not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", step.http.endpoint):
        said = "an endpoint is named, never addressed; name one of BRAID_ENDPOINTS, as crm"
        yield (*at, "http", "endpoint"), said


def _takes(case: BlueprintCase, step: Step) -> Mapping[str, bool] | None:
    """Give what the one called takes, and whether it must be given; None where nobody knows."""
    if step.run in case.others:
        wanted = case.others[step.run].input
        return {field: not kind.endswith("?") for field, kind in wanted.items()}
    call = SOURCES.get(step.source) or EFFECTS.get(step.effect)
    record = call.input if call else PROCESSES.get(step.run)
    return _fields(record) if record else None


def _fields(record: type[Record]) -> Mapping[str, bool]:
    return {name: field.is_required() for name, field in record.model_fields.items()}


def _given(
    at: Sequence[int | str], given: Mapping[str, JSON], name: str, takes: Mapping[str, bool] | None
) -> Iterator[Misfit]:
    """Say what is given and not taken, or must be given and is not."""
    if takes is None:
        return
    known = ", ".join(takes) or "nothing"
    for field in given:
        if field not in takes:
            yield (*at, field), f"{name} takes no {field!r}; it takes {known}"
    if missing := [field for field, must in takes.items() if must and field not in given]:
        yield at, f"{name} needs {', '.join(missing)}; give it in `with`"


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
