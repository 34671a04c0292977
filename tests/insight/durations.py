"""Made-up steps whose durations are known: a log-normal body, and 3 % stragglers times six."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import exp, log
from random import Random
from statistics import NormalDist, median

from insight.learned.attempts import Attempt, Ending, StepKey
from insight.learned.estimates import estimates
from insight.learned.learning import learn

SIZES = (1, 3, 10, 30, 100, 300)
SHARE, TIMES = 0.03, 6.0
EPOCH = datetime(2026, 11, 1, tzinfo=UTC)
NORMAL = NormalDist()


@dataclass(frozen=True)
class Truth:
    """A step as it really is: median in seconds and spread of the body, in logs."""

    centre: float
    sigma: float

    def draw(self, random: Random) -> float:
        slow = TIMES if random.random() < SHARE else 1.0
        return slow * random.lognormvariate(self.centre, self.sigma)

    def within(self, seconds: float) -> float:
        """Give the real chance to end within so many seconds."""
        z = (log(seconds) - self.centre) / self.sigma
        late = (log(seconds / TIMES) - self.centre) / self.sigma
        return (1 - SHARE) * NORMAL.cdf(z) + SHARE * NORMAL.cdf(late)

    def p95(self) -> float:
        low, high = self.centre, self.centre + 6 * self.sigma + log(TIMES)
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if self.within(exp(middle)) < 0.95 else (low, middle)
        return exp(high)


def truths(random: Random, steps: int) -> list[Truth]:
    """Draw steps of one model: medians within a factor of 2.5 or so, spreads of 0.3 to 0.8."""
    return [
        Truth(random.gauss(log(4), 0.5), 0.45 * random.lognormvariate(0, 0.25))
        for _ in range(steps)
    ]


def attempts_of(key: StepKey, times: list[float]) -> Iterator[Attempt]:
    for place, seconds in enumerate(times):
        at = EPOCH + timedelta(seconds=place)
        yield Attempt(key=key, at=at, ending=Ending.DONE, seconds=seconds)


def key(number: int) -> StepKey:
    return StepKey(process="p", step=f"s{number}", vendor="v", model="m")


def judged(seed: int, steps: int, n: int) -> dict[str, float]:
    """Learn `n` calls of each step; give the median |log ratio| of the estimated p95 to the true
    one, and the real chance to stay under it, for our estimate and the plain quantile.
    """
    random = Random(seed * 1000 + n)  # noqa: S311 - a simulation
    real = truths(random, steps)
    drawn = [[truth.draw(random) for _ in range(n)] for truth in real]
    news = [a for number, times in enumerate(drawn) for a in attempts_of(key(number), times)]
    found = {e.key: e.p95 for e in estimates(learn([], news))}
    ours = [found[key(number)].value for number in range(steps)]
    plain = [sorted(times)[min(n - 1, int(0.95 * n))] for times in drawn]
    true = [truth.p95() for truth in real]
    inside = [
        found[key(number)].low <= right <= found[key(number)].high
        for number, right in enumerate(true)
    ]
    return {
        "error": round(_error(ours, true), 3),
        "coverage": round(_coverage(ours, real), 3),
        "plain_error": round(_error(plain, true), 3),
        "plain_coverage": round(_coverage(plain, real), 3),
        "interval_holds": round(sum(inside) / steps, 3),
    }


def _error(guessed: list[float], true: list[float]) -> float:
    return median(abs(log(g / t)) for g, t in zip(guessed, true, strict=True))


def _coverage(guessed: list[float], real: list[Truth]) -> float:
    return sum(t.within(g) for g, t in zip(guessed, real, strict=True)) / len(real)
