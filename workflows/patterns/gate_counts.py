"""Counts gates as they are opened, nudged and ended; silent on replay and outside workflows."""

from temporalio import workflow

from workflows.data.metrics import (
    GATE_NUDGES,
    GATES_ENDED,
    GATES_OPENED,
    NOTING,
    GateNote,
    Metric,
)


def gate_opened(name: str) -> None:
    """Count a gate that was opened; one carried over from an earlier run was counted there."""
    _count(GATES_OPENED)
    _note(name, opened=True)


def gate_ended(name: str, *, timed_out: bool) -> None:
    """Count a gate that people settled, or that nobody settled in time."""
    _count(GATES_ENDED, outcome="timed_out" if timed_out else "settled")
    _note(name, opened=False)


def gate_given_up(name: str) -> None:
    """Count a gate that is not asked any more: its branch or case ended first."""
    _count(GATES_ENDED, outcome="given_up")
    _note(name, opened=False)


def gate_nudged(name: str, level: int) -> None:
    """Count a reminder (level 0), or a level of the escalation that was reached."""
    _count(GATE_NUDGES, kind="escalation" if level else "reminder")
    _note(name, opened=True)  # a worker killed as it opened may not have kept it


def _count(metric: Metric, **labels: str) -> None:
    if workflow.in_workflow():
        workflow.metric_meter().create_counter(metric.name, metric.says).add(1, labels)


def _note(name: str, *, opened: bool) -> None:
    """Tell the worker, if it keeps a note of open gates."""
    if not workflow.in_workflow() or workflow.unsafe.is_replaying():
        return
    if (keep := workflow.extern_functions().get(NOTING)) is not None:
        info = workflow.info()
        keep(GateNote(info.workflow_id, info.workflow_type, name, opened))
