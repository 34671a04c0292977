"""Calibration: curves that rise, figures worked by hand, and thresholds that keep their promise."""

from datetime import UTC, datetime
from itertools import pairwise
from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from insight.confidence.calibration import CURVES, Fitted, Wishes, fit, fit_all, held_out
from insight.confidence.curves import as_stated, isotonic, logistic
from insight.confidence.labelled import LabelledAnswer, best_model, with_baseline
from insight.confidence.reliability import auroc, brier, ece, log_loss, reliability
from insight.confidence.thresholds import ENOUGH, for_accuracy, for_loss
from insight.confidence.tiers import Finding, quality
from tests.insight.banks import bank, kept, truth
from workflows.data.confidence import (
    Calibration,
    CalibrationBook,
    Knot,
    Method,
    Promise,
    interpolated,
)

POINTS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40)
each_curve = pytest.mark.parametrize("method", CURVES)


def knots(*pairs: tuple[float, float]) -> tuple[Knot, ...]:
    return tuple(Knot(stated=x, calibrated=y) for x, y in pairs)


# ---- curves ---------------------------------------------------------------------------------


@each_curve
@given(points=POINTS)
def test_every_curve_rises_from_0_to_1_and_claims_no_certainty(
    method: Method, points: list[tuple[float, bool]]
) -> None:
    found = CURVES[method](points)
    assert (found[0].stated, found[-1].stated) == (0, 1)
    assert all(a.stated < b.stated and a.calibrated <= b.calibrated for a, b in pairwise(found))
    if method is not Method.AS_STATED:
        least = 1 / (len(points) + 2)
        assert found[0].calibrated >= round(least, 6)
        assert found[-1].calibrated <= round(1 - least, 6)


def test_neighbours_that_fall_are_pooled() -> None:
    """By hand: 0, 1, 0, 1, 1 pools the middle two; ends as five answers allow: 1/7 and 6/7."""
    points = [(0.1, False), (0.2, True), (0.3, False), (0.4, True), (0.5, True)]
    low, high = round(1 / 7, 6), round(6 / 7, 6)
    steps = ((0, low), (0.1, low), (0.2, 0.5), (0.3, 0.5), (0.4, high), (0.5, high), (1, high))
    assert isotonic(points) == knots(*steps)


@given(points=POINTS)
def test_no_rising_curve_is_nearer_to_the_answers_than_the_isotonic_one(
    points: list[tuple[float, bool]],
) -> None:
    """Its squares are no more than those of any constant, nor of the answers' own order."""
    points = [(round(x, 3), y) for x, y in points] * 50  # so that no end is clipped much

    def squares(values: list[float]) -> float:
        return sum((v - y) ** 2 for v, (_, y) in zip(values, points, strict=True))

    curve = isotonic(points)
    fitted = squares([interpolated(curve, x) for x, _ in points])
    mean = sum(y for _, y in points) / len(points)
    cut = sorted(x for x, _ in points)[len(points) // 2]
    for other in (lambda _: mean, lambda x: x, lambda x: float(x >= cut)):
        assert fitted <= squares([other(x) for x, _ in points]) + 0.05


def test_the_logistic_curve_finds_the_one_the_answers_came_from() -> None:
    answers = bank(6_000, seed=3)
    curve = logistic([(a.confidence, a.correct) for a in answers])
    for stated in (0.5, 0.7, 0.9, 0.97):
        true = 1 / (1 + exp(-(log(stated / (1 - stated)) - 1.0) / 0.9))
        assert interpolated(curve, stated) == pytest.approx(true, abs=0.03), stated


@pytest.mark.parametrize(
    "points",
    [
        [(0.2, False)] * 30 + [(0.8, True)] * 30,  # separable
        [(0.9, True)] * 30,  # all alike
        [(0.9, False)] * 30 + [(0.1, True)] * 30,  # the wrong way round
        [(0.0, False), (1.0, True)] * 9,
    ],
)
def test_the_logistic_curve_is_finite_on_odd_answers(points: list[tuple[float, bool]]) -> None:
    curve = logistic(points)
    assert all(0 < knot.calibrated < 1 for knot in curve)
    assert all(a.calibrated <= b.calibrated for a, b in pairwise(curve))


# ---- the record -----------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 10**6)), min_size=2, max_size=20),
    st.lists(st.floats(0, 1), min_size=2, max_size=20),
)
def test_calibrated_never_falls(steps: list[tuple[int, int]], asked: list[float]) -> None:
    xs = sorted({x for x, _ in steps})
    ys = sorted(y for _, y in steps)[: len(xs)]
    curve = knots(*((x / 1000, y / 10**6) for x, y in zip(xs, ys, strict=True)))
    values = [interpolated(curve, x) for x in sorted(asked)]
    assert values == sorted(values)
    assert [interpolated(curve, k.stated) for k in curve] == [k.calibrated for k in curve]


