"""A branch: one of several things done at once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeAlias, TypeVar

from workflows.calls import Call, In, Out, ask
from workflows.errors import Misuse
from workflows.patterns.failure import Policy

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Work: TypeAlias = Callable[[], Awaitable[T]]


@dataclass(frozen=True, eq=False)
class Branch(Generic[T_co]):
    """One of several things done at once; `joined[branch]` is its value.

    `work` is called when the branch starts, and again for each further attempt. `on_failure` None
    means the join's default. `timeout` bounds one attempt, not what the policy does then. Work that
    gives `Covered(...)` counts from `min_coverage` on (0 to 1).
    """

    name: str
    work: Work[T_co]
    on_failure: Policy | None = None
    timeout: timedelta | None = None
    min_coverage: float = 1.0

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise Misuse("a branch needs a name; it stands in results, logs and the timeline")
        if not callable(self.work):
            raise Misuse(
                f"branch {self.name!r}: give a function, not what it returns; use functools.partial"
            )
        if not (self.on_failure is None or isinstance(self.on_failure, Policy)):
            raise Misuse(f"branch {self.name!r}: on_failure takes a policy, as tolerate()")
        if self.timeout is not None and self.timeout <= timedelta(0):
            raise Misuse(f"branch {self.name!r} has no time at all; use a positive timeout")
        if not 0 <= self.min_coverage <= 1:
            raise Misuse(f"branch {self.name!r}: min_coverage goes from 0 to 1")


def calling(
    name: str,
    call: Call[In, Out],
    request: In,
    *,
    queue: str | None = None,
    on_failure: Policy | None = None,
    timeout: timedelta | None = None,
) -> Branch[Out]:
    """Make a branch of one Call. `timeout` bounds all its attempts together."""

    async def work() -> Out:
        return await ask(call, request, queue=queue)

    return Branch(name, work, on_failure, timeout)
