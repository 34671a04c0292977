"""Count: the votes of respondents asked at once, until the decision is certain."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Generic, TypeVar

from workflows.data.common import Record
from workflows.errors import Misuse, Unusable
from workflows.patterns.branch import Branch
from workflows.patterns.checks import is_whole, must_call
from workflows.patterns.join import join
from workflows.patterns.otherwise import Unmet
from workflows.patterns.outcome import Outcome, Reason
from workflows.patterns.respondents import WRONG, Asking, raise_wrong, told
from workflows.patterns.until import outcome

T = TypeVar("T", bound=Record)


class Count(Generic[T]):
    """The count of a vote; `what` names it in messages. Raises Misuse for a quorum that is none."""

    def __init__(
        self,
        what: str,
        name: str,
        askings: Sequence[Asking[T]],
        key: Callable[[T], Hashable],
        quorum: int | None,
    ) -> None:
        self.what, self.name, self.askings, self._key = what, name, list(askings), key
        must_call(key, f"{what}: key")
        self.quorum = len(self.askings) // 2 + 1 if quorum is None else quorum
        if not is_whole(self.quorum) or not 1 < self.quorum <= len(self.askings):
            raise Misuse(
                f"{what}: {quorum!r} of {len(self.askings)} is no quorum; it is 2 or more,"
                " and at most the number of voters"
            )
        self.decided = False
        self.ended: dict[str, Outcome[Any]] = {}
        self._said: dict[str, Hashable] = {}
        self._won: Hashable = None
        self._open = len(self.askings)
        self._reason: Reason = "outcome"

    async def hold(self, *, deadline: timedelta | None, limit: int | None) -> None:
        """Ask until it is certain. Raises what was put together wrongly."""
        branches = [
            Branch(a.name, partial(self._cast, a), timeout=a.respondent.timeout)
            for a in self.askings
        ]
        joined = await join(branches, until=outcome(self._certain), deadline=deadline, limit=limit)
        raise_wrong(joined)
        self._reason, self.ended = joined.reason, dict(joined.branches)
        # what arrived with the deciding vote counts in the record too
        self._said = {n: o.value for n, o in self.ended.items() if o.is_success}

    @property
    def first(self) -> str:
        """The first voter, as they were named, whose value is the result."""
        return next(a.name for a in self.askings if self._agrees(a.name))

    @property
    def value(self) -> T:
        """What that voter said."""
        found = next(a.found for a in self.askings if self._agrees(a.name))
        assert found is not None  # noqa: S101 - it voted
        return found.value

    def unmet(self) -> Unmet[T]:
        """Say what there is without a decision; the best is what most said."""
        if not any(self._agrees(a.name) for a in self.askings):
            return Unmet(self.name, self._why())
        return Unmet(self.name, self._why(), True, self.value, self._agreement)

    def told(self, via: str) -> dict[str, Any]:
        """Give the fields of its record."""
        agreeing = [a for a in self.askings if self._agrees(a.name)]
        behind = [a.found.answer.target for a in agreeing if a.found is not None]
        models, vendors = {(t.vendor, t.model) for t in behind}, {t.vendor for t in behind}
        return {
            "name": self.name,
            "replies": tuple(self._view(a) for a in self.askings),
            "decided": self.decided,
            "why": self._why(),
            "via": via,
            "quorum": self.quorum,
            "votes": {str(said): count for said, count in self._votes.items()},
            "agreement": self._agreement,
            "minority": tuple(n for n in self._said if agreeing and not self._agrees(n)),
            "models": len(models),
            "vendors": len(vendors),
            "correlated": _correlated(len(behind), len(models), len(vendors)),
        }

    async def _cast(self, asking: Asking[T]) -> Hashable:
        value = await asking()
        try:
            said = self._key(value)
            hash(said)
        except Exception as error:
            what = f"{self.what}: the key of what {asking.name!r} said"
            raise Unusable(f"{what} failed: {error!r}") from error
        return said

    def _certain(self, ended: Outcome[Any]) -> bool:
        """Look at one voter's end: is it decided, or can it not be any more?"""
        self._open -= 1
        if ended.is_success:
            self._said[ended.name] = ended.value
            if self._votes[ended.value] >= self.quorum:
                self.decided, self._won = True, ended.value
                return True
        most = max(self._votes.values(), default=0)
        return isinstance(ended.error, WRONG) or most + self._open < self.quorum

    @property
    def _votes(self) -> Counter[Hashable]:
        return Counter(self._said[a.name] for a in self.askings if a.name in self._said)

    @property
    def _agreement(self) -> float:
        return max(self._votes.values(), default=0) / max(len(self._said), 1)

    def _agrees(self, name: str) -> bool:
        """Say whether a voter is of the result: what won, else what most said if that is one."""
        if name not in self._said:
            return False
        if self.decided:
            return self._said[name] == self._won
        (leading, most), *rest = self._votes.most_common(2)
        return self._said[name] == leading and not (rest and rest[0][1] == most)

    def _view(self, asking: Asking[T]) -> Any:
        name = asking.name
        return asking.view(
            self.ended.get(name),
            accepted=self.decided and self._agrees(name),
            says=str(self._said[name]) if name in self._said else "",
        )

    def _why(self) -> str:
        votes = ", ".join(f"{count} for {said}" for said, count in self._votes.items())
        if self.decided:
            return f"{self._votes[self._won]} of {len(self.askings)} agree: {votes}"
        ended = "the deadline passed" if self._reason == "deadline" else "no quorum can be reached"
        replies = told([self._view(a) for a in self.askings])
        return f"{ended}, {self.quorum} are needed; {votes or 'no votes'}: {replies}"


def _correlated(votes: int, models: int, vendors: int) -> str:
    """Say where votes that agree may err together."""
    if votes < 2 or (models == votes and vendors == votes):
        return ""
    if models == 1:
        return f"all {votes} votes that agree are samples of one model, and err together"
    if vendors == 1:
        return f"all {votes} votes that agree come from one vendor, and may err together"
    return f"{votes} votes that agree come from {models} models of {vendors} vendors"
