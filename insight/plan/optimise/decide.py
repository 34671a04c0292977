"""The decision: plans for several quantiles of time, the cheapest that keeps its deadline taken.

A quantile is tried by simulated runs: as learned, and with vendors slower than that. Runs of all
plans share their luck. What is kept beyond what was asked is spent on fewer second tries.
"""

from collections.abc import Callable, Sequence
from math import sqrt
from typing import NamedTuple

from insight.plan.optimise.problem import Problem, loss_allowed, problem
from insight.plan.optimise.reasons import choices
from insight.plan.optimise.simulate import Outcome, Track, drawn
from insight.plan.optimise.solved import Solver, solve
from workflows.data.blueprints.choices import Choices, Objective, Wish
from workflows.data.blueprints.plan import Plan

QUANTILES = (0.5, 0.6, 0.7, *(x / 200 for x in range(150, 199)))
FIRST = 0.9
"""The quantile of plans without a deadline."""
SPENDING = 0.98
"""Keeping a deadline more often than this is more than was asked for."""
STRAIN, BORNE = 1.5, 0.9
"""So much slower than learned may vendors be, and the deadline is still kept so often."""
PATIENCES = (1_050, 1_100, 1_150, 1_200, 1_300, 1_400, 1_600)
"""How much longer second tries may wait, in thousandths: three of them are tried."""
WORK = 30_000
"""Steps simulated for each quantile: small plans are run more often than large ones."""


class Trial(NamedTuple):
    """How a plan is tried: whether its runs re-plan and try again, how many there are, their seed.

    Large plans are run less often (see WORK). `snapshot` is what the plan's times were learned by.
    """

    rolling: bool = True
    runs: int = 1_000
    seed: int = 0
    snapshot: int | None = None


