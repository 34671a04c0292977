"""Plans analysed: goldens a person computes by hand, and properties of random plans."""

from itertools import pairwise, product

import pytest

from insight.plan.clusters import stages
from insight.plan.contention import contention
from insight.plan.critical import critical
from insight.plan.graph import Graph, mode, usual
from insight.plan.montecarlo import simulate
from insight.plan.savings import Volume, cost, overhead, savings
from insight.plan.virtual import MINUTE, ranked, run
from tests.plans.made import drawn, email, plan, step
from workflows.data.blueprints.plan import Limit, Plan


def test_three_calls_of_which_the_third_reads_the_second_take_16_seconds_never_10() -> None:
    found = critical(email())
    assert (found.bound, found.machine, found.in_order) == (16, 16, 24)
    assert found.path == ("draft", "check")
    by = {place.step: place for place in found.places}
    assert [by[s].slack for s in ("tone", "draft", "check")] == [8, 0, 0]
    assert contention(email()).took == simulate(email()).p50.value == 16


def test_five_independent_hours_are_one() -> None:
    found = critical(plan(*(step(f"s{n}", 3600) for n in range(5))))
    assert (found.in_order, found.bound, found.times_faster) == (18_000, 3600, 5)


def test_slack_soft_needs_and_people() -> None:
    found = critical(
        plan(
            step("a", 4),
            step("b", 1, "a"),
            step("c", 2, "b"),
            step("long", 9, "a", soft=("b",)),
            step("person", 100, "c", waits=True),
            step("end", 1, "person", "long"),
        )
    )
    assert found.path == ("a", "b", "c", "person", "end")
    assert (found.bound, found.waiting, found.machine) == (108, 100, 14)
    assert (found.in_order, found.machine_in_order) == (117, 17)
    by = {place.step: (place.slack, place.free) for place in found.places}
    assert by["long"] == (94, 94)
    assert by["b"] == (0, 0)
    # Total slack is shared along a chain; free slack is only the last one's.
    chain = critical(plan(step("x", 1), step("y", 1, "x"), step("z", 5)))
    assert [(p.step, p.slack, p.free) for p in chain.places] == [
        ("x", 3, 0),
        ("z", 0, 0),
        ("y", 3, 3),
    ]


def longest(found: Plan) -> float:
    """The longest chain, tried one by one."""
    by = {s.id: s for s in found.steps}

    def end(name: str) -> float:
        return usual(by[name]) + max((end(need) for need in by[name].needs), default=0.0)

    return max(map(end, by))


@pytest.mark.parametrize("seed", range(12))
def test_slack_is_what_a_step_may_grow(seed: int) -> None:
    made = drawn(seed, 14, held=False)
    found = critical(made)
    assert found.bound == pytest.approx(longest(made))
    for number, place in enumerate(Graph(made).steps):
        slack = next(p.slack for p in found.places if p.step == place.id)
        for grown, longer in ((slack, 0.0), (slack + 1, 1.0)):
            many = place.times if place.at_once is None else 1
            if many > 1 or place.times > 1:
                continue
            way = mode(place).model_copy(update={"p50": mode(place).p50 + grown})
            steps = list(Graph(made).steps)
            steps[number] = place.model_copy(update={"modes": (way,)})
            new = critical(made.model_copy(update={"steps": tuple(steps)}))
            assert new.bound == pytest.approx(found.bound + longer)


@pytest.mark.parametrize("seed", range(20))
def test_schedules_keep_their_limits_and_are_no_better_than_the_bound(seed: int) -> None:
    made = drawn(seed, 20, held=True)
    graph, found = Graph(made), contention(made)
    items = [[mode(s).p50] * s.times for s in graph.steps]
    ran = run(graph, items, ranked(graph))
    assert found.took == ran.took >= found.bound - 1e-9 >= critical(made).bound - 2e-9
    for number, needs in enumerate(graph.needs):
        assert ran.starts[number] >= max((ran.ends[n] for n in needs), default=0.0)
    calls = ran.calls
    for name, limit in made.limits.items():
        mine = sorted(c for n, *c in calls if mode(graph.steps[n]).limit == name)
        starts = [start for start, _ in mine]
        for start in starts:
            assert sum(a <= start < b for a, b in mine) <= (limit.at_once or 99)
        if limit.per_minute:
            gaps = zip(starts, starts[limit.per_minute :], strict=False)
            assert all(b - a >= MINUTE - 1e-9 for a, b in gaps)
    # Work-conserving: without limits nothing waits.
    free = made.model_copy(update={"limits": {}})
    assert contention(free).took == pytest.approx(critical(made).bound)


def test_contention_by_hand() -> None:
    wide = [step(f"s{n}", 10, limit="model") for n in range(6)]
    two = contention(plan(*wide, model=Limit(at_once=2)))
    assert (two.took, two.bound, two.bound_by, two.waited) == (30, 30, "model", 60)
    assert [(d.peak, d.at_once, d.calls, d.busy) for d in two.demands] == [(6, 2, 6, 60)]
    rate = contention(plan(*wide, model=Limit(per_minute=2)))
    assert (rate.took, rate.bound) == (130, 130)
    spread = contention(plan(step("all", 1, limit="m", times=100, at_once=10), m=Limit(at_once=5)))
    assert (spread.took, spread.demands[0].peak) == (20, 10)
    items = contention(plan(step("each", 9, limit="m", at_once=7), step("one", 2, limit="m")))
    assert items.demands[0].peak == 8


