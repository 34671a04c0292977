"""What made what happen in a run: causes, critical path, slack, parallelism, and what waits cost.

Nodes of the graph are spans, by their id, and two more: `START` and `END` of the run.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from pydantic import AwareDatetime, Field

from workflows.data.common import Record

START = 0
"""The cause of what the first workflow task did."""
END = -1
"""The effect that closes a run."""


class Certainty(StrEnum):
    """How sure a cause is.

    Certain: the workflow task that gave the command had seen nothing else new. Possible: it had
    seen several completions or messages at once, and any of them may have been the one.
    """

    CERTAIN = "certain"
    POSSIBLE = "possible"


class Edge(Record):
    """The end (or arrival) of `cause` woke the workflow, which then began `effect`.

    `event` is the id of the event that brought the news. Of several possible causes of one effect
    exactly one is `likely`: the one the critical path goes through. A request to cancel the run
    is no span: its cause is `START`, its `event` the request.
    """

    cause: int
    effect: int
    event: int
    certainty: Certainty
    likely: bool = True


class Wait(StrEnum):
    """What time was spent on. All but `RUN` are waits, named by what was waited for."""

    RUN = "run"
    """An activity, local activity, child or Nexus operation at work."""
    QUEUE = "queue"
    """For a worker to take up a task."""
    LIMITER = "limiter"
    """For a permit of a vendor's limit."""
    RETRY = "retry"
    """Attempts that failed and the pauses after them."""
    TIMER = "timer"
    """For a timer of the workflow's own."""
    PERSON = "person"
    """For a person's word."""
    EVENT = "event"
    """For a message from outside that no person is known to send."""
    JOIN = "join"
    """Done already, until the others that something waited for were done too."""
    TASK = "task"
    """For the workflow itself to take notice: a workflow task, queued, running or failed."""


class Segment(Record):
    """A stretch of the critical path. Segments touch; together they are the whole run.

    `span` is whose time it is: 0 where it is nobody's (a wait for a message, a workflow task).
    """

    span: int
    wait: Wait
    start: AwareDatetime
    end: AwareDatetime


class Step(Record):
    """What the graph says of one span.

    `slack` is by how much it could at least have ended later without the run ending later, if what
    it triggered is all that waited for it: zero on the critical path; None for what never ended
    by itself. `join` is how long its result lay there until
    the workflow did something after later news; zero for what triggered something at once.
    `critical` is its time on the critical path, `share` that time as a part of the run (0 to 1).
    `retry` is what its failed attempts and the pauses after them cost in time.
    """

    span: int
    slack: timedelta | None
    join: timedelta
    critical: timedelta
    share: float
    retry: timedelta = timedelta()


class Level(Record):
    """From `at` on, `open` spans of work were under way."""

    at: AwareDatetime
    open: int


class Flow(Record):
    """The graph of a run and what follows from it.

    `lower_bound` is the length the run would have had with the same causes and the same work, but
    without false waits: no queue, limiter, retry, or workflow task; work whose end triggered
    nothing counts as awaited by what was begun next. `utilisation` is work done
    over what `peak` parallel places could have done while any was open (0 to 1). `waits` sums
    every span's time by what it was spent on, so parallel times count as often as they occur;
    `on_path` sums the critical path's, and is the run's length. `left_out` counts causes that are
    only possible and not among the edges, of runs that have too many.
    """

    edges: tuple[Edge, ...] = ()
    left_out: int = 0
    path: tuple[Segment, ...] = ()
    steps: tuple[Step, ...] = ()
    levels: tuple[Level, ...] = ()
    peak: int = 0
    utilisation: float = 0.0
    lower_bound: timedelta = timedelta()
    waits: Mapping[Wait, timedelta] = Field(default_factory=dict)
    on_path: Mapping[Wait, timedelta] = Field(default_factory=dict)