def decide(plan: Plan, wish: Wish, solver: Solver | None = None, how: Trial = Trial()) -> Choices:  # noqa: B008
    """Choose the way of each step, and say what to expect."""
    how = how._replace(runs=min(how.runs, max(100, WORK // len(plan.steps))))
    enough, borne = (_surely(share, how.runs) for share in (wish.target, BORNE))

    def tried(quantile: float, wished: Wish = wish) -> _Tried:
        stated = problem(plan, quantile)
        made = choices(stated, wished, solve(stated, wished, solver))
        return _Tried(stated, made.model_copy(update=how._asdict()), enough)

    if wish.deadline_ms is None:
        return tried(FIRST).told()
    tries = _Tries(tried)
    found = tries.cheapest(borne) or tries.cheapest(0.0)
    if found is not None and within_means(found):
        return _spending(found, wish)
    fastest = Wish(objective=Objective.FASTEST, micro_usd=wish.micro_usd, quality=wish.quality)
    best = tried(QUANTILES[-1], fastest).told()
    told = {"feasible": False, "wish": wish, "hit": None, "notes": (_out_of_reach(best, wish),)}
    return best.model_copy(update=told)


def _surely(share: float, runs: int) -> float:
    """Give what runs must show for a share to be trusted: one standard error more."""
    return share + sqrt(share * (1 - share) / runs)


class _Tried:
    """The plan for one quantile, tried by as many runs as it takes to know what is asked.

    `enough` is the share of runs that should keep the deadline.
    """

    def __init__(self, stated: Problem, made: Choices, enough: float) -> None:
        self.made, self.enough = made, enough
        self._track = Track(stated, made)
        self._runs, self._slow = list[Outcome](), list[Outcome]()

    def waiting(self, patience: int) -> "_Tried":
        """Give the same plan with second tries that wait so much longer."""
        made = self.made.model_copy(update={"patience": patience})
        return _Tried(self._track.problem, made, self.enough)

    @property
    def hedges(self) -> int:
        """Count the second tries of all runs made so far, as learned."""
        return sum(run.hedges for run in self._runs)

    def keeps(self, borne: float) -> bool:
        """Say whether enough runs keep the deadline, and the share `borne` of those under strain.

        Most plans that do not are known after a few runs.
        """
        runs, missed, strained = self.made.runs, 0, 0
        for number in range(runs):
            missed += self._is_late(self._run(number))
            if (runs - missed) / runs < self.enough:
                return False
            strained += borne > 0 and self._is_late(self._run(number, STRAIN))
            if (runs - strained) / runs < borne:
                return False
        return True

    def told(self) -> Choices:
        """Write what all runs showed into the choices."""
        numbers = range(self.made.runs)
        made = foreseen(self.made, [self._run(number) for number in numbers])
        if made.hit is None or made.hit < self.enough:
            return made
        kept = sum(not self._is_late(self._run(number, STRAIN)) for number in numbers)
        return made.model_copy(update={"strained": kept / self.made.runs})

    def _is_late(self, run: Outcome) -> bool:
        return run.took > (self.made.wish.deadline_ms or 0)

    def _run(self, number: int, slower: float = 1.0) -> Outcome:
        """Give one run; they are made in order, once."""
        known = self._runs if slower == 1.0 else self._slow
        while len(known) <= number:
            seed = self.made.seed + len(known)
            known.append(self._track.run(*drawn(self._track.problem, seed, slower)))
        return known[number]


class _Tries:
    """Plans tried so far, by the place of their quantile."""

    def __init__(self, tried: Callable[[float], _Tried]) -> None:
        self._tried = tried
        self._made: dict[int, _Tried] = {}

    def cheapest(self, borne: float) -> Choices | None:
        """Find the lowest quantile whose plan keeps its deadline often enough, by halving; give the
        best of those tried that do: a higher one may cost less, as its runs seldom need to hurry.

        At a high quantile a plan may be too slow on paper and yet keep its deadline: it is rarely
        so that all steps are late.
        """
        low, high, good = 0, len(QUANTILES) - 1, list[tuple[Choices, _Tried]]()
        while low <= high:
            middle = (low + high) // 2
            if middle not in self._made:
                self._made[middle] = self._tried(QUANTILES[middle])
            one = self._made[middle]
            if one.keeps(borne):
                good, high = [*good, (one.told(), one)], middle - 1
            else:
                low = middle + 1
        if not good:
            return None
        return _patient(*min(good[::-1], key=lambda pair: _worth(pair[0])), borne)


def _patient(made: Choices, tried: _Tried, borne: float) -> Choices:
    """Let second tries wait as long as the deadline is still kept often enough, if that saves."""
    if made.wish.objective is not Objective.CHEAPEST or not tried.hedges:
        return made
    good, low, high = list[_Tried](), 0, len(PATIENCES) - 1
    while low <= high:
        middle = (low + high) // 2
        later = tried.waiting(PATIENCES[middle])
        if later.keeps(0.0):  # strain is looked at last: it hardly changes, and costs as many runs
            good, low = [later, *good], middle + 1
        else:
            high = middle - 1
    longest = next((later.told() for later in good if later.keeps(borne)), made)
    return min(made, longest, key=_worth)


def _worth(made: Choices) -> tuple[bool, float]:
    lost = sum(step.way.loss for step in made.steps)
    by = {Objective.BEST: lost, Objective.CHEAPEST: made.micro_usd, Objective.FASTEST: made.p50}
    return not within_means(made), by[made.wish.objective]


def within_means(made: Choices) -> bool:
    """Say whether a plan keeps to its budget and to the quality wished for."""
    ways, allowed = [step.way for step in made.steps], loss_allowed(made.wish)
    budget = made.wish.micro_usd
    return (budget is None or sum(way.micro_usd for way in ways) <= budget) and (
        allowed is None or sum(way.loss for way in ways) <= allowed
    )


def _spending(made: Choices, wish: Wish) -> Choices:
    hurried = any(
        way.micro_usd < step.way.micro_usd and way.loss <= step.way.loss
        for step in made.steps
        for way in step.ways
    )
    if (made.hit or 0.0) <= max(SPENDING, wish.target) or not hurried:
        return made
    note = (
        f"over-spending: {made.hit:.1%} of runs keep the deadline, {wish.target:.0%} were asked "
        f"for; {made.strained or 0.0:.1%} keep it if vendors are {STRAIN} times slower"
    )
    return made.model_copy(update={"notes": (*made.notes, note)})


def _out_of_reach(best: Choices, wish: Wish) -> str:
    return (
        f"out of reach: as fast as can be, 95 % of runs end within {best.p95 / 1_000:.1f} s, and "
        f"{wish.target:.0%} were asked to end within {(wish.deadline_ms or 0) / 1_000:.1f} s; ask "
        f"for {best.p95 / 1_000:.1f} s or more, or raise the budget or lower the quality wished for"
    )


def foreseen(made: Choices, outcomes: Sequence[Outcome]) -> Choices:
    """Write what runs showed into choices: times, cost, hits, and how often a step was critical."""
    took, count = sorted(one.took for one in outcomes), len(outcomes)
    number = {step.step: i for i, step in enumerate(made.steps)}
    needs = [[number[need] for need in step.needs] for step in made.steps]
    critical = [0] * len(needs)
    for one in outcomes:
        for step in _path(one, needs):
            critical[step] += 1
    steps = tuple(
        step.model_copy(
            update={
                "starts": sum(one.begins[i] for one in outcomes) // count,
                "ends": sum(one.ends[i] for one in outcomes) // count,
                "critical": critical[i] / count,
            }
        )
        for i, step in enumerate(made.steps)
    )
    deadline = made.wish.deadline_ms
    return made.model_copy(
        update={
            "steps": steps,
            "p50": took[count // 2],
            "p95": took[int(count * 0.95)],
            "micro_usd": sum(one.micro_usd for one in outcomes) // count,
            "feasible": within_means(made),
            "hit": None if deadline is None else sum(t <= deadline for t in took) / count,
        }
    )


def _path(one: Outcome, needs: Sequence[Sequence[int]]) -> list[int]:
    """Follow the step that ended last back to the begin, each time to the need that ended last."""
    path = [max(range(len(needs)), key=lambda step: one.ends[step])]
    while before := needs[path[-1]]:
        path.append(max(before, key=lambda step: one.ends[step]))
    return path
