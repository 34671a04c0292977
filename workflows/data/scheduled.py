"""Records of recurring runs: what a schedule starts each time, and what it hands on."""

from datetime import date

from workflows.data.common import JSON, CaseId, Record

SCHEDULED_RUN = "scheduled-run"
LAST = "last"
"""The field of an input in which a run finds the result of the last one."""


class ScheduledOrder(Record):
    """What is started at each time: the process, the prefix of its workflow ids, its input.

    `dated` are the top-level fields of the input that hold the day of the run. A run that `goes_on`
    finds in the field `last` of its input what the last one ended with. `review` is the schedule
    whose days follow the review date each run comes to; without it they stay as they are. `service`
    is the Temporal service by which the store knows what was promoted.
    """

    process: str
    prefix: str
    case: CaseId
    given: dict[str, JSON]
    dated: tuple[str, ...] = ()
    goes_on: bool = False
    review: str = ""
    service: str = ""

    def on(self, day: date, last: JSON = None) -> dict[str, JSON]:
        """Give the input as it is on a day, after a run that handed on `last`."""
        went_on: dict[str, JSON] = {LAST: last} if self.goes_on else {}
        return {**self.given, **went_on, **dict.fromkeys(self.dated, day.isoformat())}


class ScheduledEnd(Record):
    """The case a run came to, by its workflow id, and its result if the next one goes on there."""

    case: str
    result: JSON = None


class ReviewDays(Record):
    """A customer is screened again on the day `first`, then every so many `years`."""

    schedule: str
    first: date
    years: int
    note: str


class Rescheduled(Record):
    """Whether the schedule is still there; it is removed when a customer leaves."""

    found: bool
