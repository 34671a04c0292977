"""The desk: gates side by side, in any order, withdrawn, refused, carried into the next run."""

import asyncio
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from tests.patterns.gating import DAY, Channel, decides, level, spec
from tests.patterns.virtual import elapsed, run
from workflows.calls import open_door
from workflows.data.common import Decision, DecisionAnswer, DeskState, Record, Verdict
from workflows.errors import Misuse, NotInStep, Refused
from workflows.patterns.desk import Desk
from workflows.patterns.gate import GateResult, GateSpec, Reminder

NAMES = ("a", "b", "c")


def named(name: str, needs: str = "anybody", **more: Any) -> GateSpec:
    return spec(needs, name=name, **more)


def says(by: str, gate: str, verdict: Verdict = Verdict.APPROVE) -> Decision:
    return decides(by, verdict, gate=gate)


async def opening(desk: Desk, *specs: GateSpec, channel: Channel | None = None) -> list[Any]:
    """Open gates at once and let them begin to wait."""
    remind = channel.remind if channel else None
    tasks = [asyncio.ensure_future(desk.open(s, remind)) for s in specs]
    await asyncio.sleep(0)
    return tasks


@pytest.mark.parametrize("order", list(permutations(NAMES)), ids="".join)
def test_gates_open_at_once_are_answered_in_any_order(order: tuple[str, ...]) -> None:
    desk, ends = Desk(), list[str]()

    async def work() -> list[GateResult]:
        tasks = await opening(desk, *(named(n) for n in NAMES))
        assert desk.names() == NAMES
        for number, name in enumerate(order):
            tasks[NAMES.index(name)].add_done_callback(lambda _, name=name: ends.append(name))
            assert desk.take(says(("ann", "bob", "eve")[number], name)).settled
            assert desk.names() == tuple(n for n in NAMES if n not in order[: number + 1])
            await asyncio.sleep(1)
        return list(await asyncio.gather(*tasks))

    results = run(work())
    assert ends == list(order)
    people = {name: ("ann", "bob", "eve")[n] for n, name in enumerate(order)}
    assert [r.decisions[0].by for r in results] == [people[n] for n in NAMES]


def test_a_name_is_taken_while_its_gate_is_open_and_free_again_afterwards() -> None:
    desk = Desk()

    async def work() -> None:
        (first,) = await opening(desk, named("a"))
        with pytest.raises(Misuse, match="gate 'a' is open already; give each open gate"):
            await desk.open(named("a"))
        desk.take(says("ann", "a"))
        with pytest.raises(Refused, match="too late: gate 'a' is settled"):
            desk.take(says("bob", "a"))
        assert (await first).decisions[0].by == "ann"
        (second,) = await opening(desk, named("a"))
        desk.take(says("bob", "a"))
        assert (await second).decisions[0].by == "bob"

    run(work())


def test_a_decision_for_no_open_gate_is_refused_and_told_which_are() -> None:
    desk = Desk()
    assert desk.refuse(says("ann", "z")) == "no gate 'z' is open; open now: none"

    async def work() -> None:
        tasks = await opening(desk, named("a"), named("b"))
        with pytest.raises(Refused, match="no gate 'z' is open; open now: a, b"):
            desk.take(says("ann", "z"))
        with pytest.raises(Refused, match="no gate 'z' is open"):
            await desk.decide(says("ann", "z"))
        for name in "ab":
            desk.take(says("ann", name))
        await asyncio.gather(*tasks)

    run(work())


def test_two_decisions_judged_before_either_counted_do_not_both_count() -> None:
    """Two updates may pass their validators before the first handler runs."""
    desk = Desk()

    async def work() -> None:
        (task,) = await opening(desk, named("a", "analyst senior"))
        both = [says("bob", "a"), says("bob", "a", Verdict.DECLINE)]
        assert [desk.refuse(d) for d in both] == [None, None]
        answers = await asyncio.gather(*map(desk.decide, both), return_exceptions=True)
        assert isinstance(answers[0], DecisionAnswer)
        assert isinstance(answers[1], Refused)
        assert "decided already" in answers[1].message
        desk.take(says("ann", "a"))
        assert [d.by for d in (await task).decisions] == ["bob", "ann"]

    run(work())


