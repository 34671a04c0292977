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


def stamp(seconds: float) -> str:
    """Write seconds since the epoch as `written` does; 0 (never) is empty."""
    return written(datetime.fromtimestamp(seconds, UTC)) if seconds else ""


def seconds(text: str | None) -> float:
    """Read a moment as seconds since the epoch; none or empty is 0 (never)."""
    return read(text).timestamp() if text else 0.0
