"""Limits a service enforces: token bucket or sliding window, and requests at once.

Times are monotonic seconds, given by the caller. An amount over the whole limit is never let in.
"""

from collections import Counter, deque
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, TypeAdapter, model_validator

from workflows.data.common import Record

_SLACK = 1e-9
"""Room for the rounding of floats: a thousandth of a millionth of a request."""


class LimitKind(StrEnum):
    """How a service counts."""

    BUCKET = "bucket"
    """A token bucket: as many at once as it holds, refilled evenly."""
    WINDOW = "window"
    """A sliding window: never more in any stretch of `per` seconds."""


class Limit(Record):
    """What a service lets in: requests and tokens `per` so many real seconds, requests at once.

    `model` limits it to one model, empty counts all models together; `announce` tells the true
    figures in the rate-limit headers, where the vendor has any.
    """

    service: str
    model: str = ""
    requests: Annotated[int, Field(ge=0)] | None = None
    tokens: Annotated[int, Field(ge=0)] | None = None
    concurrency: Annotated[int, Field(ge=0)] | None = None
    per: Annotated[float, Field(gt=0)] = 60.0
    kind: LimitKind = LimitKind.BUCKET
    announce: bool = False

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.requests is None and self.tokens is None and self.concurrency is None:
            raise ValueError(
                f"the limit of {self.service!r} limits nothing: give requests, tokens or"
                " concurrency"
            )
        return self


LIMITS = TypeAdapter(tuple[Limit, ...])


class Bucket:
    """A token bucket: holds `most`, full at first, refilled at `most` in `per` seconds."""

    def __init__(self, most: float, per: float, level: float | None = None) -> None:
        self.most, self.per = most, per
        self.level = most if level is None else min(level, most)
        self._at: float | None = None

    def wait(self, now: float, amount: float) -> float:
        """Give the seconds until `amount` is let in; 0 lets it in now."""
        self._refill(now)
        if amount > self.most:
            return self.per
        return max(0.0, (amount - self.level - _SLACK) * self.per / self.most) if amount else 0.0

    def take(self, now: float, amount: float) -> None:
        """Count what was let in."""
        self._refill(now)
        self.level -= amount

    def left(self, now: float) -> float:
        """Give what may still be taken."""
        self._refill(now)
        return self.level

    def _refill(self, now: float) -> None:
        if self._at is not None:
            gained = max(0.0, now - self._at) * self.most / self.per
            self.level = min(self.most, self.level + gained)
        self._at = now if self._at is None else max(self._at, now)


class Window:
    """A sliding window: at most `most` in any stretch of `per` seconds, from a log of them all."""

    def __init__(self, most: float, per: float, log: deque[tuple[float, float]] | None = None):
        self.most, self.per = most, per
        self.log: deque[tuple[float, float]] = deque(log or ())
        self._used = sum(amount for _, amount in self.log)

    def wait(self, now: float, amount: float) -> float:
        """Give the seconds until `amount` is let in; 0 lets it in now."""
        self._forget(now)
        if amount > self.most:
            return self.per
        over = self._used + amount - self.most
        for at, old in self.log:
            if over <= _SLACK:
                return 0.0
            over -= old
            if over <= _SLACK:
                return at + self.per - now
        return 0.0

    def take(self, now: float, amount: float) -> None:
        """Count what was let in."""
        self.log.append((now, amount))
        self._used += amount

    def left(self, now: float) -> float:
        """Give what may still be taken."""
        self._forget(now)
        return self.most - self._used

    def _forget(self, now: float) -> None:
        while self.log and self.log[0][0] + self.per <= now:
            self._used -= self.log.popleft()[1]


class Enforced:
    """One limit at work."""

    def __init__(self, limit: Limit, before: "Enforced | None" = None) -> None:
        """Take the limit's place at the door; what `before` has counted stays counted."""
        self.limit = limit
        self.requests: Bucket | Window | None = _meter(
            limit, limit.requests, before.requests if before else None
        )
        self.tokens: Bucket | Window | None = _meter(
            limit, limit.tokens, before.tokens if before else None
        )

    def wait(self, now: float, tokens: int, at_once: int) -> float:
        """Give the seconds until a request of `tokens` is let in beside `at_once` others."""
        waits = [0.0]
        if self.limit.concurrency is not None and at_once >= self.limit.concurrency:
            waits.append(1.0)
        if self.requests is not None:
            waits.append(self.requests.wait(now, 1))
        if self.tokens is not None:
            waits.append(self.tokens.wait(now, tokens))
        return max(waits)

    def take(self, now: float, tokens: int) -> None:
        """Count a request that was let in."""
        if self.requests is not None:
            self.requests.take(now, 1)
        if self.tokens is not None:
            self.tokens.take(now, tokens)


def _meter(
    limit: Limit, most: int | None, before: Bucket | Window | None
) -> Bucket | Window | None:
    if most is None:
        return None
    if limit.kind is LimitKind.BUCKET:
        level = before.level if isinstance(before, Bucket) else None
        return Bucket(most, limit.per, level)
    return Window(most, limit.per, before.log if isinstance(before, Window) else None)


class Doorkeeper:
    """Lets requests in as far as the limits in force allow, and knows how many are inside."""

    def __init__(self, limits: tuple[Limit, ...] = ()) -> None:
        self._enforced = [Enforced(limit) for limit in limits]
        self.inside: Counter[tuple[str, str]] = Counter()

    def put(self, limits: tuple[Limit, ...]) -> None:
        """Replace all limits; what the old ones counted, the new ones of the same kind keep."""
        old = {(e.limit.service, e.limit.model): e for e in self._enforced}
        self._enforced = [
            Enforced(limit, old.get((limit.service, limit.model))) for limit in limits
        ]

    def shown(self) -> list[dict[str, object]]:
        """List the limits in force."""
        return [enforced.limit.model_dump(mode="json") for enforced in self._enforced]

    def enter(self, service: str, model: str, tokens: int, now: float) -> float:
        """Let a request in and give 0, or give the seconds it should wait before the next try."""
        met = self.met(service, model)
        waits = [e.wait(now, tokens, self._at_once(e.limit)) for e in met]
        if any(waits):
            return max(waits)
        for enforced in met:
            enforced.take(now, tokens)
        self.inside[service, model] += 1
        return 0.0

    def leave(self, service: str, model: str) -> None:
        """Say that a request which was let in has been answered."""
        self.inside[service, model] -= 1

    def met(self, service: str, model: str) -> list[Enforced]:
        """List the limits a request meets."""
        return [
            e for e in self._enforced if e.limit.service == service and e.limit.model in ("", model)
        ]

    def _at_once(self, limit: Limit) -> int:
        if limit.model:
            return self.inside[limit.service, limit.model]
        return sum(n for (service, _), n in self.inside.items() if service == limit.service)
