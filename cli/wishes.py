"""What `stats` is asked for: the words of the command line, read and checked."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cli.errors import BadInput
from insight.statistics.runs import RunSummary
from insight.statistics.stats import BY, Period
from insight.statistics.worth import Labour

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_LENGTH = re.compile(r"(?:\d+(?:\.\d+)?[dhms])+")


@dataclass(frozen=True)
class Side:
    """One side of a comparison: a moment, or a word that tells versions apart."""

    word: str
    moment: datetime | None

    def has(self, case: RunSummary) -> bool:
        """Say whether a case is of this version: of a build (or its beginning) or with a mark."""
        return case.facts.version.startswith(self.word) or self.word in case.facts.marks


@dataclass(frozen=True)
class Wishes:
    """What is to be shown."""

    period: Period
    before: Side | None = None
    after: Side | None = None
    by: str = ""
    labour: Labour | None = None

    def within(self, cases: Sequence[RunSummary]) -> list[RunSummary]:
        """Keep the cases that began in the period."""
        since, until = self.period
        return [
            case
            for case in cases
            if (since is None or case.started >= since) and (until is None or case.started < until)
        ]

    def sides(self, cases: Sequence[RunSummary]) -> tuple[list[RunSummary], list[RunSummary]]:
        """Split cases for the comparison. A side that was not named is all the other has not."""
        first, then = self.before, self.after
        is_first = _choice(first, lambda case, at: case.started < at)
        is_then = _choice(then, lambda case, at: case.started >= at)
        one = [case for case in cases if (is_first(case) if first else not is_then(case))]
        two = [case for case in cases if (is_then(case) if then else not is_first(case))]
        return one, two


def _choice(
    side: Side | None, lies: Callable[[RunSummary, datetime], bool]
) -> Callable[[RunSummary], bool]:
    def chosen(case: RunSummary) -> bool:
        if side is None:
            return False
        return side.has(case) if side.moment is None else lies(case, side.moment)

    return chosen


def period(since: str, until: str, now: datetime) -> Period:
    """Read from when to when cases count; what has a beginning lasts to now. Raises BadInput."""
    end = moment(until, "--until", now) or (now if since else None)
    return Period(moment(since, "--since", now), end)


def moment(text: str, option: str, now: datetime) -> datetime | None:
    """Read a moment: a day or time (UTC unless it says), or so long ago. Raises BadInput."""
    if not text:
        return None
    found = _iso(text)
    if found is None and _LENGTH.fullmatch(text):
        found = now - length(text, option)
    if found is None:
        raise BadInput(f"{option} {text!r}: write a day as 2026-11-20, or how long ago, as 7d")
    return found


def _iso(text: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(text) if re.match(r"\d{4}-", text) else None
    except ValueError:
        return None
    return read and (read if read.tzinfo else read.replace(tzinfo=UTC))


def length(text: str, option: str) -> timedelta:
    """Read a length of time, as 6h, 1h30m or 2d. Raises BadInput."""
    if not _LENGTH.fullmatch(text):
        raise BadInput(f"{option} {text!r}: write a length of time, as 6h or 1h30m")
    parts = re.findall(r"([\d.]+)([dhms])", text)
    try:
        return sum((timedelta(**{_UNITS[u]: float(n)}) for n, u in parts), timedelta())
    except OverflowError:
        raise BadInput(f"{option} {text!r}: too long; write hours or days") from None


def side(text: str, option: str) -> Side | None:
    """Read a side of a comparison; what begins as a day must be one. Raises BadInput."""
    if not text:
        return None
    at = _iso(text)
    if at is None and re.fullmatch(r"\d{4}-\d{2}-\d{2}.*", text):
        raise BadInput(f"{option} {text!r}: write a day that exists, as 2026-11-20")
    return Side(text, at)


def grouping(text: str) -> str:
    """Check what cases are to be grouped by. Raises BadInput."""
    if text and text not in BY:
        raise BadInput(f"--by {text!r}: say {', '.join(BY)}; by path they stand there anyhow")
    return text


def labour(by_hand: str, rate: float | None, decision: str) -> Labour | None:
    """Read what is assumed of work by hand. Raises BadInput for a rate without it."""
    if not by_hand:
        if rate is not None or decision:
            raise BadInput("--rate and --decision need --by-hand: what a case takes, as 6h")
        return None
    each = length(decision, "--decision") if decision else None
    return Labour(length(by_hand, "--by-hand"), rate, each)
