"""The optimiser: against all there is on small plans, within limits, and in virtual time.

BRAID_SOAK=1 tries everything on plans of eight steps.
"""

import json
import math
import os
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path
from statistics import fmean

import pytest
from rich.console import Console

from bench.plans import tiered, traded
from cli import highs
from cli.errors import BadInput
from cli.plans.optimising import shown
from insight.plan.draws import drawn as drawn_step
from insight.plan.optimise.composites import both, cascade, hedged, skip, vote, widened
from insight.plan.optimise.decide import Trial, decide
from insight.plan.optimise.greedy import NEVER, greedy, within, worth
from insight.plan.optimise.lengths import length, price, way
from insight.plan.optimise.problem import Problem, problem
from insight.plan.optimise.reasons import choices
from insight.plan.optimise.schedule import makespan
from insight.plan.optimise.simulate import Track, drawn
from insight.plan.optimise.solved import NEAR, solve
from tests.plans.made import plan, step
from tests.plans.test_plan_command import EMAIL, said
from workflows.data.blueprints.board import Board
from workflows.data.blueprints.choices import Choices, Objective, Wish
from workflows.data.blueprints.pace import Pace, Told, log2, power2, scale, told
from workflows.data.blueprints.plan import LAST_PAUSE, Limit, Mode, Plan, PlanStep
from workflows.data.blueprints.replan import Began, Ended, Replanner

SEEDS = range(8)
STEPS = 8 if os.environ.get("BRAID_SOAK") else 6
FEW = Trial(runs=60)
FREE = Wish(objective=Objective.CHEAPEST, deadline_ms=NEVER)
exact = partial(highs.in_process, seconds=20.0, gap=0.0)
needs_highs = pytest.mark.skipif(not highs.there(), reason="HiGHS is an extra: braid[optimise]")


def wishes(stated: Problem, seed: int) -> Iterator[Wish]:
    """Wishes that are neither out of reach nor free."""
    quick, cheap = (stated.board(one()) for one in (stated.quickest, stated.cheapest))
    part = (seed % 4 + 1) / 5
    deadline = int(max(quick.ends()) + (max(cheap.ends()) - max(quick.ends())) * part)
    budget = int(cheap.cost() * (1.2 + part))
    yield Wish(objective=Objective.CHEAPEST, deadline_ms=deadline)
    yield Wish(objective=Objective.CHEAPEST, deadline_ms=deadline, quality=0.75)
    yield Wish(objective=Objective.BEST, deadline_ms=deadline, micro_usd=budget)
    yield Wish(objective=Objective.FASTEST, micro_usd=budget)


def best_of_all(stated: Problem, wish: Wish) -> int | None:
    """Try every choice there is."""
    found = []
    for chosen in product(*(range(len(ways)) for ways in stated.ways)):
        board = Board(stated.layout, list(chosen))
        if within(board, wish):
            found.append(worth(board, wish)[0])
    return min(found, default=None)


@pytest.mark.parametrize("seed", SEEDS)
def test_plans_are_as_good_as_the_best_of_all(seed: int) -> None:
    stated = problem(traded(seed, STEPS, 4), 0.9)
    for wish in wishes(stated, seed):
        best, plain = best_of_all(stated, wish), solve(stated, wish, None)
        if plain.within:
            reached = worth(stated.board(plain.chosen), wish)[0]
            assert best is not None
            assert reached >= best >= reached * (1 - (plain.gap or 0)) - 1, wish
        if not highs.there():
            continue
        found = solve(stated, wish, exact)
        assert found.within == (best is not None), wish
        if best is not None:
            reached = worth(stated.board(found.chosen), wish)[0]
            near = NEAR if wish.objective is Objective.FASTEST else 1 + 1e-6
            assert best <= reached <= best * near + 1, wish


@needs_highs
def test_highs_in_its_own_process_answers_as_here_and_says_no_to_what_cannot_be() -> None:
    stated = problem(traded(3, 20, 4), 0.9)
    wish = next(wishes(stated, 3))
    assert (
        solve(stated, wish, highs.solve).chosen
        == solve(stated, wish, partial(highs.in_process, seconds=3.0)).chosen
    )
    assert not solve(stated, wish.model_copy(update={"deadline_ms": 1}), exact).within


def test_limits_delay_plans_and_make_them_take_quicker_ways() -> None:
    ways = (Mode(name="slow", p50=10, limit="desk"), Mode(name="quick", p50=4, usd=1, limit="desk"))
    six = plan(*(PlanStep(id=f"s{i}", modes=ways) for i in range(6)), desk=Limit(at_once=2))
    stated = problem(six, 0.5)
    assert makespan(stated, stated.cheapest()) == 30_000
    wish = Wish(objective=Objective.CHEAPEST, deadline_ms=20_000)
    found = solve(stated, wish, exact if highs.there() else None)
    assert found.within
    assert makespan(stated, found.chosen) <= 20_000
    late = solve(stated, wish.model_copy(update={"deadline_ms": 11_000}), None)
    assert not late.within
    paced = plan(*(step(f"s{i}", 1, limit="api") for i in range(5)), api=Limit(per_minute=2))
    assert makespan(problem(paced, 0.5), [0] * 5) == 121_000
    many = plan(
        step("all", 1, limit="api", times=6), step("one", 1, limit="api"), api=Limit(per_minute=2)
    )
    assert makespan(problem(many, 0.5), [0, 0]) == 181_000