def a_calibration(**changes: object) -> Calibration:
    made = fit(bank(300, seed=1), Wishes(accuracy=0.8)).calibration
    return Calibration.model_validate(made.model_dump() | changes)


def test_what_is_no_confidence_counts_as_the_nearest_or_as_none() -> None:
    c = a_calibration(knots=knots((0.2, 0.1), (0.8, 0.9)))
    assert [c.calibrated(x) for x in (-1, 0, 0.5, 0.9, float("inf"))] == [0.1, 0.1, 0.5, 0.9, 0.9]
    assert c.calibrated(float("nan")) == 0


def test_a_curve_that_falls_is_no_calibration() -> None:
    with pytest.raises(ValidationError, match="must rise"):
        a_calibration(knots=knots((0.0, 0.5), (1.0, 0.4)))


def test_a_calibration_survives_the_wire_and_accepts_by_its_threshold() -> None:
    c = a_calibration()
    assert Calibration.model_validate_json(c.model_dump_json()) == c
    threshold = c.threshold()
    assert threshold is not None
    assert c.accepts(1.0)
    assert [c.accepts(x / 100) for x in range(101)] == [
        c.calibrated(x / 100) >= threshold.at for x in range(101)
    ]
    lowest = c.lowest_accepted()
    assert lowest is not None
    assert (c.accepts(lowest), c.accepts(lowest - 1e-6)) == (True, False)
    without = a_calibration(thresholds=())
    assert (without.accepts(1.0), without.lowest_accepted()) == (False, None)


def test_the_book_falls_back_to_the_wider_calibration() -> None:
    one = a_calibration()

    def of(model: str, group: str) -> Calibration:
        return one.model_copy(update={"model": model, "group": group})

    parts = [("", ""), ("m", ""), ("m", "tax"), ("", "law")]
    book = CalibrationBook(
        fitted_at=datetime(2026, 11, 26, tzinfo=UTC),
        source_sha256="x",
        seed=7,
        calibrations=tuple(of(*part) for part in parts),
    )
    asked = [("m", "tax"), ("m", "law"), ("other", "law"), ("other", "tax"), ("", "")]
    given_ = [(c.model, c.group) for c in (book.of(*part) for part in asked)]
    assert given_ == [("m", "tax"), ("m", ""), ("", "law"), ("", ""), ("", "")]
    with pytest.raises(KeyError):
        book.model_copy(update={"calibrations": book.calibrations[1:]}).of("x")


# ---- figures --------------------------------------------------------------------------------


def test_figures_worked_by_hand() -> None:
    chances, right = [0.95, 0.95, 0.55, 0.15], [True, False, True, False]
    assert ece(chances, right) == pytest.approx((2 * 0.45 + 0.45 + 0.15) / 4)
    assert brier(chances, right) == pytest.approx((0.0025 + 0.9025 + 0.2025 + 0.0225) / 4)
    surprise = -(log(0.95) + log(0.05) + log(0.55) + log(0.85)) / 4
    assert log_loss(chances, right) == pytest.approx(surprise)
    # Pairs of right and wrong: .95/.95 half, .95/.15, .55/.15 won, .55/.95 lost.
    assert auroc(chances, right) == pytest.approx(2.5 / 4)
    assert auroc([0.1, 0.9], [True, True]) is None
    bins = reliability(chances, [0.5, 0.4, 0.3, 0.2], right)
    assert [(b.low, b.n, b.accuracy) for b in bins] == [(0.1, 1, 0), (0.5, 1, 1), (0.9, 2, 0.5)]
    assert bins[2].calibrated == pytest.approx(0.45)
    assert log_loss([1.0], [False]) < 20, "a certainty that failed is dear, not endless"


