"""Aggregate: one declared record out of several branches' results, and what it does not rest on.

An aggregator names its branches when it is built, so that a result which lacks one says so. Vote,
rank and weigh are here, merge in `merge.py`, synthesis by a model in `synthesis.py`.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import fsum, isfinite
from typing import Any, Generic, TypeVar

from workflows.data.aggregate import (
    Aggregated,
    Ballot,
    MissingBranch,
    Place,
    Ranking,
    Votes,
    Weighed,
    WeightedMean,
)
from workflows.errors import AggregateFailed, Misuse, reason
from workflows.patterns.outcome import Joined, Outcome

C = TypeVar("C")
T = TypeVar("T")
Results = Joined | Mapping[str, Outcome[Any]]


class Branches:
    """The branches of an aggregation, in declaration order. Raises Misuse for none or doubles."""

    def __init__(self, what: str, names: Iterable[str]) -> None:
        self.what, self.names = what, tuple(names)
        if not self.names:
            raise Misuse(f"{what} of no branches; name at least one")
        twice = [n for place, n in enumerate(self.names) if n in self.names[:place]]
        if twice:
            raise Misuse(f"{what}: branches named twice: {', '.join(twice)}; rename one")

    def check(self, named: Iterable[str], where: str) -> None:
        """Raise Misuse if `where` names other branches."""
        unknown = [n for n in named if n not in self.names]
        if unknown:
            raise Misuse(
                f"{self.what}: {where} names {', '.join(unknown)}, which is no branch of it;"
                f" its branches are {', '.join(self.names)}"
            )

    def counted(self, results: Results) -> dict[str, Outcome[Any]]:
        """Give the outcomes whose values count. Raises Misuse for branches never declared."""
        found = results.branches if isinstance(results, Joined) else results
        self.check(found, "the result")
        return {n: found[n] for n in self.names if n in found and found[n].is_success}

    def told(self, results: Results, value: T, **more: Any) -> Aggregated[T]:
        """Wrap `value`, saying which branches are behind it and which are not."""
        found = results.branches if isinstance(results, Joined) else results
        counted = self.counted(results)
        confidence = [o.confidence for o in counted.values() if o.confidence is not None]
        return Aggregated(
            value=value,
            contributed=tuple(counted),
            missing=tuple(missing(n, found.get(n)) for n in self.names if n not in counted),
            stale=tuple(n for n, o in counted.items() if o.stale),
            partial=tuple(n for n, o in counted.items() if o.status == "partial"),
            defaulted=tuple(n for n, o in counted.items() if o.status == "defaulted"),
            coverage=min((o.coverage for o in counted.values()), default=None),
            confidence=min(confidence, default=None),
            **more,
        )

    def applied(self, work: Callable[[Any], T], results: Results) -> dict[str, T]:
        """Apply `work` to every value that counts. Raises AggregateFailed naming the branch."""
        return {n: self._apply(work, o) for n, o in self.counted(results).items()}

    def _apply(self, work: Callable[[Any], T], outcome: Outcome[Any]) -> T:
        try:
            return work(outcome.value)
        except Exception as error:
            # Not an ApplicationError, it would leave the workflow stuck.
            raise AggregateFailed(
                f"{self.what} cannot use the result of branch {outcome.name!r}: {reason(error)}"
            ) from error


def sampled(
    voter: str, count: int, work: Callable[[int], Awaitable[T]]
) -> dict[str, Callable[[], Awaitable[T]]]:
    """Make branches that ask one voter `count` times, each with a sample number of its own.

    With one number for all, the first paid answer would be read back for every one. The names
    (`voter-0`, ...) go into the `samples` of a Vote. Raises Misuse for fewer than 1.
    """
    if count < 1:
        raise Misuse(f"{voter!r} is to be asked {count} times; ask at least once")
    return {f"{voter}-{number}": partial(work, number) for number in range(count)}


def missing(name: str, outcome: Outcome[Any] | None) -> MissingBranch:
    """Say what became of a branch that did not contribute."""
    if outcome is None:
        return MissingBranch(name=name, status="not_started", why="it was not among the results")
    why = reason(outcome.error) if outcome.error else ""
    return MissingBranch(name=name, status=outcome.status, why=why)


class Vote(Generic[C]):
    """A vote among branches: `choice` reads each result's vote, None abstains.

    By default more than half of all declared voters must agree: who is missing makes the bar no
    lower. `needed` sets another bar, `quorum` the votes that must be cast at all. `samples` maps
    branches that ask one voter several times to that voter: he has one vote, for what most of his
    samples say, and abstains on a tie. Raises Misuse for what could never be won.
    """

    def __init__(
        self,
        branches: Iterable[str],
        *,
        choices: Iterable[C],
        choice: Callable[[Any], C | None],
        needed: int | None = None,
        quorum: int = 1,
        samples: Mapping[str, str] | None = None,
    ) -> None:
        self._branches = Branches("vote", branches)
        self._choices, self._choice = tuple(choices), choice
        self._branches.check(samples or {}, "samples")
        voter_of = {name: (samples or {}).get(name, name) for name in self._branches.names}
        self._voters: dict[str, list[str]] = {}
        for name, voter in voter_of.items():
            self._voters.setdefault(voter, []).append(name)
        self._needed = len(self._voters) // 2 + 1 if needed is None else needed
        self._quorum = quorum
        self._check()

    def _check(self) -> None:
        voters, clash = len(self._voters), [v for v, n in self._voters.items() if v not in n]
        taken = [v for v in clash if v in self._branches.names]
        if taken:
            raise Misuse(f"vote: {', '.join(taken)} is a branch and another's voter; rename one")
        if len(self._choices) < 2 or len(set(self._choices)) < len(self._choices):
            raise Misuse("vote: name at least two choices, each once")
        for name, count in (("needed", self._needed), ("quorum", self._quorum)):
            if not 1 <= count <= voters:
                raise Misuse(f"vote: {name}={count} of {voters} voters; use 1 to {voters}")

    def __call__(self, results: Results) -> Aggregated[Ballot[C]]:
        """Count the votes. Raises AggregateFailed for a vote outside the choices."""
        said = self._branches.applied(self._read, results)
        votes = {voter: self._own(voter, said) for voter in self._voters}
        present = [v for v, names in self._voters.items() if any(n in said for n in names)]
        counts = self._count(votes)
        lead = [v.choice for v in counts if v.count == counts[0].count]
        cast = sum(v.count for v in counts)
        enough = cast >= self._quorum and bool(counts) and counts[0].count >= self._needed
        ballot: Ballot[C] = Ballot(
            winner=lead[0] if enough and len(lead) == 1 else None,
            votes=counts,
            tied=tuple(lead) if len(lead) > 1 else (),
            abstained=tuple(v for v in present if votes[v] is None),
            cast=cast,
            needed=self._needed,
            quorum=self._quorum,
        )
        return self._branches.told(results, ballot)

    def _read(self, value: Any) -> C | None:
        choice = self._choice(value)
        if choice is not None and choice not in self._choices:
            raise ValueError(f"{choice!r} is none of the choices")
        return choice

    def _own(self, voter: str, said: Mapping[str, C | None]) -> C | None:
        """Give a voter's one vote: what most of his samples say."""
        cast = [said.get(name) for name in self._voters[voter]]
        counts = {c: cast.count(c) for c in self._choices if c in cast}
        most = [c for c, count in counts.items() if count == max(counts.values())]
        return most[0] if len(most) == 1 else None

    def _count(self, votes: Mapping[str, C | None]) -> tuple[Votes[C], ...]:
        for_each = [(c, tuple(v for v, said in votes.items() if said == c)) for c in self._choices]
        cast: list[Votes[C]] = [Votes(choice=c, count=len(v), voters=v) for c, v in for_each if v]
        return tuple(sorted(cast, key=lambda votes: -votes.count))


