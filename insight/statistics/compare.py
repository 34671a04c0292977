"""Two groups of runs side by side: what differs, as far as so many runs can tell."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from itertools import islice

from insight.statistics.figures import FAILED, MEASURES, Ratio, Unit, errors, nearest_rank, values
from insight.statistics.runs import RunSummary
from insight.statistics.significance import ALPHA, LEAST, fisher, holm, rank_sum
from workflows.data.common import Record

Ratings = Mapping[str, int]
"""The rating, 1 to 5, that counts of each rated case, by workflow id."""
COMPARED = (
    *("length", "machine", "waiting", "critical: person", "critical: queue", "critical: limiter"),
    *("critical: retry", "cost", "tokens", "confidence"),
)
"""The measures that are compared; fewer tests find more."""


class Finding(StrEnum):
    """What a comparison came to."""

    DIFFERS = "differs"
    NO_EVIDENCE = "no evidence"
    TOO_FEW = "too few runs"


class Difference(Record):
    """One measure in two groups: medians, or shares. None where a group does not know it.

    `p` is corrected for the number of measures tested together; None where there are too few.
    """

    name: str
    unit: Unit
    before: float | None
    after: float | None
    n_before: int
    n_after: int
    p: float | None = None
    finding: Finding = Finding.TOO_FEW


def compare(
    before: Sequence[RunSummary], after: Sequence[RunSummary], ratings: Ratings
) -> tuple[Difference, ...]:
    """Compare measures (Mann and Whitney's test), shares of errors and of paths (Fisher's)."""
    found = [_of_values(name, before, after) for name in COMPARED]
    found.append(_of_ratings(before, after, ratings))
    found.append(_of_shares("errors", _failed, before, after))
    path = path_of([*before, *after])
    found += [
        _of_shares(f"path {taken}", partial(_is, path, taken), before, after)
        for taken in sorted(set(map(path, (*before, *after))))
    ]
    return corrected([d for d in found if d is not None])


Key = Callable[[RunSummary], str]
"""What runs are grouped by."""


def path_of(runs: Sequence[RunSummary]) -> Key:
    """Say what counts as the path of these runs: what they showed, or if none did, their steps."""
    if any(run.facts.path for run in runs):
        return lambda run: run.facts.path or "(no path)"
    return lambda run: " + ".join(run.steps) or "(no step)"


def _is(key: Key, word: str, run: RunSummary) -> bool:
    return key(run) == word


def _outcome(run: RunSummary) -> str:
    return run.facts.outcome


def _failed(run: RunSummary) -> bool:
    return run.status in FAILED


def corrected(found: Sequence[Difference]) -> tuple[Difference, ...]:
    """Correct the chances of tests that are read together, and say what each came to."""
    tested = [d for d in found if d.p is not None]
    chances = dict(zip(map(id, tested), holm([d.p or 0.0 for d in tested]), strict=True))
    return tuple(_judged(d, chances.get(id(d))) for d in found)


def _judged(difference: Difference, p: float | None) -> Difference:
    finding = Finding.TOO_FEW
    if p is not None:
        finding = Finding.DIFFERS if p < ALPHA else Finding.NO_EVIDENCE
    return difference.model_copy(update={"p": p, "finding": finding})


def of_values(name: str, unit: Unit, a: Sequence[float], b: Sequence[float]) -> Difference | None:
    """Compare the values of two groups; None if neither has any, or all are the same."""
    if (not a and not b) or len({*a, *b}) == 1:
        return None
    return Difference(
        name=name,
        unit=unit,
        before=nearest_rank(a, 0.5) if a else None,
        after=nearest_rank(b, 0.5) if b else None,
        n_before=len(a),
        n_after=len(b),
        p=rank_sum(a, b) if min(len(a), len(b)) >= LEAST else None,
    )


def _of_values(
    name: str, before: Sequence[RunSummary], after: Sequence[RunSummary]
) -> Difference | None:
    return of_values(name, MEASURES[name][0], values(before, name), values(after, name))


def _of_ratings(
    before: Sequence[RunSummary], after: Sequence[RunSummary], ratings: Ratings
) -> Difference | None:
    a, b = (rated(runs, ratings) for runs in (before, after))
    return of_values("rating", Unit.COUNT, a, b)


def rated(runs: Sequence[RunSummary], ratings: Ratings) -> list[float]:
    """Give the ratings there are of these runs."""
    return [float(ratings[r.facts.workflow]) for r in runs if r.facts.workflow in ratings]


def _of_shares(
    name: str,
    is_it: Callable[[RunSummary], bool],
    before: Sequence[RunSummary],
    after: Sequence[RunSummary],
) -> Difference | None:
    a, b = (Ratio(part=sum(map(is_it, runs)), of=len(runs)) for runs in (before, after))
    if a.part + b.part in (0, a.of + b.of):
        return None
    return Difference(
        name=name,
        unit=Unit.SHARE,
        before=a.share if a.of else None,
        after=b.share if b.of else None,
        n_before=a.of,
        n_after=b.of,
        p=fisher(a.part, a.of, b.part, b.of) if min(a.of, b.of) >= LEAST else None,
    )


class Group(Record):
    """The runs that have something in common (a path, a version), and how they differ from all
    others. Costs are means, lengths quantiles; `rating` and `confidence` means of those known.
    """

    name: str
    runs: Ratio
    p50: float
    p95: float
    usd: float
    rating: float | None
    rated: int
    confidence: float | None
    outcomes: Mapping[str, int]
    errors: Ratio
    differs: tuple[Difference, ...]


def groups(runs: Sequence[RunSummary], key: Key, ratings: Ratings) -> tuple[Group, ...]:
    """Group runs by a key, the largest first; `differs` lists what the evidence suffices for."""
    held: dict[str, list[RunSummary]] = {}
    for run in runs:
        held.setdefault(key(run), []).append(run)
    against = {name: _differing(mine, runs, ratings) for name, mine in held.items()}
    judged = iter(corrected([d for found in against.values() for d in found]))
    shown = {
        name: tuple(d for d in islice(judged, len(found)) if d.finding is Finding.DIFFERS)
        for name, found in against.items()
    }
    made = [_group(name, mine, runs, ratings, shown[name]) for name, mine in held.items()]
    return tuple(sorted(made, key=lambda g: (-g.runs.part, g.name)))


def _group(
    name: str,
    mine: Sequence[RunSummary],
    runs: Sequence[RunSummary],
    ratings: Ratings,
    differs: tuple[Difference, ...],
) -> Group:
    lengths, sure, stars = values(mine, "length"), values(mine, "confidence"), rated(mine, ratings)
    outcomes = Counter(run.facts.outcome or str(run.status) for run in mine)
    return Group(
        name=name,
        runs=Ratio(part=len(mine), of=len(runs)),
        p50=nearest_rank(lengths, 0.5),
        p95=nearest_rank(lengths, 0.95),
        usd=float(sum(run.usd for run in mine)) / len(mine),
        rating=sum(stars) / len(stars) if stars else None,
        rated=len(stars),
        confidence=sum(sure) / len(sure) if sure else None,
        outcomes=dict(outcomes.most_common()),
        errors=errors(mine),
        differs=differs,
    )


_QUALITY = ("length", "cost", "confidence")


def _differing(
    mine: Sequence[RunSummary], runs: Sequence[RunSummary], ratings: Ratings
) -> list[Difference]:
    """Compare a group with all others: quality, cost, errors, and every outcome."""
    inside = set(map(id, mine))
    others = [run for run in runs if id(run) not in inside]
    found = [_of_values(name, others, mine) for name in _QUALITY]
    found.append(_of_ratings(others, mine, ratings))
    found.append(_of_shares("errors", _failed, others, mine))
    found += [
        _of_shares(f"outcome {outcome}", partial(_is, _outcome, outcome), others, mine)
        for outcome in sorted({run.facts.outcome for run in mine if run.facts.outcome})
    ]
    return [d for d in found if d is not None]