def test_a_perfect_bank_has_a_small_error_and_an_overconfident_one_is_mended() -> None:
    perfect = fit(bank(2000, seed=5, over=0, spread=1), Wishes()).calibration
    assert perfect.ece_stated < 0.03
    assert perfect.log_loss <= perfect.log_loss_stated, "a calibration makes nothing worse"
    over = fit(bank(2000, seed=5), Wishes()).calibration
    assert over.ece_stated > 0.08
    assert over.ece < 0.03
    assert over.brier < over.brier_stated


def test_held_out_means_held_out() -> None:
    """A curve that has seen an answer would say 1 of it; one that has not, the mean of others."""

    def remembers(points: list[tuple[float, bool]]) -> tuple[Knot, ...]:
        seen = {x for x, _ in points}
        flat = float(all(x / 20 in seen for x in range(1, 20)))
        return knots((0, flat), (1, flat))

    points = [(n / 20, True) for n in range(1, 20)]
    assert set(held_out(points, remembers, seed=7)) == {0.0}  # type: ignore[arg-type]


def test_the_same_answers_and_seed_give_the_same_calibration() -> None:
    assert fit(bank(200, seed=2), Wishes()) == fit(bank(200, seed=2), Wishes())


# ---- thresholds -----------------------------------------------------------------------------


def test_the_threshold_is_the_lowest_whose_bound_keeps_the_promise() -> None:
    """By hand: 100 of 0.9 with 95 right, 100 of 0.6 with 70 right."""
    rows = [(0.9, n < 95) for n in range(100)] + [(0.6, n < 70) for n in range(100)]
    high = for_accuracy(rows, 0.92)
    assert high is not None
    assert (high.at, high.accepted, high.n, high.coverage) == (0.9, 100, 200, 0.5)
    assert high.observed == 0.95
    assert high.bound == pytest.approx(0.95 - (0.95 * 0.05 / 99) ** 0.5, abs=1e-6)
    assert for_accuracy(rows, 0.94) is None, "0.95 observed does not show 0.94"
    assert for_accuracy(rows, 0.94, z=0) is not None
    both = for_accuracy(rows, 0.79)
    assert both is not None
    assert (both.at, both.accepted) == (0.6, 200)


@pytest.mark.parametrize(("accepted", "shown"), [(59, False), (60, True)])
def test_no_error_among_few_shows_little(accepted: int, shown: bool) -> None:
    """Rule of three: with no error in 60 the rate may still be 5 %."""
    assert (for_accuracy([(0.9, True)] * accepted, 0.95) is not None) == shown


def test_a_cascade_may_lose_no_more_than_allowed() -> None:
    """By hand: 300 of 0.9 lose once and win once, 100 of 0.5 lose 20 times."""
    sure = [(0.9, True, True)] * 298 + [(0.9, True, False), (0.9, False, True)]
    unsure = [(0.5, True, True)] * 80 + [(0.5, False, True)] * 20
    found = for_loss(sure + unsure, 0.01)
    assert found is not None
    assert (found.promise, found.at, found.accepted, found.observed) == (Promise.LOSS, 0.9, 300, 0)
    # Two of 400 differ: deviation (2/399)^.5, one error of the mean 1/20 of it; less than 3/n.
    assert found.bound == pytest.approx(min(-((2 / 399) ** 0.5) / 20, (1 - 3) / 400), abs=1e-6)
    all_of_them = for_loss(sure + unsure, 0.07)
    assert all_of_them is not None
    assert all_of_them.at == 0.5
    assert for_loss(sure + unsure, 0.002) is None


def test_too_few_answers_give_a_calibration_but_no_threshold_unless_forced() -> None:
    few = [a.model_copy(update={"correct": True}) for a in bank(ENOUGH - 1, seed=4)]
    fitted = fit(few, Wishes())
    assert fitted.calibration.thresholds == ()
    assert fitted.missing == {
        Promise.ACCURACY: "99 labelled answers; below 100 no threshold is safe"
    }
    assert fit(few, Wishes(force=True)).calibration.threshold() is not None
    with pytest.raises(ValueError, match="at least 10"):
        fit(few[:9], Wishes())


def test_thresholds_break_their_promise_seldom() -> None:
    """From 300 answers each; the best threshold of a bank breaks its promise far more often."""
    known, trials = truth(), range(40)
    by_rule = [kept(trial, 300, 1.0, known) for trial in trials]
    by_luck = [kept(trial, 300, 0.0, known) for trial in trials]
    print(f"seeds {trials}: rule {by_rule.count(False)} broken, luck {by_luck.count(False)} broken")
    assert by_rule.count(None) < 12, "a rule that never gives a threshold would keep every promise"
    assert by_rule.count(False) <= 5
    assert by_luck.count(False) > 2 * by_rule.count(False)


