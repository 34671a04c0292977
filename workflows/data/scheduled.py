"""Records of recurring runs: what a schedule starts each time."""

from datetime import date

from workflows.data.common import JSON, CaseId, Record

SCHEDULED_RUN = "scheduled-run"


class ScheduledOrder(Record):
    """What is started at each time: the process, the prefix of its workflow ids, its input.

    `dated` are the top-level fields of the input that hold the day of the run.
    """

    process: str
    prefix: str
    case: CaseId
    given: dict[str, JSON]
    dated: tuple[str, ...] = ()

    def on(self, day: date) -> dict[str, JSON]:
        """Give the input as it is on a day."""
        return {**self.given, **dict.fromkeys(self.dated, day.isoformat())}


class ScheduledEnd(Record):
    """The case a run came to, by its workflow id."""

    case: str
