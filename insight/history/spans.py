"""Spans: the stretches of time in a history, with what became of them."""

from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from pydantic import AwareDatetime

from workflows.data.common import Record


class SpanKind(StrEnum):
    """What the time was spent on."""

    ACTIVITY = "activity"
    LOCAL = "local_activity"
    TIMER = "timer"
    SIGNAL = "signal"
    UPDATE = "update"
    CHILD = "child"
    NEXUS = "nexus"
    SENT = "sent"
    """A signal, or a request to cancel, sent to another workflow."""


CALLS = frozenset({SpanKind.ACTIVITY, SpanKind.LOCAL})
"""Kinds that a worker of the run's own does: machine time."""
WORK = CALLS | {SpanKind.CHILD, SpanKind.NEXUS}
"""Kinds in which something works, not only waits."""
MESSAGES = frozenset({SpanKind.SIGNAL, SpanKind.UPDATE})
"""Kinds that come from outside: no command began them."""


class SpanState(StrEnum):
    """What became of a span.

    An open activity may be queued, running or backing off: a history records the start of an
    attempt only when the activity closes. Abandoned means the case ended first.
    """

    OPEN = "open"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"


BROKEN = frozenset({SpanState.FAILED, SpanState.TIMED_OUT})
"""States of what did not do what it was begun for."""


class Status(StrEnum):
    """What became of a run."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    TERMINATED = "terminated"
    CONTINUED = "continued_as_new"


RUN = 1_000_000
"""Ids of the spans of run k of a tree begin at k times this; no history is as long."""


class WorkflowTask(Record):
    """One turn of the workflow's own code.

    `id` is the id of its WorkflowTaskScheduled event, `completed` that of WorkflowTaskCompleted
    (0 where it failed, timed out, or is open); `error` is why it failed.
    """

    id: int
    scheduled: AwareDatetime
    started: AwareDatetime | None = None
    ended: AwareDatetime | None = None
    completed: int = 0
    error: str = ""


class Span(Record):
    """A stretch of time in a history.

    `id` is the id of the event that began it, in a tree of runs plus `RUN` times the number of
    its run. A signal is an instant: its three times agree. `started` is when the last attempt was
    taken up, `attempt` its number (0 where the history records no start). `error` is why it
    failed, `retried_for` why the attempt before did. A local activity is told of by one event, when
    it ends, so that is its id, and its `task` the one it ended in; it is taken up at once, and
    where its marker (Go's) says no start, that is the earliest there can have been.

    `task` is the id of the WorkflowTaskCompleted event whose command began it (0 for messages),
    `closing` that of the event that ended it (0 while open), `taken` that of the event that told
    of its start where the workflow learns of that (children, Nexus).
    """

    kind: SpanKind
    name: str
    branch: str = ""
    attempt: int = 0
    scheduled: AwareDatetime
    started: AwareDatetime | None = None
    ended: AwareDatetime | None = None
    state: SpanState = SpanState.OPEN
    usd: Decimal | None = None
    """US dollars a model call cost; 0 if its reply was counted with an earlier call."""
    reused: bool = False
    input_tokens: int = 0
    """Tokens a model call was billed for; 0 like `usd` for a reply counted before."""
    output_tokens: int = 0
    window_share: float | None = None
    """Input and output tokens as a share of the model's window; None where that is not known.
    A repaired answer took two askings, so its share is theirs together.
    """
    error: str = ""
    retried_for: str = ""
    id: int
    task: int = 0
    closing: int = 0
    taken: int = 0
    backoff: timedelta = timedelta()
    """The planned pauses before its last attempt, from its retry policy."""
    limited: timedelta = timedelta()
    """How long its last attempt waited for a permit, where the answer says so."""
    queue: str = ""
    """The task queue it was sent to."""
    worker: str = ""
    """Who took up its last attempt, by the identity it gave itself."""
    vendor: str = ""
    model: str = ""
    child: str = ""
    """The run id of a child; empty for everything else."""

    @property
    def queue_wait(self) -> timedelta | None:
        """Time until a worker took it up; None if retried or never started.

        A history keeps the last start only, so the first wait of a retried call is lost.
        """
        if self.started is None or self.attempt > 1:
            return None
        return max(self.started - self.scheduled, timedelta())

    @property
    def run(self) -> timedelta | None:
        """Time the last attempt took; None while open or if it never started."""
        if self.started is None or self.ended is None:
            return None
        return max(self.ended - self.started, timedelta())
