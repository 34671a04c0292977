"""Time as the store writes it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Read the clock of this machine."""
    return datetime.now(UTC)


def written(moment: datetime) -> str:
    """Write a moment as UTC, ISO 8601 with microseconds: text that sorts by time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def read(text: str) -> datetime:
    """Read what `written` wrote."""
    return datetime.fromisoformat(text)
