"""Paths: steps that may be left out, conditions that multiply, waits without a way out."""

from collections.abc import Iterator

from insight.plan.audit.conditions import Certain, is_value, paths
from insight.plan.audit.findings import AuditFinding, Code
from insight.plan.audit.view import View, at_step
from workflows.data.blueprints.blueprint import Step
from workflows.data.blueprints.references import Read, ReadKind

MOST_PATHS = 256
"""What eight conditions on different things make."""


def missing(view: View) -> Iterator[AuditFinding]:
    """Results that may be empty and are read as though they were always there."""
    for name, step in view.steps.items():
        told: set[str] = set()
        for read in view.reads[name]:
            if read.kind is not ReadKind.STEP or read.name not in view.steps or read.name in told:
                continue
            if read.guarded or read.name == name:
                continue
            if why := _may_be_empty(view, step, read, name):
                told.add(read.name)
                yield AuditFinding(
                    code=Code.MISSING_PATH,
                    at=at_step(name, read.where),
                    line=read.line,
                    says=f"{name} uses {read.name}, which {why} and is then empty",
                    mend=f"say what holds then, as steps.{read.name} | default(...) or an if;"
                    f" or give {name} the same condition",
                    steps=(name, read.name),
                )


def _may_be_empty(view: View, step: Step, read: Read, name: str) -> str:
    other, is_condition = view.steps[read.name], read.where == "when"
    certain = Certain(view.steps, name, apart=read.name if is_condition else "")
    if certain.gave(read.name) or (is_condition and is_value(step.when)):
        return ""
    if read.name in step.soft:
        return "may come too late"
    if other.when and not certain.happened(read.name):
        return "happens under a condition"
    if other.on_failure.skip:
        return "is skipped when it fails"
    return "may be left out, being optional," if other.optional else ""


def explosion(view: View) -> Iterator[AuditFinding]:
    """More paths than anyone can test."""
    conditions = dict.fromkeys(step.when for step in view.steps.values() if step.when)
    if (many := paths(conditions)) > MOST_PATHS:
        says = f"{len(conditions)} conditions make up to {many:,} paths"
        yield AuditFinding(
            code=Code.EXPLOSION,
            at=("steps",),
            says=says,
            mend="put steps under one condition into a sub-process, or decide the path in one step",
        )


def loops(view: View) -> Iterator[AuditFinding]:
    """Loops that never end, or never change."""
    for name, step in view.steps.items():
        if step.run == view.blueprint.name:
            yield AuditFinding(
                code=Code.ENDLESS,
                at=at_step(name, "run"),
                says=f"{name} runs {step.run} within itself, without end",
                mend="use repeat, or run another blueprint",
                steps=(name,),
            )
        until = [read for read in view.reads[name] if read.where == "repeat.until"]
        changing = any(r.kind is ReadKind.LAST or r.name == name for r in until)
        if step.repeat and not changing:
            yield AuditFinding(
                code=Code.IDLE_LOOP,
                at=at_step(name, "repeat.until"),
                says="no round can change this condition: it does not read what the round gave",
                mend="read last, as {{ last.score >= 8 }}",
                steps=(name,),
            )


def ways_out(view: View) -> Iterator[AuditFinding]:
    """Steps others wait for, which could hold them up for good: told of together."""
    held = [n for n, step in view.steps.items() if view.followers[n] and not _way_out(step)]
    if held:
        yield AuditFinding(
            code=Code.NO_WAY_OUT,
            at=at_step(held[0]),
            says=f"others wait for {', '.join(held)}: nothing says what holds without an answer",
            mend="write timeout (of gates and events: deadline), or on_failure: {default: ...};"
            " {fail: true} says that the case may fail",
            steps=tuple(held),
        )


def _way_out(step: Step) -> bool:
    deadline = step.gate.deadline if step.gate else step.event.deadline if step.event else None
    said = "on_failure" in step.model_fields_set
    return step.kind == "give" or bool(step.timeout or deadline or said)
