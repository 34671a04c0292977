"""What the steps of a blueprint read of the input, of each other, of their item and last round."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from workflows.data.blueprints.blueprint import Blueprint, Step
from workflows.data.blueprints.filters import BadTemplate
from workflows.data.blueprints.language import parse
from workflows.data.blueprints.plan import StepId
from workflows.data.common import JSON, Record


class ReadKind(StrEnum):
    """What is read."""

    INPUT = "input"
    STEP = "step"
    ITEM = "item"
    LAST = "last"


class Read(Record):
    """One thing a template reads.

    `name` is the step or the field of the input; `field` the field read of the step, item or last
    round; either is empty when the whole is read. `where` is the template's place in its step, as
    `with.amount`; `line` the line in the template, from 1.
    """

    kind: ReadKind
    name: str = ""
    field: str = ""
    where: str
    line: int = 1
    guarded: bool = False
    """The template says what holds if it is empty."""


class Needs(Record):
    """The steps a step waits for, and those it takes along if they are there in time."""

    hard: tuple[StepId, ...] = ()
    soft: tuple[StepId, ...] = ()


def templates(step: Step) -> Iterator[tuple[str, str]]:
    """Give each template of a step with its place."""
    yield from (("prompt", step.prompt), ("when", step.when), ("for_each", step.for_each))
    if step.http:
        yield "http.path", step.http.path
    if step.gate:
        yield "gate.question", step.gate.question
        yield from _texts("gate.people", list(step.gate.people))
    if step.repeat:
        yield "repeat.until", step.repeat.until
    yield from _texts("give", step.give)
    yield from _texts("with", dict(step.given))
    yield from _texts("on_failure.default", step.on_failure.default)
    yield from _texts("on_failure.ask", list(step.on_failure.ask))
    if step.simpler:
        yield from _texts("simpler.give", step.simpler.give)
    if step.undo:
        yield from _texts("undo.with", dict(step.undo.given))


def reads(step: Step) -> frozenset[Read]:
    """Give all a step reads. Raises BadTemplate, naming the place, for a template not taken."""
    return frozenset(read for where, text in templates(step) for read in reads_in(where, text))


def result_reads(blueprint: Blueprint) -> frozenset[Read]:
    """Give what the result of a blueprint reads, as `reads` does."""
    texts = result_templates(blueprint)
    return frozenset(read for where, text in texts for read in reads_in(where, text))


def result_templates(blueprint: Blueprint) -> Iterator[tuple[str, str]]:
    """Give each template of the result with its place."""
    yield from _texts("result", dict(blueprint.result))


def needs_of(blueprint: Blueprint) -> Mapping[StepId, Needs]:
    """Give what each step waits for: what it reads or names in `needs`, unless it is soft.

    Steps that do not exist are left in; a step's undo and `until` may read the step itself.
    """
    return {name: needs_from(name, step, reads(step)) for name, step in blueprint.steps.items()}


def needs_from(name: StepId, step: Step, found: Iterable[Read]) -> Needs:
    """Give what one step waits for, out of what it reads."""
    own = ("undo.", "repeat.until")
    others = (r for r in found if r.kind is ReadKind.STEP)
    read = {r.name for r in others if r.name != name or not r.where.startswith(own)}
    soft = dict.fromkeys(step.soft)
    hard = dict.fromkeys([*step.needs, *sorted(read)])
    return Needs(hard=tuple(h for h in hard if h not in soft), soft=tuple(soft))


def _texts(where: str, value: JSON) -> Iterator[tuple[str, str]]:
    """Give the texts in a JSON value, each with its place."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts(f"{where}[{number}]", inner)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(f"{where}.{key}", inner)


def reads_in(where: str, text: str) -> Iterator[Read]:
    """Give what one template reads. Raises BadTemplate, naming the place."""
    if "{" not in text:
        return
    try:
        paths = parse(text).paths
    except BadTemplate as error:
        raise BadTemplate(f"{where}: {error}", error.line) from error
    for path in paths:
        root, *rest = path.parts
        named = root in ("input", "steps")
        name = rest[0] if named and rest else ""
        field = ".".join(rest[1:] if named else rest)
        kind = ReadKind("step" if root == "steps" else root)
        at = {"where": where, "line": path.line, "guarded": path.guarded}
        yield Read(kind=kind, name=name, field=field, **at)
