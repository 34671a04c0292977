"""A sequence: stages in order, and a judge who chooses what becomes of one that fails."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from temporalio.exceptions import ApplicationError

from tests.patterns.virtual import DAY, Trail, elapsed, run
from workflows.data.common import Decision, Record, Verdict
from workflows.data.sequence import StageState
from workflows.errors import BraidError, Misuse, ScopeClosed, StageFailed, Unusable
from workflows.patterns.desk import Desk
from workflows.patterns.saga import REFUSED, Saga
from workflows.patterns.sequence import Sequence
from workflows.patterns.stage import (
    Choice,
    Done,
    Judge,
    Stage,
    Trouble,
    compensate,
    escalate,
    retry,
    skip,
)
from workflows.patterns.tasks import Tasks

MINUTE = timedelta(minutes=1)
PEOPLE = {"ana": frozenset({"clerk"})}
Work = Callable[[Done], Awaitable[Any]]


class Account(Record):
    """What a stage gives."""

    number: int


def down(why: str = "down") -> ApplicationError:
    return ApplicationError(why, type="Down")


def work(trail: Trail, name: str, *ends: Exception | float | None) -> Work:
    """Give work that ends, time after time: by an error, after so many seconds, or well."""
    left = list(ends)

    async def do(_: Done) -> str:
        trail.note(name)
        end = left.pop(0) if left else None
        if isinstance(end, Exception):
            raise end
        await asyncio.sleep(end or 0)
        return name.upper()

    return do


def stage(trail: Trail, name: str, *ends: Exception | float | None, **more: Any) -> Stage[Any]:
    """Give a stage with an undo that leaves a note."""
    undo = work(trail, f"undo {name}")
    return Stage(name, work(trail, name, *ends), timeout=MINUTE, undo=undo, **more)


def always(choice: Choice) -> Judge:
    return lambda _error, _trouble: choice


def sequence(
    *stages: Stage[Any], judge: Judge, tries: int = 3, tasks: Tasks | None = None
) -> Sequence:
    return Sequence("seq", stages, judge=judge, tries=tries, tasks=tasks)


def failed(
    made: Sequence, error: type[BraidError] = StageFailed, match: str | None = None
) -> BraidError:
    """Run a sequence that fails; give its error."""
    with pytest.raises(error, match=match) as caught:
        run(made.run(), collect=True)
    return caught.value


# ---- in order ------------------------------------------------------------------------------


def test_stages_run_in_order_and_each_sees_the_values_before() -> None:
    trail = Trail()
    a = Stage("a", work(trail, "a", 2.0), timeout=MINUTE)

    async def second(done: Done) -> Account:
        trail.note(f"b after {done[a]}")
        return Account(number=7)

    b = Stage("b", second, timeout=MINUTE)
    made = sequence(a, b, judge=always(compensate()))

    async def case() -> tuple[str, int]:
        done = await made.run()
        return done[a], done[b].number

    assert run(case()) == ("A", 7)
    assert trail.log == [(0, "a"), (2, "b after A")]


def test_every_stage_is_kept_as_a_record() -> None:
    trail = Trail()
    made = sequence(
        stage(trail, "a", down("first"), otherwise=Account(number=1)),
        stage(trail, "b", down("second"), 5.0),
        stage(trail, "c", 5.0),
        judge=lambda _, trouble: skip() if trouble.stage == "a" else retry(2 * MINUTE),
    )
    assert [(v.name, v.state, v.attempts) for v in made.views()] == [
        ("a", StageState.WAITING, 0),
        ("b", StageState.WAITING, 0),
        ("c", StageState.WAITING, 0),
    ]

    async def case() -> None:
        running = asyncio.ensure_future(made.run())
        await asyncio.sleep(126)
        a, b, c = made.views()
        assert (a.state, a.value, a.attempts) == (StageState.SKIPPED, {"number": 1}, 1)
        assert (b.state, b.value, b.attempts) == (StageState.SUCCEEDED, "B", 2)
        assert (c.state, c.value, c.attempts) == (StageState.RUNNING, None, 1)
        (first,), (second,) = a.decided, b.decided
        assert (first.attempt, first.error, first.choice) == (1, "Down: first", "skip")
        assert (second.choice, second.after, second.at.timestamp()) == ("retry", 2 * MINUTE, 0)
        assert b.started is not None
        assert b.ended is not None
        assert (b.started.timestamp(), b.ended.timestamp()) == (0, 125)
        await running

    run(case())
    assert [v.state for v in made.views()] == [
        StageState.SKIPPED,
        StageState.SUCCEEDED,
        StageState.SUCCEEDED,
    ]


# ---- retry ---------------------------------------------------------------------------------


def test_retry_waits_and_tries_again_within_its_bound() -> None:
    trail, told = Trail(), list[Trouble]()

    def judge(_error: BaseException, trouble: Trouble) -> Choice:
        told.append(trouble)
        return retry(timedelta(seconds=trouble.attempt))

    made = sequence(stage(trail, "a"), stage(trail, "b", down(), 3.0, down()), judge=judge)

    async def case() -> float:
        await made.run()
        return elapsed()

    assert run(case()) == 4
    assert trail.words == ["a", "b", "b"]
    (trouble,) = told
    assert (trouble.stage, trouble.attempt, trouble.left) == ("b", 1, 2)
    assert (trouble.elapsed, dict(trouble.done)) == (timedelta(0), {"a": "A"})


def test_a_judge_that_always_retries_ends_at_the_bound_and_undoes() -> None:
    trail = Trail()
    made = sequence(
        stage(trail, "a"), stage(trail, "b", *[down()] * 9), judge=always(retry(MINUTE))
    )
    error = failed(made, match=r"stage 'b' of sequence 'seq' failed in 3 of 3 tries: Down: down")
    assert isinstance(error.__cause__, ApplicationError)
    assert trail.words == ["a", "b", "b", "b", "undo b", "undo a"]
    assert [d.choice for d in made.views()[1].decided] == ["retry", "retry", "compensate"]
    assert made.views()[1].state is StageState.FAILED


def test_elapsed_counts_from_the_first_attempt_of_the_stage() -> None:
    trail, told = Trail(), list[tuple[float, int]]()

    def judge(_error: BaseException, trouble: Trouble) -> Choice:
        told.append((trouble.elapsed.total_seconds(), trouble.left))
        return retry(timedelta(seconds=10))

    made = sequence(stage(trail, "a", 5.0), stage(trail, "b", *[down()] * 3), judge=judge)
    failed(made)
    assert told == [(0, 2), (10, 1), (20, 0)]


# ---- timeout -------------------------------------------------------------------------------


def test_an_attempt_that_takes_too_long_is_cancelled_and_judged() -> None:
    trail, seen = Trail(), list[str]()

    async def slow(_: Done) -> str:
        return await trail.work("a", DAY)()

    def judge(error: BaseException, _trouble: Trouble) -> Choice:
        seen.append(str(error))
        return skip()

    a = Stage("a", slow, timeout=MINUTE, undo=work(trail, "undo a"), otherwise="none")
    made = sequence(a, stage(trail, "b"), judge=judge)

    async def case() -> str:
        return (await made.run())[a]

    assert run(case(), collect=True) == "none"
    assert trail.log == [(0, "a starts"), (60, "a cancelled"), (60, "b")]
    assert "longer than 0:01:00" in seen[0]


def test_an_attempt_that_timed_out_may_have_worked_and_is_undone() -> None:
    trail = Trail()
    made = sequence(stage(trail, "a", DAY), judge=always(compensate()))
    failed(made, match="took longer")
    assert trail.words == ["a", "undo a"]


def test_the_timeout_bounds_each_attempt_not_all() -> None:
    trail = Trail()
    made = sequence(stage(trail, "a", DAY, 50.0), judge=always(retry()))

    async def case() -> float:
        await made.run()
        return elapsed()

    assert run(case()) == 110


# ---- skip, compensate ----------------------------------------------------------------------


def test_skip_takes_the_declared_value_even_if_it_is_none() -> None:
    trail = Trail()
    made = sequence(stage(trail, "a", down(), otherwise=None), judge=always(skip()))
    assert dict(run(made.run()).by_name()) == {"a": None}


def test_compensate_undoes_in_reverse_and_raises() -> None:
    trail = Trail()
    stages = [stage(trail, n, *([down()] if n == "c" else [])) for n in "abc"]
    made = sequence(*stages, judge=always(compensate()))
    error = failed(made, match="stage 'c'")
    assert error.details == ("c",)
    assert trail.words == ["a", "b", "c", "undo c", "undo b", "undo a"]
    assert made.saga is not None
    assert [u.step for u in made.saga.undone] == ["seq/c", "seq/b", "seq/a"]


@pytest.mark.parametrize(
    ("ends", "undone"),
    [
        ([down(), down(), down()], True),
        ([down(), ApplicationError("no", type=REFUSED), None], True),
        ([ApplicationError("no", type=REFUSED)] * 3, False),
    ],
    ids=["unclear", "one unclear, one refused, then done", "refused each time"],
)
def test_what_was_refused_each_time_is_not_undone(ends: list[Exception], undone: bool) -> None:
    trail = Trail()
    made = sequence(
        stage(trail, "a", *ends),
        stage(trail, "b", down()),
        judge=lambda _, t: retry() if t.stage == "a" else compensate(),
    )
    failed(made)
    assert trail.words.count("undo a") == undone


def test_inside_a_saga_the_effects_are_its_own() -> None:
    trail = Trail()

    async def case() -> None:
        async with Saga() as saga:
            await sequence(stage(trail, "a"), judge=always(skip())).run()
            assert saga.registered == ("seq/a",)
            raise RuntimeError("later")

    with pytest.raises(RuntimeError, match="later"):
        run(case())
    assert trail.words == ["a", "undo a"]


def test_an_undo_may_ask_for_the_value_its_stage_never_gave() -> None:
    trail = Trail()

    async def undo(done: Done) -> None:
        trail.note(f"undo {done.get(a)} {done[b]}")

    b = Stage("b", work(trail, "b"), timeout=MINUTE)
    a = Stage("a", work(trail, "a", down()), timeout=MINUTE, undo=undo)
    failed(sequence(b, a, judge=always(compensate())))
    assert trail.words == ["b", "a", "undo None B"]


# ---- escalate ------------------------------------------------------------------------------


def escalated(
    made: Callable[[Tasks], Sequence], *said: Decision
) -> tuple[Sequence, list[str], BaseException | None]:
    """Run a sequence that asks; a person says one thing a day. Give the questions asked."""

    async def case() -> tuple[Sequence, list[str], BaseException | None]:
        desk, questions = Desk(), list[str]()
        chosen = made(Tasks(desk.open, PEOPLE, timedelta(days=3)))
        running = asyncio.ensure_future(chosen.run())
        for decision in said:
            await asyncio.sleep(DAY)
            (view,) = desk.views()
            questions.append(view.question)
            assert [v.state for v in chosen.views()][-1] is StageState.ASKING
            desk.take(decision)
        await asyncio.wait([running])
        return chosen, questions, running.exception()

    return run(case(), collect=True)


def says(verdict: Verdict, value: Any = None) -> Decision:
    return Decision(verdict=verdict, by="ana", gate="seq/a", value=value)


def test_a_person_may_have_it_tried_again_beyond_the_bound_once_each_time() -> None:
    trail = Trail()

    def judge(_error: BaseException, trouble: Trouble) -> Choice:
        return retry() if trouble.left else escalate()

    made, questions, error = escalated(
        lambda tasks: sequence(stage(trail, "a", *[down()] * 4), judge=judge, tries=2, tasks=tasks),
        *[says(Verdict.RETRY)] * 3,
    )
    assert error is None
    assert trail.words == ["a"] * 5
    assert questions[0] == "Stage 'a' failed 2 times (Down: down). What becomes of it?"
    view = made.views()[0]
    choices = [(d.choice, d.by) for d in view.decided]
    assert choices == [("retry", "")] + [("escalate", ""), ("retry", "ana")] * 3
    assert (view.attempts, view.state) == (5, StageState.SUCCEEDED)


def test_a_person_may_skip_what_has_a_value_to_go_on_with() -> None:
    trail = Trail()
    made, _, error = escalated(
        lambda t: sequence(
            stage(trail, "a", down(), otherwise=0), judge=always(escalate()), tasks=t
        ),
        says(Verdict.SKIP),
    )
    assert error is None
    assert (made.views()[0].state, made.views()[0].value) == (StageState.SKIPPED, 0)


def test_a_person_may_supply_the_value_as_the_declared_record() -> None:
    trail = Trail()
    a = stage(trail, "a", down(), supplies=Account)
    made, _, error = escalated(
        lambda t: sequence(a, judge=always(escalate()), tasks=t),
        says(Verdict.SUPPLY, {"number": 5}),
    )
    assert error is None
    assert made.done[a] == Account(number=5)
    assert made.views()[0].state is StageState.SUPPLIED
    assert made.saga is not None
    assert made.saga.registered == ("seq/a",), "the attempt may have worked"


@pytest.mark.parametrize("verdict", [Verdict.SKIP, Verdict.SUPPLY, Verdict.DONE])
def test_what_was_not_declared_is_not_offered(verdict: Verdict) -> None:
    trail = Trail()

    async def case() -> tuple[Verdict, ...]:
        desk = Desk()
        made = sequence(
            stage(trail, "a", down()),
            judge=always(escalate()),
            tasks=Tasks(desk.open, PEOPLE),
        )
        running = asyncio.ensure_future(made.run())
        await asyncio.sleep(1)
        (view,) = desk.views()
        assert desk.refuse(says(verdict, {} if verdict is Verdict.SUPPLY else None)) is not None
        desk.take(says(Verdict.RETRY))
        await running
        return view.verdicts

    assert run(case()) == (Verdict.RETRY,)


def test_when_nobody_decides_in_time_the_sequence_is_undone() -> None:
    trail = Trail()
    _, _, error = escalated(
        lambda t: sequence(stage(trail, "a", down()), judge=always(escalate()), tasks=t)
    )
    assert isinstance(error, StageFailed)
    assert "nobody decided in time" in error.message
    assert trail.log[-1] == (3 * DAY, "undo a")


def test_an_undo_that_fails_is_a_task_of_the_sequence_too() -> None:
    trail = Trail()

    async def case() -> float:
        desk = Desk()
        undo = work(trail, "undo a", down())
        a = Stage("a", work(trail, "a", down()), timeout=MINUTE, undo=undo, how="by letter")
        tasks = Tasks(desk.open, PEOPLE)
        running = asyncio.ensure_future(sequence(a, judge=always(compensate()), tasks=tasks).run())
        await asyncio.sleep(DAY)
        (view,) = desk.views()
        assert view.name == "undo seq/a"
        assert "by letter" in view.question
        desk.take(Decision(verdict=Verdict.DONE, by="ana", gate=view.name))
        with pytest.raises(StageFailed):
            await running
        return elapsed()

    assert run(case()) == DAY


# ---- the judge -----------------------------------------------------------------------------


def lost(_error: BaseException, _trouble: Trouble) -> Choice:
    raise KeyError("no rule")


@pytest.mark.parametrize(
    ("judge", "message"),
    [
        (lost, r"of sequence 'seq', at stage 'b', raised KeyError: 'no rule'"),
        (lambda _e, _t: "retry", "'b', gave str, not retry, skip, compensate or escalate"),
        (lambda _e, _t: None, "'b', gave NoneType, not retry"),
        (lambda _e, _t: skip, "'b', gave function, not retry"),
        (always(skip()), "'b', chose skip; declare the stage's otherwise"),
        (always(escalate()), "'b', chose escalate; give the sequence its tasks"),
        (lambda _e, _t: retry(-MINUTE), "'b', raised Misuse: retry.* lies in the past"),
    ],
    ids=["raises", "a word", "nothing", "a function", "no otherwise", "no tasks", "the past"],
)
def test_a_judge_that_gives_no_choice_fails_the_sequence_and_names_the_stage(
    judge: Judge, message: str
) -> None:
    trail = Trail()
    error = failed(
        sequence(stage(trail, "a"), stage(trail, "b", down()), judge=judge), Unusable, message
    )
    assert error.non_retryable
    assert trail.words == ["a", "b", "undo b", "undo a"]


@pytest.mark.parametrize("wrong", [Misuse("m"), ScopeClosed("s")], ids=["misuse", "given up"])
def test_errors_of_how_it_is_written_are_never_judged(wrong: BraidError) -> None:
    trail = Trail()
    made = sequence(stage(trail, "a", wrong), judge=lost)
    assert failed(made, type(wrong)) is wrong


def test_a_call_that_was_cancelled_elsewhere_is_judged() -> None:
    trail = Trail()

    async def cancelled(_: Done) -> None:
        raise asyncio.CancelledError

    a = Stage("a", cancelled, timeout=MINUTE, otherwise=None)
    run(sequence(a, stage(trail, "b"), judge=always(skip())).run())
    assert trail.words == ["b"]


@pytest.mark.parametrize("at", ["work", "pause", "gate"])
def test_cancelling_is_not_judged_and_undoes(at: str) -> None:
    trail, judged = Trail(), list[str]()

    def judge(_error: BaseException, trouble: Trouble) -> Choice:
        judged.append(trouble.stage)
        return retry(MINUTE) if at == "pause" else escalate()

    async def case() -> None:
        ends = [30.0] if at == "work" else [down()]
        tasks = Tasks(Desk().open, PEOPLE)
        made = sequence(stage(trail, "a"), stage(trail, "b", *ends), judge=judge, tasks=tasks)
        running = asyncio.ensure_future(made.run())
        await asyncio.sleep(10)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert elapsed() == 10
        assert made.views()[1].state is StageState.CANCELLED

    run(case(), collect=True)
    assert judged == ([] if at == "work" else ["b"])
    assert trail.words == ["a", "b", "undo b", "undo a"]


# ---- misuse --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"name": " "}, "a stage needs a name"),
        ({"timeout": timedelta(0)}, "stage 'a' has no time at all; use a positive timeout"),
        ({"timeout": None}, "stage 'a': timeout=None; use a timedelta"),
        ({"timeout": 5}, "stage 'a': timeout=5; use a timedelta"),
        ({"work": "no function"}, "stage 'a': give functions, not what they return"),
        ({"undo": 3}, "stage 'a': give functions, not what they return"),
        ({"how": "by letter"}, "stage 'a' tells how to undo it but has no undo; give it"),
        ({"supplies": str}, "stage 'a': what a person supplies must be a Record"),
    ],
    ids=["name", "time", "no timeout", "no unit", "work", "undo", "how", "supplies"],
)
def test_a_stage_that_cannot_work_is_refused_when_built(more: dict[str, Any], message: str) -> None:
    given_ = {"name": "a", "work": work(Trail(), "a"), "timeout": MINUTE, **more}
    with pytest.raises(Misuse, match=message):
        Stage(**given_)


def test_a_stage_without_a_timeout_cannot_be_written() -> None:
    with pytest.raises(TypeError, match="timeout"):
        Stage("a", work(Trail(), "a"))  # type: ignore[call-arg]


async def later(_error: BaseException, _trouble: Trouble) -> Choice:
    return skip()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"name": ""}, "a sequence needs a name"),
        ({"stages": []}, "sequence 's' has no stages, so it would do nothing; give it at least"),
        ({"stages": ["a"]}, "sequence 's': 'a' is no stage; use Stage"),
        ({"tries": 0}, "sequence 's': tries=0 lets nothing run; use 1 or more"),
        ({"stages": [stage(Trail(), n) for n in "aba"]}, "stages named twice: a; rename one"),
        ({"judge": later}, "the judge is a plain function of error and trouble, not async"),
    ],
    ids=["name", "empty", "no stage", "tries", "twice", "async judge"],
)
def test_a_sequence_that_cannot_work_is_refused_when_built(
    more: dict[str, Any], message: str
) -> None:
    stages = [stage(Trail(), "a")]
    right: dict[str, Any] = {
        "name": "s",
        "stages": stages,
        "judge": always(skip()),
        "tries": 1,
    }
    with pytest.raises(Misuse, match=message):
        Sequence(**(right | more))


def test_a_sequence_without_tries_or_judge_cannot_be_written() -> None:
    with pytest.raises(TypeError, match="judge"):
        Sequence("s", [], tries=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="tries"):
        Sequence("s", [], judge=lost)  # type: ignore[call-arg]


def test_a_sequence_runs_once() -> None:
    made = sequence(stage(Trail(), "a"), judge=lost)
    run(made.run())
    with pytest.raises(Misuse, match="sequence 'seq' was run before; make a new one"):
        run(made.run())


def test_a_value_asked_for_before_its_stage_is_misuse() -> None:
    trail = Trail()
    later_stage = stage(trail, "later")

    async def early(done: Done) -> Any:
        return done[later_stage]

    made = sequence(Stage("a", early, timeout=MINUTE), later_stage, judge=lost)
    failed(made, Misuse, "stage 'later' is not done yet; put it before the one that asks")


# ---- property ------------------------------------------------------------------------------

CHOICES = {"retry": retry(), "skip": skip(), "compensate": compensate()}


@settings(max_examples=150, deadline=None, print_blob=True)
@given(
    plan=st.lists(
        st.lists(st.sampled_from([*CHOICES, "works"]), max_size=5), min_size=1, max_size=4
    ),
    tries=st.integers(1, 4),
)
def test_any_course_of_failures_and_choices_goes_as_a_simple_loop_would(
    plan: list[list[str]], tries: int
) -> None:
    """Oracle: walk the plan; at each failure do as chosen, within the bound."""
    expected, values, broken = list[str](), dict[str, Any](), False
    for number, ends in enumerate(plan):
        for attempt, end in enumerate([*ends, "works"], start=1):
            expected.append(f"{number}")
            if end != "retry" or attempt >= tries:
                break
        broken = end not in ("works", "skip")
        if broken:
            expected += [f"undo {n}" for n in range(number, -1, -1)]
            break
        values[f"{number}"] = "instead" if end == "skip" else f"{number}"

    trail = Trail()
    ends_of = [[None if e == "works" else down(e) for e in ends] for ends in plan]
    stages = [stage(trail, f"{n}", *e, otherwise="instead") for n, e in enumerate(ends_of)]

    def judge(error: BaseException, _trouble: Trouble) -> Choice:
        assert isinstance(error, ApplicationError)
        return CHOICES[error.message]

    made = sequence(*stages, judge=judge, tries=tries)
    if broken:
        failed(made)
    else:
        assert dict(run(made.run()).by_name()) == values
    assert trail.words == expected
