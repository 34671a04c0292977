"""Complexity against quality: does the model a tier is given to cost quality there?

Every model is compared, tier by tier, with the one that is best over all. Where both answered
the same questions (equal ids) the questions are compared one by one, else the shares.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from math import sqrt

from insight.confidence.labelled import LabelledAnswer, best_model
from workflows.data.common import Record
from workflows.data.complexity import complexity

TIERS = ("simple", "standard", "complex")
"""The thirds a complexity that is a number is cut into."""
FEW = 10
"""A difference of fewer answers than this says nothing."""


class Finding(StrEnum):
    """What the answers say of a model in a tier."""

    BEST = "best over all"
    COSTS = "costs quality"
    """It is worse by more than one standard error."""
    KEEPS = "keeps quality"
    """It is not worse by more than one standard error: none was seen, which proves none."""
    UNKNOWN = "too few answers"


class TierLine(Record):
    """One model in one tier. `difference` is its accuracy less that of the best model, `error`
    one standard error of it; both None where there is nothing to compare.
    """

    tier: str
    model: str
    n: int
    accuracy: float
    difference: float | None
    error: float | None
    finding: Finding


def quality(answers: Sequence[LabelledAnswer]) -> tuple[TierLine, ...]:
    """Compare the models in every tier; answers without complexity or question are left out."""
    rows = [(tier, a) for tier, a in _tiered(answers) if a.model]
    models = sorted({a.model for _, a in rows})
    if not models:
        return ()
    best = best_model([a for _, a in rows])
    tiers = list(dict.fromkeys(tier for tier, _ in rows))
    lines = []
    for tier in sorted(tiers, key=lambda t: (TIERS.index(t) if t in TIERS else -1, t)):
        given = {m: [a for t, a in rows if t == tier and a.model == m] for m in models}
        lines += [_line(tier, m, given[m], given[best], m == best) for m in models if given[m]]
    return tuple(lines)


def _tiered(answers: Sequence[LabelledAnswer]) -> list[tuple[str, LabelledAnswer]]:
    """Give each answer its tier: the name it came with, or the third its score lies in."""
    known = [(_complexity(a), a) for a in answers]
    scores = sorted(score for score, _ in known if isinstance(score, float))
    cuts = [scores[len(scores) * k // len(TIERS)] for k in range(1, len(TIERS))] if scores else []
    return [
        (TIERS[sum(found >= cut for cut in cuts)] if isinstance(found, float) else found, answer)
        for found, answer in known
        if found is not None
    ]


def _complexity(answer: LabelledAnswer) -> float | str | None:
    """Take what the answer came with, else the score of its question by the rules."""
    if answer.complexity is None and answer.question:
        return complexity(answer.question).score
    return answer.complexity


def _line(
    tier: str,
    model: str,
    given: Sequence[LabelledAnswer],
    best: Sequence[LabelledAnswer],
    is_best: bool,
) -> TierLine:
    compared = None if is_best else _compared(given, best)
    finding = Finding.BEST if is_best else Finding.UNKNOWN
    if compared is not None:
        difference, error = compared
        finding = Finding.COSTS if difference + error < 0 else Finding.KEEPS
    return TierLine(
        tier=tier,
        model=model,
        n=len(given),
        accuracy=sum(a.correct for a in given) / len(given),
        difference=compared[0] if compared else None,
        error=compared[1] if compared else None,
        finding=finding,
    )


def _compared(
    given: Sequence[LabelledAnswer], best: Sequence[LabelledAnswer]
) -> tuple[float, float] | None:
    """Give the difference of accuracy and its standard error, None for too few answers."""
    known = {a.id: a.correct for a in best if a.id}
    pairs = [float(a.correct) - float(known[a.id]) for a in given if a.id in known]
    if len(pairs) >= FEW:
        mean, error = _mean(pairs)
        return mean, error
    if min(len(given), len(best)) < FEW:
        return None
    mine, its = _mean(float(a.correct) for a in given), _mean(float(a.correct) for a in best)
    return mine[0] - its[0], sqrt(mine[1] ** 2 + its[1] ** 2)


def _mean(figures: Iterable[float]) -> tuple[float, float]:
    """Give a mean and its standard error."""
    held = list(figures)
    mean = sum(held) / len(held)
    variance = sum((x - mean) ** 2 for x in held) / (len(held) - 1)
    return mean, sqrt(variance / len(held))