def test_many_runs_agree_with_what_is_known() -> None:
    one = simulate(plan(step("s", 10, spread=0.5)), runs=4_000, seed=3, deadline=10)
    assert one.p50.value == pytest.approx(10, rel=0.05)
    assert one.p95.value == pytest.approx(10 * 2.276, rel=0.08)  # e^(0.5 * 1.645)
    assert abs(one.p95.value - 22.76) < 4 * one.p95.error
    assert one.in_time is not None
    assert one.in_time.value == pytest.approx(0.5, abs=4 * one.in_time.error)
    assert one.bindings[0].criticality == 1
    assert one.bindings[0].ssi == pytest.approx(1)
    assert one.bindings[0].cruciality == pytest.approx(1)
    tried = simulate(plan(step("s", 1, fails=0.5, attempts=3)), runs=4_000)
    assert tried.mean.value == pytest.approx(1.75, abs=4 * tried.mean.error)
    assert tried.works == pytest.approx(0.875, abs=0.02)
    late = simulate(plan(step("s", 1, stragglers=0.1, straggler_times=8)), runs=4_000)
    assert (late.p50.value, late.p95.value) == (1, 8)
    some = simulate(plan(step("s", 1, chance=0.25), step("t", 0)), runs=4_000)
    assert some.mean.value == pytest.approx(0.25, abs=4 * some.mean.error)


def test_runs_are_seeded_and_share_their_luck() -> None:
    made = drawn(5, 30, held=True, spread=0.4)
    assert simulate(made, seed=8, runs=60) == simulate(made, seed=8, runs=60)
    assert simulate(made, seed=9, runs=60) != simulate(made, seed=8, runs=60)
    # A plan with one more need is never faster, run by run: the same luck in both.
    loose = plan(step("a", 5, spread=1), step("b", 5, spread=1))
    tight = plan(step("a", 5, spread=1), step("b", 5, "a", spread=1))
    assert simulate(tight).p50.value > simulate(loose).p50.value
    assert simulate(loose).bindings[0].cruciality != 0


@pytest.mark.parametrize("seed", range(4))
def test_limits_only_slow_down_and_hold_in_every_run(seed: int) -> None:
    made = drawn(seed, 15, held=True, spread=0.5)
    held, free = simulate(made, runs=80), simulate(made.model_copy(update={"limits": {}}), runs=80)
    assert held.p95.value >= free.p95.value
    assert 0 < held.efficiency <= 1 == free.efficiency
    assert all(0 <= used <= 1 + 1e-9 for used in held.usage.values())
    for found in (held, free):
        assert any(b.criticality > 0 for b in found.bindings)


def test_a_huge_plan_gets_fewer_runs() -> None:
    assert simulate(plan(step("s", 1, times=10_000, spread=0.1))).runs == 200


def test_savings_by_hand() -> None:
    volume = Volume(a_day=500, hourly=50)
    found = savings(24, 10, volume)
    assert (round(found.hours, 1), round(found.money or 0)) == (505.6, 25_278)
    assert found.net_hours == found.hours
    less = savings(24, 10, volume, overhead=0.7, usd=0.002)
    assert (round(less.net_hours, 1), round(less.net_money or 0)) == (480.3, 24_014)
    assert (round(less.month_value or 0), round(less.month_models, 2)) == (2_001, 21.67)
    assert savings(24, 10, Volume(a_day=1)).money is None


def test_coordination_costs_only_what_runs_at_once() -> None:
    chain, mail = plan(step("a", 5), step("b", 5, "a")), email()
    assert overhead(chain, critical(chain)) == 0
    assert overhead(mail, critical(mail)) == pytest.approx(0.2)
    learned = mail.model_copy(update={"coordination": 0.04})
    assert overhead(learned, critical(mail)) == pytest.approx(0.08)
    assert cost(plan(step("a", 1, usd=0.01, times=3, fails=0.5, attempts=2, chance=0.5))) == (
        pytest.approx(0.01 * 3 * 0.5 * 1.5)
    )


def test_clusters_by_hand() -> None:
    (apart,) = stages(email())
    assert apart.after == ""
    assert [(c.steps, c.length) for c in apart.clusters] == [
        (("tone",), 8),
        (("draft", "check"), 16),
    ]
    assert apart.balance == 0.75
    joined = plan(
        step("read", 1),
        *(step(f"s{n}", 5, "read") for n in range(3)),
        step("join", 1, "s0", "s1", "s2"),
        step("mail", 2, "join"),
        step("file", 1, "join"),
    )
    first, second = stages(joined)
    assert (first.after, len(first.clusters), first.balance) == ("read", 3, 1)
    assert (second.after, len(second.clusters), second.balance) == ("join", 2, 0.75)
    assert stages(plan(step("a", 1), step("b", 1, "a"))) == ()


@pytest.mark.parametrize("seed", range(12))
def test_clusters_need_nothing_of_each_other(seed: int) -> None:
    made = drawn(seed, 16, held=False)
    needs = {s.id: set(s.needs) for s in made.steps}
    for stage in stages(made):
        for one, other in product(stage.clusters, repeat=2):
            if one is not other:
                assert not any(needs[s] & set(other.steps) for s in one.steps)
    known = [s for stage in stages(made) for c in stage.clusters for s in c.steps]
    assert len(known) == len(set(known))
    assert all(a.after != b.after for a, b in pairwise(stages(made)))
