"""Records of a report that is owed to an authority: who must file it, and by when."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Annotated

from pydantic import AwareDatetime, Field

from workflows.data.common import CaseId, PersonName, Record
from workflows.data.deciders import Keyed


class ReportOrder(Keyed):
    """A case that must be reported by the end of the day `due`; `people` may say that it was."""

    case: CaseId
    reason: str
    due: date
    people: Annotated[tuple[PersonName, ...], Field(min_length=1)]
    remind_every: timedelta

    def deciders(self) -> Iterable[str]:
        """Name the people."""
        return self.people


class ReportFiled(Record):
    """The end of the task. Not `filed`: nobody said so within a year; the duty is still open."""

    filed: bool
    by: PersonName | None = None
    at: AwareDatetime
    late: bool
    comment: str = ""