# ---- models, groups, tiers ------------------------------------------------------------------


def parts(fitted: list[Fitted]) -> list[tuple[str, str, int]]:
    return [(f.calibration.model, f.calibration.group, f.calibration.n) for f in fitted]


def test_models_and_groups_with_enough_answers_have_their_own() -> None:
    named = [
        a.model_copy(update={"model": "ab"[n % 2], "group": "tax" if n < 150 else "law"})
        for n, a in enumerate(bank(260, seed=6))
    ]
    assert parts(fit_all(named, Wishes())) == [
        ("", "", 260),
        ("", "law", 110),
        ("", "tax", 150),
        ("a", "", 130),
        ("b", "", 130),
    ]
    forced = parts(fit_all(named, Wishes(force=True)))
    assert {("a", "tax", 75), ("b", "law", 55)} <= set(forced)
    alone = [a.model_copy(update={"model": "a"}) for a in named]
    assert parts(fit_all(alone, Wishes()))[0] == ("", "", 260)
    assert "a" not in {model for model, *_ in parts(fit_all(alone, Wishes()))}


def answers(tier: str, model: str, marks: str) -> list[LabelledAnswer]:
    return [
        LabelledAnswer(
            confidence=0.9, correct=m == "1", model=model, complexity=tier, id=f"{tier}{n}"
        )
        for n, m in enumerate(marks)
    ]


def test_where_the_cheap_model_costs_quality_is_told_by_tier() -> None:
    """By hand: equal on the easy ones, 5 of 10 lost on the hard ones, too few of the odd ones."""
    rows = [
        *answers("easy", "cheap", "1111111101"),
        *answers("easy", "strong", "1111111011"),
        *answers("hard", "cheap", "0000011111"),
        *answers("hard", "strong", "1111111111"),
        *answers("odd", "cheap", "0"),
        *answers("odd", "strong", "1"),
    ]
    lines = {(line.tier, line.model): line for line in quality(rows)}
    assert lines["easy", "cheap"].finding is Finding.KEEPS
    assert lines["easy", "cheap"].difference == 0
    hard = lines["hard", "cheap"]
    assert (hard.finding, hard.difference) == (Finding.COSTS, -0.5)
    assert hard.error == pytest.approx((0.25 / 9) ** 0.5)
    assert lines["odd", "cheap"].finding is Finding.UNKNOWN
    assert lines["hard", "strong"].finding is Finding.BEST
    apart = [a.model_copy(update={"id": ""}) for a in rows]
    unpaired = {(line.tier, line.model): line for line in quality(apart)}["hard", "cheap"]
    assert unpaired.error == pytest.approx((0.25 / 9) ** 0.5)
    assert quality(bank(20, seed=1)) == ()


def test_scores_are_cut_into_thirds() -> None:
    rows = [
        LabelledAnswer(confidence=1, correct=True, model="m", complexity=n / 9) for n in range(9)
    ]
    assert [(line.tier, line.n) for line in quality(rows)] == [
        ("simple", 3),
        ("standard", 3),
        ("complex", 3),
    ]


def test_a_question_without_a_score_gets_one_by_the_rules() -> None:
    long = "Given 3 lists, 4 registers (one of 1990) and 5 letters: who owns what, since when? " * 9
    asked = ["Who?"] * 2 + ["Who, when, and why?"] * 2 + [long] * 2
    rows = [LabelledAnswer(confidence=1, correct=True, model="m", question=q) for q in asked]
    assert [(line.tier, line.n) for line in quality(rows)] == [
        ("simple", 2),
        ("standard", 2),
        ("complex", 2),
    ]


def test_another_models_answers_to_the_same_questions_are_the_baseline() -> None:
    rows = [
        *answers("t", "cheap", "01"),
        *answers("t", "strong", "11"),
        *answers("u", "cheap", "1"),
    ]
    assert best_model(rows) == "strong"
    assert best_model(bank(3, seed=1)) == ""
    known = [a.baseline_correct for a in with_baseline(rows, "strong")]
    assert known == [True, True, None, None, None]


def test_as_stated_is_the_models_word() -> None:
    assert [interpolated(as_stated([]), x) for x in (0, 0.3, 0.85, 1)] == [0, 0.3, 0.85, 1]
