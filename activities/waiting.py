"""How long the other side asks us to wait: every form seen, in headers and in bodies."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_UNITS |= {"second": 1, "seconds": 1, "minute": 60, "minutes": 60, "hour": 3600, "hours": 3600}
_PIECE = rf"(\d+(?:\.\d+)?) ?({'|'.join(_UNITS)})(?![a-z])"
_DURATION = re.compile(f"(?:{_PIECE})+")
_IN_WORDS = re.compile(rf"\b(?:try again|retry) (?:in|after) ((?:{_PIECE})+)", re.IGNORECASE)
_REMAINING = re.compile(r"(?:x|anthropic)-ratelimit-(?:.+-)?remaining(?:-.+)?")


def waiting(
    headers: Mapping[str, str], error: Mapping[str, object], now: datetime
) -> timedelta | None:
    """Read a wait asked for: retry-after-ms, retry-after (seconds, duration or date), Gemini's
    RetryInfo, a message such as "try again in 6.2s". None: nothing readable is said.
    """
    if (milliseconds := _number(headers.get("retry-after-ms", ""))) is not None:
        return timedelta(milliseconds=milliseconds)
    after = headers.get("retry-after", "")
    if (told := _span(after)) is not None:
        return told
    if (until := _date(after)) is not None:
        return max(until - now, timedelta(0))
    if (told := _retry_info(error)) is not None:
        return told
    message = error.get("message")
    said = _IN_WORDS.search(message) if isinstance(message, str) else None
    return _span(said.group(1).lower()) if said else None


def exhausted(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Read when the limits that are used up are open again; the longest wait counts."""
    resets = [
        _reset(headers, name.replace("remaining", "reset"), now)
        for name, left in headers.items()
        if _REMAINING.fullmatch(name) and _number(left) == 0
    ]
    return max((reset for reset in resets if reset is not None), default=None)


def _reset(headers: Mapping[str, str], name: str, now: datetime) -> timedelta | None:
    """Read a reset: a duration, a time, seconds, or the Unix time. Azure says milliseconds,
    told by its header renewalperiod.
    """
    text = headers.get(name, "")
    if (number := _number(text)) is not None:
        if number >= 1e9:
            seconds = number / 1000 if number >= 1e11 else number
            return max(timedelta(seconds=seconds - now.timestamp()), timedelta(0))
        azure = name.replace("reset", "renewalperiod") in headers
        return timedelta(milliseconds=number) if azure else timedelta(seconds=number)
    if (span := _span(text)) is not None:
        return span
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return max(_aware(moment) - now, timedelta(0))


def _retry_info(error: Mapping[str, object]) -> timedelta | None:
    details = error.get("details")
    for entry in details if isinstance(details, list) else []:
        delay = entry.get("retryDelay") if isinstance(entry, dict) else None
        if isinstance(delay, str) and (span := _span(delay)) is not None:
            return span
    return None


def _span(text: str) -> timedelta | None:
    """Read seconds, or a duration such as 6m0s."""
    if (seconds := _number(text)) is None and _DURATION.fullmatch(text):
        seconds = sum(float(n) * _UNITS[unit] for n, unit in re.findall(_PIECE, text))
    return timedelta(seconds=seconds) if seconds is not None and seconds < 1e9 else None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value < 1e14 else None


def _date(text: str) -> datetime | None:
    try:
        return _aware(parsedate_to_datetime(text))
    except ValueError:
        return None


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
