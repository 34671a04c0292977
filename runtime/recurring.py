"""The days of schedules that come round after years."""

from datetime import date

from temporalio.client import ScheduleCalendarSpec, ScheduleRange, ScheduleSpec

LAST_YEAR = 2100
HOUR = 6
"""Of the day (UTC) on which a customer is screened again."""


def yearly(first: date, years: int) -> ScheduleSpec:
    """Give a day every so many years; the 29th of February counts as the 28th."""
    day = 28 if (first.month, first.day) == (2, 29) else first.day
    calendar = ScheduleCalendarSpec(
        year=[ScheduleRange(first.year, LAST_YEAR, years)],
        month=[ScheduleRange(first.month)],
        day_of_month=[ScheduleRange(day)],
        hour=[ScheduleRange(HOUR)],
    )
    return ScheduleSpec(calendars=[calendar])