def test_a_gate_given_up_is_withdrawn() -> None:
    """Its branch was cancelled: nobody is asked any more, and whoever answers is told."""
    desk, told = Desk(), list[str]()

    async def slowly(reminder: Reminder) -> None:
        await asyncio.sleep(60)
        told.append(reminder.gate)

    async def work() -> None:
        task = asyncio.ensure_future(desk.open(named("a"), slowly))
        await asyncio.sleep(DAY.total_seconds() + 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (desk.names(), desk.views(), desk.state()) == ((), [], DeskState())
        with pytest.raises(Refused, match="too late: gate 'a' is not asked any more"):
            desk.take(says("ann", "a"))
        await asyncio.sleep(2 * DAY.total_seconds())

    run(work())
    assert told == [], "nor is the reminder sent that was under way"


def test_a_gate_inside_a_fused_step_is_refused_by_name() -> None:
    async def door(call: Any, request: Record) -> Record:
        raise AssertionError("no call is made")

    def refuse(what: str) -> Exception:
        return NotInStep(f"{what} is reached inside")

    async def work() -> None:
        with open_door(door, refuse=refuse):
            await Desk().open(named("a"))

    with pytest.raises(NotInStep, match="gate 'a' is reached inside"):
        run(work())


# ---- carried over --------------------------------------------------------------------------

CHAIN = (level(1.5, mona="analyst"), level(2.5, olga="analyst"))


def carried(state: DeskState) -> Desk:
    """Make the desk of the next run from what was written down."""
    return Desk(DeskState.model_validate_json(state.model_dump_json()))


async def until(days: float) -> None:
    await asyncio.sleep(days * DAY.total_seconds() - elapsed())


@pytest.mark.parametrize(
    "hops", [(), (0.5,), (1.2,), (1.7,), (2.7,), (0.5, 1.2, 1.7, 2.7)], ids=str
)
def test_a_gate_carried_over_ends_as_one_that_was_not(hops: tuple[float, ...]) -> None:
    """The deadline stays, decisions count, and nobody is told a second time."""
    channel = Channel()
    given = named("a", "analyst analyst", escalation=CHAIN, deadline=4 * DAY)

    async def work() -> GateResult:
        desk = Desk()
        (task,) = await opening(desk, given, channel=channel)
        desk.take(says("ann", "a"))
        for days in hops:
            await until(days)
            state = desk.state()
            task.cancel()  # a run that ends; what it still does counts no more
            desk = carried(state)
            assert (desk.names(), desk.state()) == ((), state)
            (task,) = await opening(desk, given, channel=channel)
            assert desk.state() == state
            assert "decided already" in (desk.refuse(says("ann", "a")) or "")
        result: GateResult = await task
        assert elapsed() == 4 * DAY.total_seconds()
        return result

    result = run(work())
    assert result.timed_out
    assert [d.by for d in result.decisions] == ["ann"]
    assert [(e.level, e.to) for e in result.escalations] == [(1, ("mona",)), (2, ("olga",))]
    assert [(r.number, r.level) for r in channel.told] == [(1, 0), (2, 1), (3, 0), (4, 2), (5, 0)]


def test_a_decision_that_comes_before_its_gate_reopens_waits_for_it() -> None:
    """Nothing is lost between two runs; whether it counts is judged at the reopened gate."""

    async def work() -> None:
        desk = Desk()
        first = await opening(desk, named("a", "analyst senior"), named("b"))
        desk.take(says("ann", "a"))
        state = desk.state()
        for task in first:
            task.cancel()
        desk = carried(state)
        early = [says("bob", "a"), says("ann", "a")]
        assert [desk.refuse(d) for d in early] == [None, None]
        with pytest.raises(Refused, match="gate 'a' is yet to reopen"):
            desk.take(early[0])
        answers = [asyncio.ensure_future(desk.decide(d)) for d in early]
        await asyncio.sleep(60)
        assert not any(a.done() for a in answers)
        (reopened,) = await opening(desk, named("a", "analyst senior"))
        assert [d.by for d in (await reopened).decisions] == ["ann", "bob"]
        assert (await answers[0]).settled
        with pytest.raises(Refused, match="too late"):
            await answers[1]
        assert [g.name for g in desk.state().gates] == ["b"], "not reopened, so still carried"

    run(work())


@pytest.mark.parametrize("verdict", [Verdict.APPROVE, Verdict.MORE])
def test_a_gate_settled_at_the_very_end_of_a_run_is_settled_in_the_next(verdict: Verdict) -> None:
    """Its decision was answered, but the process had not heard of it before the run ended."""

    async def work() -> None:
        desk, given = Desk(), named("a", "analyst senior")
        (task,) = await opening(desk, given)
        desk.take(says("ann", "a"))
        assert desk.take(says("bob", "a", verdict)).settled
        state = desk.state()
        with pytest.raises(Misuse, match="gate 'a' is open already"):
            await desk.open(given)
        await task
        assert desk.state() == DeskState()
        result = await carried(state).open(given)
        assert ([d.by for d in result.decisions], elapsed()) == (["ann", "bob"], 0)

    run(work())


def test_a_decision_for_a_gate_that_never_reopens_is_refused_at_the_end() -> None:
    async def work() -> None:
        desk = Desk()
        (task,) = await opening(desk, named("a"))
        state = desk.state()
        task.cancel()
        desk = carried(state)
        answer = asyncio.ensure_future(desk.decide(says("ann", "a")))
        await asyncio.sleep(60)
        desk.close()
        with pytest.raises(Refused, match="no gate 'a' is open; open now: none"):
            await answer

    run(work())


def test_a_gate_reopened_with_other_people_or_a_shorter_chain_is_refused() -> None:
    async def work() -> None:
        desk = Desk()
        given = named("a", "analyst senior", escalation=CHAIN)
        (task,) = await opening(desk, given)
        desk.take(says("ann", "a"))
        await until(2)
        state = desk.state()
        task.cancel()
        with pytest.raises(Misuse, match=r"gate 'a' was carried over .* \(ann\); reopen it with"):
            await carried(state).open(named("a", excluded="ann", escalation=CHAIN))
        with pytest.raises(Misuse, match=r"do not fit its people \(levels\)"):
            await carried(state).open(named("a", "analyst senior"))

    run(work())


def test_a_deadline_that_passed_between_two_runs_ends_the_gate_at_once() -> None:
    channel = Channel()

    async def work() -> None:
        desk = Desk()
        (task,) = await opening(desk, named("a"))
        state = desk.state()
        task.cancel()
        await until(5)
        result = await carried(state).open(named("a"), channel.remind)
        assert (result.timed_out, elapsed()) == (True, timedelta(days=5).total_seconds())

    run(work())
    assert channel.told == []
