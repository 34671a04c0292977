"""The days of schedules that come round after years, and changes to schedules made sure of."""

from collections.abc import Awaitable, Callable
from datetime import date

from temporalio.client import (
    ScheduleCalendarSpec,
    ScheduleDescription,
    ScheduleHandle,
    ScheduleRange,
    ScheduleSpec,
)

LAST_YEAR = 2100
HOUR = 6
"""Of the day (UTC) on which a customer is screened again."""


def yearly(first: date, years: int) -> ScheduleSpec:
    """Give a day every so many years; the 29th of February counts as the 28th."""
    day = 28 if (first.month, first.day) == (2, 29) else first.day
    calendar = ScheduleCalendarSpec(
        year=(ScheduleRange(first.year, LAST_YEAR, years),),
        month=(ScheduleRange(first.month),),
        day_of_month=(ScheduleRange(day),),
        hour=(ScheduleRange(HOUR),),
    )
    return ScheduleSpec(calendars=[calendar])


class NotChanged(RuntimeError):
    """A schedule did not take a change."""


async def made_sure(
    handle: ScheduleHandle,
    change: Callable[[], Awaitable[None]],
    stands: Callable[[ScheduleDescription], bool],
    tries: int = 10,
) -> None:
    """Change a schedule until it stands so: the server answers that it took a change, and forgets
    it if another one (a pause, a run now, new days) comes before it is read.

    Raises NotChanged after so many tries.
    """
    for _ in range(tries):
        await change()
        if stands(await handle.describe()):
            return
    raise NotChanged(f"schedule {handle.id!r} did not take a change in {tries} tries")
