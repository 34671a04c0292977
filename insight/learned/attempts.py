"""Attempts: what each call of a run teaches about how long its step takes and whether it works."""

from collections.abc import Iterable, Iterator
from enum import StrEnum

from pydantic import AwareDatetime
from temporalio.api.enums.v1 import WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent

from insight.history.spans import BROKEN, Span, SpanKind, SpanState
from workflows.data.common import Record

LEARNED = frozenset({SpanKind.ACTIVITY, SpanKind.LOCAL, SpanKind.NEXUS})
"""Kinds of spans that teach. A child is a process of its own and teaches by its own calls."""


class StepKey(Record):
    """What an estimate is about: a step of a process, with the model that does it.

    Vendor and model are empty for steps no model does; process and step are empty for what the
    journal knows of a model, over all processes. `simulated` steps ran at the simulator's speed.
    """

    process: str = ""
    step: str = ""
    vendor: str = ""
    model: str = ""
    simulated: bool = False

    @property
    def pool(self) -> tuple[str, str, str, bool]:
        """The steps that are thought to be alike: those of one model, else those of one name."""
        return self.vendor, self.model, "" if self.model else self.step, self.simulated


class Ending(StrEnum):
    """How an attempt ended. A cut one was given up: its time is only a lower bound."""

    DONE = "done"
    FAILED = "failed"
    CUT = "cut"


class Attempt(Record):
    """One call, its last attempt with its times and those that failed before only as a number.

    `seconds` is service alone: no queue, no wait for a permit, no pause between attempts; None
    where it is not known. `queue` are seconds until a worker took it up. A call that ran into its
    time limit is cut, and failed too.
    """

    key: StepKey
    at: AwareDatetime
    ending: Ending
    seconds: float | None = None
    queue: float | None = None
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


def copied(events: Iterable[HistoryEvent]) -> int:
    """Give the last event that a reset took over from the run it replaced; 0 without a reset."""
    return max((e.event_id - 1 for e in events if _resets(e)), default=0)


def _resets(event: HistoryEvent) -> bool:
    cause = event.workflow_task_failed_event_attributes.cause
    return cause == WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW


def attempts(
    found: Iterable[Span], process: str, *, simulated: bool, since: int = 0
) -> Iterator[Attempt]:
    """Read what the spans of a run of a process teach, in the order in which they ended.

    Left out is what tells nothing: a call still open or left behind (a history names the start of
    an attempt only when it closes), and a reply that was read back instead of sent for; and what
    ended up to the event `since`, which another run has taught already.
    """
    closed = [s for s in found if s.kind in LEARNED and s.ended is not None and s.closing > since]
    for span in sorted(closed, key=lambda span: (span.ended or span.scheduled, span.id)):
        if span.started is not None and not span.reused:
            yield _attempt(span, process, simulated=simulated)


def _attempt(span: Span, process: str, *, simulated: bool) -> Attempt:
    ending = _ENDINGS.get(span.state, Ending.CUT)
    ran, queued = span.run, span.queue_wait
    known = ran is not None and ending is not Ending.FAILED
    failed = span.state in BROKEN
    return Attempt(
        key=StepKey(
            process=process,
            step=span.name,
            vendor=span.vendor,
            model=span.model,
            simulated=simulated,
        ),
        at=span.ended or span.scheduled,
        ending=ending,
        seconds=max((ran - span.limited).total_seconds(), 0.0) if ran and known else None,
        queue=None if queued is None else queued.total_seconds(),
        failed=max(span.attempt - 1, 0) + failed,
        input_tokens=span.input_tokens,
        output_tokens=span.output_tokens,
    )


_ENDINGS = {SpanState.COMPLETED: Ending.DONE, SpanState.FAILED: Ending.FAILED}
