"""What became of a branch, and of a join."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from workflows.errors import JoinFailed

T = TypeVar("T")

Status = Literal[
    "succeeded", "failed", "defaulted", "skipped", "cancelled", "abandoned", "not_started"
]


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """How one branch ended. `via` names the fallback that answered in its place."""

    name: str
    status: Status
    value: T | None = None
    error: BaseException | None = None
    via: str = ""
    started: datetime | None = None
    ended: datetime | None = None

    @property
    def is_success(self) -> bool:
        """Whether the branch gave a value a join may count."""
        return self.status in ("succeeded", "defaulted")


@dataclass(frozen=True)
class Joined:
    """How a join ended: why, and what became of each branch, in declaration order.

    `by` names the branch whose outcome ended it, where the reason is `outcome`.
    """

    reason: str
    branches: Mapping[str, Outcome[Any]]
    by: str = ""

    def __getitem__(self, name: str) -> Outcome[Any]:
        return self.branches[name]

    @property
    def values(self) -> dict[str, Any]:
        """Values of the branches that succeeded, by name."""
        return {o.name: o.value for o in self.branches.values() if o.is_success}

    @property
    def failed(self) -> tuple[Outcome[Any], ...]:
        """Branches that failed."""
        return tuple(o for o in self.branches.values() if o.status == "failed")

    def require(self, name: str) -> Any:
        """Give a branch's value. Raises JoinFailed if it has none."""
        found = self.branches[name]
        if not found.is_success:
            raise JoinFailed(f"branch {name!r} ended {found.status} and has no value")
        return found.value

    def summary(self) -> dict[str, str]:
        """Give names and statuses: what travels in an error's details."""
        return {o.name: o.status for o in self.branches.values()}