@dataclass(frozen=True)
class Rank(Generic[T]):
    """A ranking of branches' results by `score`, the highest first unless `lowest_first`.

    A score of None or one that is no finite number gives no place.
    """

    branches: Sequence[str]
    score: Callable[[T], float | None]
    lowest_first: bool = False

    def __post_init__(self) -> None:
        Branches("ranking", self.branches)

    def __call__(self, results: Results) -> Aggregated[Ranking[T]]:
        """Rank the results; equals keep the order of declaration."""
        branches = Branches("ranking", self.branches)
        counted = branches.counted(results)
        scores = branches.applied(partial(_number, self.score), results)
        scored = {n: score for n, score in scores.items() if score is not None}
        sign = 1 if self.lowest_first else -1
        order = sorted(scored, key=lambda name: sign * scored[name])
        ordered = [scored[name] for name in order]
        places: tuple[Place[T], ...] = tuple(
            Place(place=1 + ordered.index(scored[n]), branch=n, score=scored[n], value=o.value)
            for n, o in ((n, counted[n]) for n in order)
        )
        unscored = tuple(n for n in counted if n not in scored)
        ranking: Ranking[T] = Ranking(places=places, unscored=unscored)
        return branches.told(results, ranking)


@dataclass(frozen=True)
class Weigh(Generic[T]):
    """A mean of one `number` per branch by declared weights (above 0, in any unit).

    Branches that gave no number are left out and the mean is over the rest, unless less than
    `at_least` (0 to 1) of all weight is left: then there is no mean.
    """

    branches: Sequence[str]
    weights: Mapping[str, float]
    number: Callable[[T], float | None]
    at_least: float = 0.0

    def __post_init__(self) -> None:
        branches = Branches("weighted mean", self.branches)
        branches.check(self.weights, "weights")
        without = [n for n in self.branches if n not in self.weights]
        if without:
            raise Misuse(f"weighted mean: no weight for {', '.join(without)}; give each one")
        wrong = [n for n, w in self.weights.items() if not (isfinite(w) and w > 0)]
        if wrong:
            raise Misuse(f"weighted mean: the weight of {', '.join(wrong)} must be above 0")
        if not 0 <= self.at_least <= 1:
            raise Misuse("weighted mean: at_least is a share from 0 to 1")

    def __call__(self, results: Results) -> Aggregated[WeightedMean]:
        """Weigh the numbers present."""
        branches = Branches("weighted mean", self.branches)
        given = branches.applied(partial(_number, self.number), results)
        numbers = {n: number for n, number in given.items() if number is not None}
        weight = fsum(self.weights[n] for n in numbers)
        present = weight / fsum(self.weights.values())
        mean = None
        if numbers and present >= self.at_least:
            mean = fsum(self.weights[n] * x for n, x in numbers.items()) / weight
        parts = tuple(
            Weighed(branch=n, number=x, share=self.weights[n] / weight) for n, x in numbers.items()
        )
        return branches.told(results, WeightedMean(mean=mean, present=present, parts=parts))


def _number(read: Callable[[T], float | None], value: T) -> float | None:
    """Read a number off a result; None for what is not finite."""
    found = read(value)
    return float(found) if found is not None and isfinite(found) else None
