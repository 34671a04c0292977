"""The decision sheet, readiness, and plans with what was learned."""

from collections.abc import Mapping

import pytest

from insight.learned.attempts import StepKey
from insight.learned.estimates import Estimate, Interval
from insight.plan.analysis import analyse
from insight.plan.critical import critical
from insight.plan.learned import Seen, with_learned
from insight.plan.montecarlo import simulate
from insight.plan.readiness import readiness
from insight.plan.savings import Volume
from insight.plan.sheet import Dimension, Sheet, seconds, width
from tests.plans.made import email, plan, step
from workflows.data.blueprints.blueprint import Blueprint
from workflows.data.blueprints.plan import Limit, Plan
from workflows.data.blueprints.planned import plan_of


def judged(made: Plan, deadline: float | None = None) -> Sheet:
    return analyse(made, runs=50, deadline=deadline).sheet


def scores(sheet: Sheet) -> dict[Dimension, int]:
    return {line.dimension: line.score for line in sheet.lines}


def test_a_chain_gains_nothing_and_says_so() -> None:
    sheet = judged(plan(step("a", 5), step("b", 5, "a"), step("c", 5, "b")))
    assert (sheet.gains, sheet.parallel) == (False, False)
    assert width(critical(plan(step("a", 0.1), step("b", 0.2, "a"), step("c", 0.3, "b")))) == 1
    assert sheet.verdict.startswith("in order: each step needs the one before")
    assert (scores(sheet)[Dimension.DURATION], scores(sheet)[Dimension.DEPENDENCIES]) == (-2, -2)


def test_a_chain_gains_where_a_step_has_items() -> None:
    sheet = judged(plan(step("a", 5), step("b", 5, "a", times=20, at_once=10)))
    assert sheet.verdict.startswith("parallel: saves")
    (reason,) = (d.reason for d in sheet.lines if d.dimension is Dimension.DEPENDENCIES)
    assert "items go at once of b" in reason
    alone = judged(plan(step("a", 5), step("b", 5, "a", times=20, at_once=1)))
    assert alone.verdict.startswith("in order: each step needs the one before")


def test_all_eight_dimensions_are_judged_with_a_reason() -> None:
    sheet = judged(email())
    assert [line.dimension for line in sheet.lines] == [*Dimension]
    assert all(line.reason and -2 <= line.score <= 2 for line in sheet.lines)
    assert sheet.total == sum(scores(sheet).values())
    assert sheet.parallel


def test_what_coordination_costs_more_than_it_saves_is_left_in_order() -> None:
    sheet = judged(plan(step("a", 0.03), step("b", 0.02)))
    assert (sheet.gains, sheet.parallel) == (False, False)
    assert "less than coordination costs" in sheet.verdict


def test_people_waited_for_at_once_are_a_gain_though_no_work_is_saved() -> None:
    both = [step("legal", 7200, waits=True), step("price", 3600, waits=True)]
    sheet = judged(plan(*both))
    assert sheet.parallel
    assert "saves 1 h of 3 h of waiting and work" in sheet.verdict
    assert scores(sheet)[Dimension.DURATION] == 1


def test_limits_take_the_gain_away() -> None:
    wide = [step(f"s{n}", 10, limit="model") for n in range(4)]
    assert scores(judged(plan(*wide, model=Limit(at_once=4))))[Dimension.RESOURCES] == 1
    assert scores(judged(plan(*wide, model=Limit(at_once=2))))[Dimension.RESOURCES] == -1
    alone = judged(plan(*wide, model=Limit(at_once=1)))
    assert (scores(alone)[Dimension.RESOURCES], alone.parallel) == (-2, False)


def test_a_deadline_only_parallel_keeps_weighs_most() -> None:
    by = {wish: scores(judged(email(), wish))[Dimension.OBJECTIVE] for wish in (10, 20, 30)}
    assert by == {10: 1, 20: 2, 30: 0}


def test_shared_things_and_effects_at_once_speak_against() -> None:
    both = plan(step("a", 9, uses=("ledger",)), step("b", 9, uses=("ledger",), effect=True))
    found = scores(judged(both))
    assert (found[Dimension.CHANGE], found[Dimension.FAILURES]) == (-1, -1)


def test_the_analysis_holds_the_golden_savings() -> None:
    found = analyse(email(), volume=Volume(a_day=500, hourly=50), runs=50)
    assert found.savings is not None
    assert (found.bound, found.free) == (16, 3)
    assert found.savings.hours == pytest.approx(500 * 8 * 260 / 3600)
    assert found.savings.net_hours == pytest.approx(500 * 7.8 * 260 / 3600)


def test_times_are_written_briefly() -> None:
    times = {
        0.25: "0.25 s",
        14: "14 s",
        119: "119 s",
        210: "3.5 min",
        3600: "1 h",
        5400: "1.5 h",
        4 * 86400: "4 d",
    }
    assert {time: seconds(time) for time in times} == times


def blueprint(**steps: Mapping[str, object]) -> Blueprint:
    return Blueprint.model_validate({"name": "case", "steps": steps})


def test_readiness_names_what_is_missing() -> None:
    mail = {"effect": "mail", "with": {"to": "x"}}
    bare = blueprint(a=mail, b={"give": "x"})
    call, undo, watch = readiness(bare, plan_of(bare))
    assert (call.well, undo.well, watch.well) == (None, False, None)
    assert "not for a" in undo.says
    ordered = blueprint(a={**mail, "needs": ["b"]}, b={"give": "x"})
    assert readiness(ordered, plan_of(ordered))[1].says == "a comes last"
    whole = blueprint(
        a={**mail, "undo": {"effect": "mail"}, "on_failure": {"ask": ["ana"]}},
    )
    call, undo, watch = readiness(whole, plan_of(whole))
    assert (call.well, undo.well, watch.well) == (True, True, True)
    assert "ana" in call.says


def test_learned_durations_take_the_place_of_given_ones() -> None:
    known = Estimate(
        key=StepKey(process="case", step="tone"),
        calls=90,
        n=90,
        p50=20,
        p95=Interval(value=40, low=30, high=50),
        p99=60,
        queue_p50=None,
        queue_p95=None,
        success=Interval(value=0.9, low=0.8, high=0.95),
        stragglers=0.0,
        straggler_times=6,
        changes=0,
    )
    learned = with_learned(email(), {"tone": Seen(known)})
    (tone,) = (s.modes[0] for s in learned.steps if s.id == "tone")
    assert (tone.p50, tone.attempts) == (20, 5)
    assert tone.spread == pytest.approx(0.4214, abs=1e-3)
    assert tone.fails == pytest.approx(0.1)
    alone = simulate(plan(step("tone", 20, spread=tone.spread)), runs=4_000)
    assert alone.p95.value == pytest.approx(40, rel=0.06)
    assert [s for s in learned.steps if s.id != "tone"] == [
        s for s in email().steps if s.id != "tone"
    ]
