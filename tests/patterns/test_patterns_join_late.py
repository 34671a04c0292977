"""The join contract on virtual time, row 16: branches that go on after their join has ended."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from tests.patterns.joining import BOUND, asking, broken, effect, flaky, refused, seconds, statuses
from tests.patterns.virtual import DAY, Trail, elapsed, run
from workflows.data.common import Decision, Verdict
from workflows.errors import Misuse
from workflows.patterns import failure
from workflows.patterns.branch import Branch
from workflows.patterns.gate import GateResult
from workflows.patterns.join import Late, join
from workflows.patterns.outcome import Joined, Outcome
from workflows.patterns.until import at_least, first_success

LATE: tuple[Late, ...] = ("cancel", "finish")


def brief(outcomes: tuple[Outcome[Any], ...]) -> str:
    return " ".join(f"{o.name}:{o.status}" for o in outcomes)


def test_row_16_what_comes_late_is_recorded_and_the_decision_stands() -> None:
    trail = Trail()

    async def case() -> tuple[Joined, str]:
        works = {"slow": trail.work("slow", 9), "a": trail.work("a", 1), "bad": broken_at(trail, 5)}
        joined = await join(works, until=first_success(), late="finish")
        assert (joined.reason, elapsed()) == ("enough", 1)
        before = statuses(joined)
        late = await joined.late()
        assert elapsed() == 9
        assert (statuses(joined), joined.values, joined.failed) == (before, {"a": "A"}, ())
        assert [o.value for o in late] == ["SLOW", None]
        assert await joined.late() == late
        return joined, brief(late)

    joined, late = run(case(), collect=True)
    assert statuses(joined) == "slow:late a:succeeded bad:late"
    assert late == "slow:succeeded bad:failed"
    assert joined["slow"].ended is None


def broken_at(trail: Trail, at: float) -> Any:
    return trail.work("bad", at, error=broken())


def test_row_16_nobody_looks_and_nothing_is_complained_about() -> None:
    trail = Trail()

    async def case() -> Joined:
        works = {"a": trail.work("a", 1), "bad": broken_at(trail, 5), "b": trail.work("b", DAY)}
        joined = await join(works, until=first_success(), late="finish")
        await asyncio.sleep(9)
        return joined

    assert statuses(run(case(), collect=True)) == "a:succeeded bad:late b:late"
    assert "bad fails" in trail.words
    assert trail.log[-1] == (10, "b cancelled")  # by the loop, as a workflow that has ended


@pytest.mark.parametrize("how", ["cancel_late", "task"])
def test_row_16_what_is_late_can_be_cancelled_and_is_awaited(how: str) -> None:
    trail = Trail()

    async def tidy() -> None:
        try:
            await asyncio.sleep(DAY)
        finally:
            await asyncio.sleep(4)
            trail.note("tidied")

    async def case() -> str:
        works = {"a": trail.work("a", 1), "b": tidy, "c": trail.work("c", 2)}
        works |= {"d": trail.stubborn("d", 60)}
        joined = await join(works, until=first_success(), late="finish")
        await asyncio.sleep(2)
        if how == "cancel_late":
            await joined.cancel_late()
        else:
            waiting = asyncio.ensure_future(joined.late())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert elapsed() == 3 + BOUND
        await joined.cancel_late()
        assert elapsed() == 3 + BOUND
        late = brief(await joined.late())
        assert elapsed() == 3 + BOUND
        return late

    assert run(case(), collect=True) == "b:cancelled c:succeeded d:abandoned"
    assert (7, "tidied") in trail.log


def test_row_16_cancelling_twice_at_once_changes_nothing() -> None:
    trail = Trail()

    async def tidy() -> None:
        try:
            await asyncio.sleep(DAY)
        finally:
            await trail.work("tidying", 4)()

    async def case() -> None:
        works = {"a": trail.work("a", 1), "b": tidy}
        joined = await join(works, until=at_least(1), late="finish")
        first = asyncio.ensure_future(joined.cancel_late())
        await asyncio.sleep(1)
        await joined.cancel_late()
        await first
        assert brief(await joined.late()) == "b:cancelled"

    run(case(), collect=True)
    assert trail.log[-1] == (5, "tidying done")


def test_row_16_branches_not_yet_begun_never_begin() -> None:
    trail = Trail()

    async def case() -> str:
        works = {n: trail.work(n, t) for n, t in (("a", 1), ("b", 5), ("c", 1), ("d", 1))}
        joined = await join(works, until=first_success(), late="finish", limit=2)
        assert statuses(joined) == "a:succeeded b:late c:not_started d:not_started"
        return brief(await joined.late())

    assert run(case()) == "b:succeeded"
    assert "c starts" not in trail.words


def test_row_16_what_is_late_keeps_its_policy_timeout_and_slots() -> None:
    trail = Trail()

    async def case() -> str:
        branches: list[Branch[Any]] = [
            Branch("a", trail.work("a", 1)),
            Branch("b", flaky(trail, "b", 2, took=3), failure.retry(2, seconds(1))),
            Branch("c", trail.work("c", DAY), failure.default(0), seconds(4)),
            Branch("strict", broken_at(trail, 2), failure.fail()),
        ]
        joined = await join(branches, until=first_success(), late="finish", limit=4)
        late = await joined.late()
        assert (late[0].attempts, elapsed()) == (3, 12)
        return brief(late)

    assert run(case(), collect=True) == "b:succeeded c:defaulted strict:failed"


def test_row_16_an_attempt_that_waits_for_a_slot_is_not_made_once_all_was_cancelled() -> None:
    trail = Trail()

    async def case() -> str:
        again = failure.retry(5, seconds(0))
        deaf = Branch("b", trail.stubborn("b", 60), again, timeout=seconds(2))
        branches = [Branch("a", trail.work("a", 1)), deaf]
        joined = await join(branches, until=first_success(), late="finish", limit=2)
        await asyncio.sleep(4)
        await joined.cancel_late()
        await asyncio.sleep(20)
        return brief(await joined.late())

    assert run(case(), collect=True) == "b:abandoned"
    assert [at for at, what in trail.log if what == "b starts"] == [0, 2]


def test_row_16_an_answer_that_comes_after_it_was_abandoned_changes_nothing() -> None:
    async def deaf(_spec: object) -> GateResult:
        end = elapsed() + 40
        while elapsed() < end:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(end - elapsed())
        return GateResult((Decision(verdict=Verdict.SKIP, by="ann", gate="task"),))

    async def case() -> str:
        asked = failure.ask(asking("task"), deaf)
        branch = Branch("b", Trail().work("b", 0, error=broken()), asked)
        branches = [Branch("a", Trail().work("a", 1)), branch]
        joined = await join(branches, until=first_success(), late="finish")
        await joined.cancel_late()
        await asyncio.sleep(60)
        return brief(await joined.late())

    assert run(case(), collect=True) == "b:abandoned"


def test_row_16_nothing_late_is_an_empty_answer() -> None:
    async def case() -> None:
        for late in LATE:
            joined = await join({"a": Trail().work("a", 1)}, late=late)
            assert await joined.late() == ()
            await joined.cancel_late()

    run(case())


def test_row_16_a_join_that_fails_leaves_nothing_behind() -> None:
    trail = Trail()
    works = {"bad": broken_at(trail, 1), "b": trail.work("b", 9)}
    error, at = run(refused(join(works, late="finish")))
    assert (error.details[0]["b"]["status"], at) == ("cancelled", 1)


def test_row_16_effects_of_what_was_cancelled_late_are_undone() -> None:
    trail = Trail()

    async def case() -> None:
        works = {
            "a": trail.work("a", 1),
            "b": effect(trail, "open", trail.work("b", DAY)),
            "c": effect(trail, "keep", trail.work("c", 1.5)),
        }
        joined = await join(works, until=first_success(), late="finish")
        await asyncio.sleep(1)
        await joined.cancel_late()

    run(case(), collect=True)
    assert trail.words[-2:] == ["undo open starts", "undo open done"]
    assert "undo keep starts" not in trail.words


def test_another_word_for_late_is_refused() -> None:
    with pytest.raises(Misuse, match="late='never' is not known; use 'cancel' or 'finish'"):
        run(join({}, late="never"))  # type: ignore[arg-type]
