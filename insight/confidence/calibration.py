"""Fit a calibration to labelled answers: the best curve on answers held out, and its thresholds."""

from collections.abc import Callable, Sequence
from random import Random

from pydantic import Field

from insight.confidence.curves import Fit, Point, as_stated, isotonic, logistic
from insight.confidence.labelled import LabelledAnswer
from insight.confidence.reliability import Bin, auroc, brier, ece, log_loss, reliability
from insight.confidence.thresholds import ENOUGH, for_accuracy, for_loss
from workflows.data.common import Record
from workflows.data.confidence import DIGITS, Calibration, Method, Promise, Threshold, interpolated

FOLDS = 5
LEAST = 2 * FOLDS
"""Fewer labelled answers cannot be held out at all."""

CURVES: dict[Method, Fit] = {
    Method.AS_STATED: as_stated,
    Method.ISOTONIC: isotonic,
    Method.LOGISTIC: logistic,
}


class Wishes(Record):
    """What is asked of a calibration: accuracy of what is accepted, loss against the baseline,
    standard errors (`z`), and thresholds even from too few answers (`force`).
    """

    accuracy: float = 0.95
    loss: float = 0.01
    z: float = 1.0
    seed: int = 7
    force: bool = False


class Fitted(Record):
    """A calibration, its reliability curve, and why there is no threshold where one is missing."""

    calibration: Calibration
    bins: tuple[Bin, ...]
    missing: dict[Promise, str] = Field(default_factory=dict)


def fit(
    answers: Sequence[LabelledAnswer], wishes: Wishes, *, model: str = "", group: str = ""
) -> Fitted:
    """Fit one calibration. Every figure but the curve itself is measured on held-out answers.

    Raises ValueError for fewer than `LEAST` answers.
    """
    if len(answers) < LEAST:
        raise ValueError(f"{len(answers)} labelled answers are too few; give at least {LEAST}")
    points = [(a.confidence, a.correct) for a in answers]
    stated, right = [p[0] for p in points], [p[1] for p in points]
    tried = {m: held_out(points, curve, wishes.seed) for m, curve in CURVES.items()}
    losses = {m: log_loss(chances, right) for m, chances in tried.items()}
    method = min(CURVES, key=lambda m: losses[m])
    chances = tried[method]
    # Of answers held out: on its own answers a curve would look better than it is.
    thresholds, missing = _thresholds(answers, chances, wishes)
    fitted = Calibration(
        model=model,
        group=group,
        method=method,
        knots=CURVES[method](points),
        n=len(points),
        accuracy=_short(sum(right) / len(right)),
        ece_stated=_short(ece(stated, right)),
        ece=_short(ece(chances, right)),
        brier_stated=_short(brier(stated, right)),
        brier=_short(brier(chances, right)),
        log_loss_stated=_short(losses[Method.AS_STATED]),
        log_loss=_short(losses[method]),
        auroc=None if (area := auroc(stated, right)) is None else _short(area),
        thresholds=thresholds,
    )
    bins = reliability(stated, chances, right)
    return Fitted(calibration=fitted, bins=bins, missing=missing)


def held_out(points: Sequence[Point], curve: Fit, seed: int) -> list[float]:
    """Give each answer the chance read from a curve fitted to the other folds."""
    order = list(range(len(points)))
    Random(seed).shuffle(order)  # noqa: S311 - no secret: folds that can be made again
    chances = [0.0] * len(points)
    for fold in range(FOLDS):
        out = set(order[fold::FOLDS])
        knots = curve([p for place, p in enumerate(points) if place not in out])
        for place in out:
            chances[place] = interpolated(knots, points[place][0])
    return chances


def _thresholds(
    answers: Sequence[LabelledAnswer], chances: Sequence[float], wishes: Wishes
) -> tuple[tuple[Threshold, ...], dict[Promise, str]]:
    """Find the thresholds; that against a loss over the answers whose baseline is known."""
    judged = list(zip(chances, answers, strict=True))
    points = [(c, a.correct) for c, a in judged]
    pairs = [
        (c, a.correct, a.baseline_correct) for c, a in judged if a.baseline_correct is not None
    ]
    asked: list[tuple[Promise, int, Callable[[], Threshold | None]]] = [
        (Promise.ACCURACY, len(points), lambda: for_accuracy(points, wishes.accuracy, wishes.z))
    ]
    if pairs:
        rule = (Promise.LOSS, len(pairs), lambda: for_loss(pairs, wishes.loss, wishes.z))
        asked.append(rule)
    found: list[Threshold] = []
    missing: dict[Promise, str] = {}
    for promise, n, search in asked:
        if n < ENOUGH and not wishes.force:
            missing[promise] = f"{n} labelled answers; below {ENOUGH} no threshold is safe"
        elif (threshold := search()) is None:
            missing[promise] = "no confidence is high enough on these answers"
        else:
            found.append(threshold)
    return tuple(found), missing


def _short(figure: float) -> float:
    return round(figure, DIGITS)


def fit_all(answers: Sequence[LabelledAnswer], wishes: Wishes) -> list[Fitted]:
    """Fit one calibration of all answers, and one per model, per group, and per both.

    Which of them have fewer than `ENOUGH` answers is left to a wider one, unless forced. Raises
    ValueError if there are too few answers for any.
    """
    least = LEAST if wishes.force else ENOUGH
    return [
        fit(part, wishes, model=model, group=group)
        for (model, group), part in _parts(answers).items()
        if len(part) >= least or (model, group) == ("", "")
    ]


def _parts(
    answers: Sequence[LabelledAnswer],
) -> dict[tuple[str, str], list[LabelledAnswer]]:
    """Part answers by model and group, all of them first; a part that is no smaller is left out."""
    parts: dict[tuple[str, str], list[LabelledAnswer]] = {("", ""): []}
    for a in answers:
        for key in dict.fromkeys([("", ""), (a.model, ""), ("", a.group), (a.model, a.group)]):
            parts.setdefault(key, []).append(a)

    def narrower(model: str, group: str) -> bool:
        wider = {("", ""), (model, ""), ("", group)} - {(model, group)}
        return all(len(parts[model, group]) < len(parts[key]) for key in wider)

    return {key: parts[key] for key in sorted(parts) if not any(key) or narrower(*key)}
