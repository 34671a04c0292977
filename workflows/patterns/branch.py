"""A branch: one of several things done at once."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeAlias, TypeVar

from workflows.calls import Call, In, Out, ask
from workflows.errors import Misuse
from workflows.patterns.checks import is_number, is_time, must_be
from workflows.patterns.failure import Ask, Policy, must_be_policy, within

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
        must_be(str, self.name, f"the name of branch {self.name!r}", "write Branch(name, work)")
        if not self.name.strip():
            raise Misuse("a branch needs a name; it stands in results, logs and the timeline")
        if not callable(self.work):
            raise Misuse(
                f"branch {self.name!r}: give a function, not what it returns; use functools.partial"
            )
        if self.on_failure is not None:
            must_be_policy(self.on_failure, f"on_failure of branch {self.name!r}")
        if self.timeout is not None and not is_time(self.timeout):
            raise Misuse(
                f"branch {self.name!r} has no time at all: timeout={self.timeout!r}; use a positive"
                " timedelta"
            )
        if not is_number(self.min_coverage) or not 0 <= self.min_coverage <= 1:
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


def branches_of(given: Mapping[str, Work[Any]] | Sequence[Branch[Any]]) -> list[Branch[Any]]:
    """List the branches of a join. Raises Misuse for what are none, and for names used twice."""
    mend = 'write [Branch("name", work), ...] or {"name": work, ...}'
    if isinstance(given, Mapping):
        given = [Branch(name, work) for name, work in given.items()]
    must_be(Sequence, given, "what a join is given", mend)
    for place, branch in enumerate(given, 1):
        must_be(Branch, branch, f"number {place} of a join's branches", mend)
    if twice := _twice([b.name for b in given]):
        raise Misuse(f"branches named twice: {twice}; rename one")
    if twice := _twice([p.spec.name for p in policies_of(given) if isinstance(p, Ask)]):
        raise Misuse(f"branches ask at one gate: {twice}; name a gate for each")
    return list(given)


def policies_of(branches: Sequence[Branch[Any]]) -> Iterator[Policy]:
    """Give every policy of some branches, those inside others too."""
    return (policy for branch in branches for policy in within(branch.on_failure))


def _twice(names: list[str]) -> str:
    return ", ".join(sorted(name for name, count in Counter(names).items() if count > 1))
