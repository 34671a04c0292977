"""Records of calibration: what a model's stated confidence is worth, measured on labelled answers.

Made by `starter.py calibrate` and given to a process as input: it is data, read without any
mathematics but interpolation, so that a replay reads the same.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from workflows.data.common import Record

DIGITS, STEPS = 6, 1_000_000
"""Decimals of a confidence, and the steps from 0 to 1 they make."""

Probability = Annotated[float, Field(ge=0, le=1)]


class Method(StrEnum):
    """How stated confidence is turned into the chance of being right."""

    AS_STATED = "as-stated"
    """The model's word is taken: neither of the others did better on answers held out."""
    ISOTONIC = "isotonic"
    """Steps fitted by pooling adjacent violators (PAV)."""
    LOGISTIC = "logistic"
    """A logistic curve over the log-odds of what was stated (Platt)."""


class Promise(StrEnum):
    """What a threshold keeps, and what its `level` therefore means."""

    ACCURACY = "accuracy"
    """Accepted answers are right at least this often."""
    LOSS = "loss"
    """Accepting instead of asking the baseline costs at most this much accuracy over all."""


class Knot(Record):
    """A point of the curve: what was stated, and how often it came true."""

    stated: Probability
    calibrated: Probability


def interpolated(knots: Sequence[Knot], stated: float) -> float:
    """Read a curve of rising knots; outside of them it is that of the nearest one, for NaN 0."""
    if stated < knots[0].stated:
        return knots[0].calibrated
    if stated != stated:
        return 0.0
    after = bisect_right(knots, stated, key=lambda knot: knot.stated)
    low = knots[after - 1]
    if after == len(knots):
        return low.calibrated
    high = knots[after]
    share = (stated - low.stated) / (high.stated - low.stated)
    return round(low.calibrated + (high.calibrated - low.calibrated) * share, DIGITS)


class Threshold(Record):
    """Accept answers whose calibrated confidence is at least `at`.

    Measured on `n` answers held out of the fit, of which `accepted` reached it. `observed` is
    their accuracy (or the change of accuracy over all, for a loss), `bound` the same less `z`
    standard errors: the promise was that the bound keeps `level`.
    """

    promise: Promise
    level: Probability
    at: Probability
    accepted: Annotated[int, Field(ge=0)]
    n: Annotated[int, Field(ge=1)]
    observed: float
    bound: float
    z: Annotated[float, Field(ge=0)] = 1.0

    @property
    def coverage(self) -> float:
        """The share of answers that is accepted."""
        return self.accepted / self.n


class Calibration(Record):
    """What the confidence of one model, or of one group of questions, is worth.

    Empty `model` or `group` is all of them. `ece` is the expected calibration error, `brier` the
    Brier score and `log_loss` that of the calibrated confidence on held-out answers; `..._stated`
    those of confidence as stated. `auroc` says how well confidence tells right from wrong: 0.5
    not at all, 1 always; None if all answers were right, or all wrong.
    """

    model: str = ""
    group: str = ""
    method: Method
    knots: Annotated[tuple[Knot, ...], Field(min_length=2)]
    n: Annotated[int, Field(ge=1)]
    accuracy: Probability
    ece_stated: float
    ece: float
    brier_stated: float
    brier: float
    log_loss_stated: float
    log_loss: float
    auroc: float | None
    thresholds: tuple[Threshold, ...] = ()

    @model_validator(mode="after")
    def _rises(self) -> Self:
        pairs = zip(self.knots, self.knots[1:], strict=False)
        if not all(a.stated < b.stated and a.calibrated <= b.calibrated for a, b in pairs):
            raise ValueError("knots: must rise; fit the calibration again")
        return self

    def calibrated(self, stated: float) -> float:
        """Give the chance of being right that stands behind a stated confidence.

        Never falls as `stated` rises. What is no number (NaN) counts as 0.
        """
        return interpolated(self.knots, stated)

    def threshold(self, promise: Promise = Promise.ACCURACY) -> Threshold | None:
        """Give the threshold that keeps a promise, None if the answers could not show one."""
        return next((t for t in self.thresholds if t.promise is promise), None)

    def lowest_accepted(self, promise: Promise = Promise.ACCURACY) -> float | None:
        """Give the lowest stated confidence that may pass; None if none may.

        For whoever compares what was stated, as a cascade with a threshold for each model does.
        """
        if not self.accepts(1.0, promise):
            return None
        steps = range(STEPS)
        return bisect_left(steps, True, key=lambda k: self.accepts(k / STEPS, promise)) / STEPS

    def accepts(self, stated: float, promise: Promise = Promise.ACCURACY) -> bool:
        """Say whether an answer of this confidence may pass; never without a threshold."""
        found = self.threshold(promise)
        return found is not None and self.calibrated(stated) >= found.at


class CalibrationBook(Record):
    """All that was fitted from one file of labelled answers, whose sha256 is `source_sha256`."""

    version: Literal[1] = 1
    fitted_at: AwareDatetime
    source_sha256: str
    seed: int
    calibrations: Annotated[tuple[Calibration, ...], Field(min_length=1)]

    def of(self, model: str = "", group: str = "") -> Calibration:
        """Give the nearest calibration: of model and group, of the model, of the group, of all.

        KeyError if there is none of all either.
        """
        known = {(c.model, c.group): c for c in self.calibrations}
        for key in ((model, group), (model, ""), ("", group), ("", "")):
            if key in known:
                return known[key]
        raise KeyError(f"{model} {group}".strip())