def test_whole_numbers_are_as_good_as_logarithms() -> None:
    for x in (1, 2, 3, 999, 60_000, 7_777_777_777):
        assert abs(log2(x) / 1_024 - math.log2(x)) < 0.002
        assert abs(power2(log2(x) % 4_096) / 1_000 - x / 2 ** (log2(x) // 4_096 * 4)) < 0.01 * 16
    assert power2(-1_024) == 500


def chain(*, hedges: bool = True) -> tuple[Problem, Choices]:
    """Three steps in a row, each 10 s for a dollar or 4 s for three, to end within 25 s."""
    ways = (Mode(name="slow", p50=10, usd=1), Mode(name="quick", p50=4, usd=3))
    three = Plan(
        name="chain",
        steps=tuple(
            PlanStep(id=f"s{i}", modes=ways, needs=(f"s{i - 1}",) if i else (), effect=not hedges)
            for i in range(3)
        ),
    )
    stated = problem(three, 0.5)
    wish = Wish(objective=Objective.CHEAPEST, deadline_ms=25_000)
    return stated, choices(stated, wish, solve(stated, wish, None))


def test_a_run_hastens_when_late_and_saves_when_early() -> None:
    stated, made = chain()
    names = [step.way.name for step in made.steps]
    assert names.count("quick") == 1
    slow = next(i for i, way in enumerate(stated.ways[0]) if way.name == "slow")
    late, early = Replanner(made), Replanner(made)
    spent = 1_000_000
    after_late = late.ways(17_000, {}, {"s0": Ended(17_000, 10_000, slow)}, spent)
    assert after_late == {"s1": 1 - slow, "s2": 1 - slow}
    after_early = early.ways(2_000, {}, {"s0": Ended(2_000, 10_000, slow)}, spent)
    assert after_early == {"s1": slow, "s2": slow}


def test_second_tries_begin_at_the_latest_safe_time_and_never_repeat_an_effect() -> None:
    stated, made = chain()
    slow = next(i for i, way in enumerate(stated.ways[0]) if way.name == "slow")
    began = {"s0": Began(0, slow)}
    assert Replanner(made).again(0, began, {}) == {"s0": 25_000 - 4_000 * 3}
    assert Replanner(made).again(14_000, began, {})["s0"] >= 14_000
    patient = made.model_copy(update={"patience": 2_000})
    assert Replanner(patient).again(0, began, {}) == {"s0": 2 * 10_000}
    assert Replanner(made).again(0, {"s0": Began(0, slow, again=5)}, {}) == {}
    assert Replanner(chain(hedges=False)[1]).again(0, began, {}) == {}


def test_late_vendors_are_noticed_and_undone_steps_teach_nothing() -> None:
    _, made = chain()
    run = Replanner(made)
    usual = made.steps[0].ways[0].usual
    ended = {f"s{i}": Ended(0, usual * 2, 0) for i in range(2)}
    assert 1_350 < run.slower(0, {}, ended) < 1_450
    skipped = {"s0": Ended(0, 0, 0, teaches=False)}
    assert run.anew().slower(0, {}, skipped) == 1_000


def pace(steps: list[Told], before: int) -> int:
    """Give the pace; it is the same whether steps have ended or run on."""
    ended, running = Pace(before), Pace(before)
    for one in steps:
        ended.add(one)
    assert ended.found() == running.found(steps)
    return ended.found()


def test_strange_steps_and_those_that_scatter_tell_little_of_the_pace() -> None:
    even, wide = (way(Mode(name="m", p50=10, spread=s), step("a", 1), 0.9) for s in (0.3, 0.9))
    usual, late = told(scale(even), 10_000), told(scale(even), 20_000)
    assert usual is not None
    assert late is not None
    strange, loose = told(scale(even), 80_000), told(scale(wide), 20_000)
    assert strange is not None
    assert loose is not None
    assert pace([usual] * 4, 0) == 0
    assert 0 < pace([usual] * 4 + [strange], 0) < 300
    assert 2 * pace([loose] * 4, 0) < pace([late] * 4, 0) < 1_024
    assert pace([late] * 40, 0) > 950
    assert pace([], 300) == 300
    assert scale(way(skip(0.9), step("a", 1), 0.9)) is None


def test_a_plan_keeps_its_deadline_as_often_as_asked_and_the_record_says_so() -> None:
    small = tiered(3, 6)
    stated = problem(small, 0.9)
    wish = Wish(
        objective=Objective.CHEAPEST,
        deadline_ms=max(stated.board(greedy(stated, FREE)).ends()) * 3 // 5,
    )
    made = decide(small, wish, None, FEW)
    assert made.feasible
    assert made.hit is not None
    assert made.hit >= 0.95
    assert made.strained is not None
    assert 0.9 <= made.strained <= made.hit
    assert (
        Choices.model_validate_json(made.model_dump_json())
        == made
        == decide(small, wish, None, FEW)
    )
    assert {step.level for step in made.steps} <= set(range(1, 6))
    assert all(step.why for step in made.steps)
    assert made.patience > 1_000  # second tries wait as long as that costs no deadline
    stated = problem(small, made.quantile)
    hasty = Track(stated, made.model_copy(update={"patience": 1_000}))
    runs = [hasty.run(*drawn(stated, seed)) for seed in range(made.runs)]
    assert made.micro_usd < fmean(run.micro_usd for run in runs)
    track = Track(stated, made)
    for seed in range(10):
        one = track.run(*drawn(track.problem, 10_000 + seed, 1.5))
        assert one.hedges <= made.hedges
        for i, needs in enumerate(track.problem.needs):
            assert all(one.ends[need] <= one.begins[i] for need in needs)


def test_what_is_out_of_reach_or_too_easy_is_told() -> None:
    small = tiered(2, 4)
    never = decide(small, Wish(objective=Objective.CHEAPEST, deadline_ms=100), None, FEW)
    assert not never.feasible
    assert f"{never.p95 / 1_000:.1f} s" in never.notes[0]
    easy = decide(small, Wish(objective=Objective.CHEAPEST, deadline_ms=10**9), None, FEW)
    assert (easy.hit, easy.feasible) == (1.0, True)
    assert set(easy.modes.values()) == {"flex"}
    assert easy.notes == ()


def test_modes_of_modes_cost_what_the_formulas_say() -> None:
    cheap = Mode(name="cheap", p50=1.5, usd=0.05, quality=0.752)
    check, strong = Mode(name="check", p50=0.4, usd=0.01), Mode(name="strong", p50=6, usd=1)
    strong = strong.model_copy(update={"quality": 0.949})
    one, two = (way(cheap, check, strong, 0.51, 0.9) for way in (cascade, both))
    assert one.usd == pytest.approx(0.05 + 0.01 + 0.49, abs=0.03)
    assert two.usd == pytest.approx(1.06)
    assert one.quality == two.quality == pytest.approx(0.51 * 0.9 + 0.49 * 0.949)
    odd = Mode(name="odd", p50=4, spread=0.5, stragglers=0.03, straggler_times=8, usd=1)
    again = hedged(odd, odd)
    assert again.usd == pytest.approx(1.05, abs=0.02)
    assert again.p50 == pytest.approx(4, abs=0.3)
    bold = cascade(
        cheap, check, strong, 0.6, 0.9
    )  # 1.9 s if it is accepted, else 7.9 s: no between
    assert [length(bold, step("a", 1), share) for share in (0.5, 0.7)] == pytest.approx([1.9, 7.9])
    voter = Mode(name="voter", p50=2, usd=1, quality=0.8)
    assert vote(voter, 3, 3, 0.0).quality == pytest.approx(0.896, abs=1e-6)
    assert vote(voter, 3, 3, 0.5).quality < 0.86
    assert [m.name for m in widened(step("a", 1), (skip(0.9), skip(0.8))).modes][:2] == [
        "given",
        "leave out",
    ]


def test_pauses_before_tries_made_again_are_reckoned_with() -> None:
    flaky = Mode(name="m", p50=1, usd=1, fails=0.5, attempts=3, pause=2)
    shaky = step("a", 1).model_copy(update={"modes": (flaky,)})
    # one try in a half, two in a quarter, three in a quarter: with pauses of 2 and of 4 s
    expected = [1, 4, 9]
    assert [length(flaky, shaky, share) for share in (0.4, 0.6, 0.9)] == expected
    ran = sorted(took[0] for took in drawn_step(shaky, 1_000, 1).items)
    assert [ran[place] for place in (400, 600, 900)] == expected
    assert price(flaky, shaky) == 1_750_000
    assert length(flaky.model_copy(update={"pause": 100}), shaky, 0.9) == 3 + 2 * LAST_PAUSE


def test_the_command_chooses_models_and_says_what_it_cannot(tmp_path: Path) -> None:
    (tmp_path / "email.yaml").write_text(EMAIL, encoding="utf-8")
    words = (tmp_path / "email.yaml", "--runs", "60", "--optimise")
    made = Choices.model_validate(json.loads(said(*words, "fastest", "--json")))
    assert made.feasible
    assert [step.step for step in made.steps] == ["tone", "draft", "check"]
    assert made.wish.quality > 0
    console = Console(width=80)
    with console.capture() as seen:
        console.print(shown(made))
    assert all(name in seen.get() for name in ("tone", "draft", "95 % within", "why"))
    for wrong in (("cheapest",), ("dearest",), ("cheapest", "--deadline", "soon")):
        with pytest.raises(BadInput):
            said(*words, *wrong)


def test_no_plan_begins_what_its_choices_do_not_hold() -> None:
    _, made = chain()
    with pytest.raises(ValueError, match="before a step it needs"):
        Choices.model_validate({**made.model_dump(), "steps": made.model_dump()["steps"][::-1]})
