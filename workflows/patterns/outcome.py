"""What became of a branch, and of a join."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeAlias, TypeVar, overload

from pydantic_core import to_jsonable_python

from workflows.data.common import JSON
from workflows.errors import JoinFailed, Misuse, reason
from workflows.patterns.saga import Undone

if TYPE_CHECKING:
    from workflows.patterns.branch import Branch

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Status: TypeAlias = Literal[
    "succeeded",
    "partial",
    "failed",
    "defaulted",
    "stale",
    "skipped",
    "cancelled",
    "late",
    "abandoned",
    "not_started",
]
Reason: TypeAlias = Literal[
    "complete", "enough", "outcome", "deadline", "impossible", "too_many_failures"
]
LONGEST_WHY = 200


@dataclass(frozen=True)
class Covered(Generic[T_co]):
    """A value that says how much of what was asked it covers, and how sure it is (0 to 1)."""

    value: T_co
    coverage: float = 1.0
    confidence: float | None = None

    def __post_init__(self) -> None:
        for share in (self.coverage, self.confidence):
            if share is not None and not 0 <= share <= 1:
                raise Misuse(f"coverage and confidence go from 0 to 1, not {share}")


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """How one branch ended.

    `error` is kept also where something stood in for the failed work; `via` names what did: the
    fallback, or the gate. `age` is a stale value's. `attempts` counts the first.
    """

    name: str
    status: Status
    value: T | None = None
    error: BaseException | None = None
    age: timedelta | None = None
    coverage: float = 1.0
    confidence: float | None = None
    attempts: int = 0
    via: str = ""
    started: datetime | None = None
    ended: datetime | None = None

    @property
    def is_success(self) -> bool:
        """Whether the branch gave a value a join may count."""
        return self.status in ("succeeded", "partial", "defaulted", "stale")

    @property
    def stale(self) -> bool:
        """Whether the value is an earlier one; whoever uses it should say so."""
        return self.status == "stale"

    def summary(self) -> dict[str, JSON]:
        """Give what travels in an error's details: the value by its hash only."""
        told: dict[str, JSON] = {"status": self.status, "attempts": self.attempts}
        if self.error is not None:
            told["why"] = reason(self.error)[:LONGEST_WHY]
        if self.is_success:
            told["value"] = {"branch": self.name, "sha256": _digest(self.value)}
        return told


class Rest(Protocol):
    """Branches that go on after their join has ended."""

    async def wait(self) -> tuple[Outcome[Any], ...]:
        """Give what became of them once all have ended."""
        ...

    async def cancel(self) -> None:
        """Cancel and await them."""
        ...


@dataclass(frozen=True)
class Joined:
    """How a join ended: why, and what became of each branch, in declaration order.

    `by` names the branch whose outcome ended it, where the reason is `outcome`. `undone` says
    what the join undid; an entry with an error is a task for a person.
    """

    reason: Reason
    branches: Mapping[str, Outcome[Any]]
    by: str = ""
    undone: tuple[Undone, ...] = ()
    rest: Rest | None = field(default=None, repr=False, compare=False)

    @overload
    def __getitem__(self, key: str) -> Outcome[Any]: ...
    @overload
    def __getitem__(self, key: Branch[Covered[T]]) -> T: ...
    @overload
    def __getitem__(self, key: Branch[T]) -> T: ...
    def __getitem__(self, key: str | Branch[Any]) -> Any:
        """Give a branch's outcome by its name, or its value.

        Raises JoinFailed without a value, and Misuse for a branch that was not in this join.
        """
        return self._found(key) if isinstance(key, str) else self.require(_name_of(key))

    @property
    def values(self) -> dict[str, Any]:
        """Values of the branches that succeeded, by name."""
        return {o.name: o.value for o in self._successes}

    @property
    def failed(self) -> tuple[Outcome[Any], ...]:
        """Branches that failed."""
        return tuple(o for o in self.branches.values() if o.status == "failed")

    @property
    def coverage(self) -> float:
        """The lowest coverage of a branch that succeeded, from 0 to 1; 1 if none said any."""
        return min((o.coverage for o in self._successes), default=1.0)

    @property
    def confidence(self) -> float | None:
        """The lowest confidence of a branch that succeeded, from 0 to 1; None if none said any."""
        known = [o.confidence for o in self._successes if o.confidence is not None]
        return min(known, default=None)

    def require(self, name: str) -> Any:
        """Give a branch's value. Raises JoinFailed if it has none, Misuse without such a branch."""
        found = self._found(name)
        if not found.is_success:
            raise JoinFailed(
                f"branch {name!r} ended {found.status} and has no value", self.summary()
            )
        return found.value

    async def late(self) -> tuple[Outcome[Any], ...]:
        """Give what became of the branches that went on, once all have ended.

        In declaration order. Whoever is cancelled while waiting cancels them.
        """
        return () if self.rest is None else await self.rest.wait()

    async def cancel_late(self) -> None:
        """Cancel the branches that go on, and await them within the clean-up time."""
        if self.rest is not None:
            await self.rest.cancel()

    def summary(self) -> dict[str, JSON]:
        """Give what travels in an error's details, by branch; no values."""
        return {name: dict(outcome.summary()) for name, outcome in self.branches.items()}

    def _found(self, name: str) -> Outcome[Any]:
        if name not in self.branches:
            known = ", ".join(map(repr, self.branches)) or "none"
            raise Misuse(f"no branch {name!r} was in this join; there are {known}")
        return self.branches[name]

    @property
    def _successes(self) -> list[Outcome[Any]]:
        return [o for o in self.branches.values() if o.is_success]


def _name_of(key: object) -> str:
    name = getattr(key, "name", None)
    if not isinstance(name, str):
        raise Misuse(f"joined[{key!r}] is neither a branch nor its name; use one of them")
    return name


def _digest(value: object) -> str:
    """Give the sha256 of a value's canonical JSON; empty for what JSON cannot say."""
    try:
        plain = to_jsonable_python(value, bytes_mode="base64", fallback=lambda v: type(v).__name__)
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    except (ValueError, TypeError):
        return ""
    return sha256(text.encode()).hexdigest()
