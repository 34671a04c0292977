"""The metrics of our own, by name: what each counts and its labels. Temporal's SDK has more.

A label is an id of ours or an enumerated word, never data of a case.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a metric behaves, and with it the ending its name gets for Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    SECONDS = "histogram"


_ENDINGS = {Kind.COUNTER: "_total", Kind.GAUGE: "", Kind.SECONDS: "_seconds"}


@dataclass(frozen=True)
class Metric:
    """One metric; `labels` are those we give it, the SDK may add some."""

    name: str
    kind: Kind
    says: str
    labels: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The name as Prometheus has it."""
        return self.name + _ENDINGS[self.kind]


CALLS = Metric(
    "braid_calls",
    Kind.COUNTER,
    "calls of services: sent, read back (journal, cache), refused, not_sent, left_alone (its"
    " breaker is open), lost (may be billed), given_up",
    ("service", "outcome"),
)
PERMIT_WAIT = Metric(
    "braid_permit_wait", Kind.SECONDS, "how long a call waited for its permit", ("service",)
)
COST = Metric(
    "braid_cost_microusd",
    Kind.COUNTER,
    "what model replies cost, in millionths of a US dollar",
    ("service", "model", "process", "simulated"),
)
BACKLOG = Metric(
    "braid_backlog", Kind.GAUGE, "tasks that wait on a queue for a worker", ("queue", "kind")
)
BACKLOG_AGE = Metric(
    "braid_backlog_age_seconds",
    Kind.GAUGE,
    "how long the first of them has waited",
    ("queue", "kind"),
)
HELD = Metric("braid_calls_held", Kind.GAUGE, "calls that limits hold back", ("service",))
UNCERTAIN = Metric(
    "braid_calls_uncertain",
    Kind.GAUGE,
    "of the last 10,000 claims, those sent perhaps and never answered",
)
BREAKER = Metric(
    "braid_breaker", Kind.GAUGE, "0 closed, 1 half open, 2 open: nothing is sent", ("service",)
)
STORE_UP = Metric("braid_store_up", Kind.GAUGE, "1 if the store answered the last look, else 0")
OPEN_GATES = Metric(
    "braid_open_gates", Kind.GAUGE, "gates at which people are asked now", ("workflow_type",)
)
GATES_OPENED = Metric("braid_gates_opened", Kind.COUNTER, "gates at which people were asked")
GATES_ENDED = Metric(
    "braid_gates_ended",
    Kind.COUNTER,
    "gates that were settled, timed out, or given up",
    ("outcome",),
)
GATE_NUDGES = Metric(
    "braid_gate_nudges",
    Kind.COUNTER,
    "reminders sent and levels of escalation reached at open gates",
    ("kind",),
)

METRICS = (
    CALLS,
    PERMIT_WAIT,
    COST,
    BACKLOG,
    BACKLOG_AGE,
    HELD,
    UNCERTAIN,
    BREAKER,
    STORE_UP,
    OPEN_GATES,
    GATES_OPENED,
    GATES_ENDED,
    GATE_NUDGES,
)
"""All of them."""
GATE_ENDS = ("settled", "timed_out", "given_up")
NUDGES = ("reminder", "escalation")
NOTING = "braid_note_of_gate"
"""Name of the function by which a workflow tells its worker of a gate: what it tells is a note."""


@dataclass(frozen=True)
class GateNote:
    """A gate of a case (its workflow id) was opened, or is not open any more."""

    case: str
    process: str
    gate: str
    opened: bool
