"""The join contract on the server, row by row; then all rows with the worker killed."""

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError, WorkflowHistory
from temporalio.exceptions import CancelledError

from runtime.settings import Settings
from store.database import Store
from store.schema import answers
from tests.flows import rows_world
from tests.flows.row_workflows import RowCancelled, RowMany, RowOrders, RowPeople
from tests.flows.rows import ANYWHERE, Facts, Row, RowOrder
from tests.support.flows import Flows, Handle, Killable, flowing, killable
from workflows.data.common import Decision
from workflows.grades import GRADE, Grade

pytestmark = pytest.mark.server

SOAK = os.environ.get("BRAID_SOAK") == "1"
EXPECTED: dict[int, tuple[str, ...]] = {
    1: ("enough", "a cancelled", "b succeeded", "c succeeded", "d not_started", "e not_started"),
    2: ("impossible", "a failed", "b failed", "c cancelled"),
    3: (
        "2 outcomes are wanted of 1 branches; lower the number or add branches",
        "branches named twice: a; rename one",
        "tolerate(count=2) is more than the 1 branches; lower it",
    ),
    4: ("complete", "a failed", "b succeeded", "c failed", "d succeeded", "e succeeded"),
    5: ("enough", "a failed", "b succeeded", "c cancelled"),
    6: ("enough", "a cancelled", "b succeeded", "c succeeded", "winner b"),
    7: ("outcome", "a cancelled", "b succeeded", "c cancelled", "by b"),
    8: (
        "JoinFailed: the predicate of outcome(...) failed on branch 'a':"
        " ZeroDivisionError('integer division or modulo by zero')",
        "a succeeded",
        "b cancelled",
    ),
    9: ("complete", "a failed", "b succeeded"),
    10: (
        "JoinFailed: branch 'b' failed: Broke: b broke",
        "a succeeded",
        "b failed",
        "c cancelled",
        "a=A",
    ),
    11: ("complete", "pipeline succeeded", "other succeeded"),
    12: ("deadline", "a succeeded", "b cancelled", "c succeeded", "A", "C"),
    13: (
        "enough",
        "deaf abandoned",
        "b succeeded",
        "branch 'deaf' ended abandoned and has no value",
    ),
    113: (
        "enough",
        "buys abandoned",
        "b succeeded",
        "branch 'buys' was given up and may not call 'test_work'",
    ),
    15: ("enough", "a cancelled", "b succeeded", "undone a/effect-a"),
    16: (
        "enough", "a succeeded", "b late", "c late", "late b succeeded", "late c failed",
    ),
    17: ("complete", "a stale", "b failed", "fresh stale True"),
    19: ("most 3", *map(str, range(9))),
    20: (
        "complete",
        "complete",
        *["1 outcomes are wanted of 0 branches; lower the number or add branches"] * 3,
    ),
    21: (
        "enough", "outer cancelled", "other succeeded",
        "inner enough", "inner x succeeded", "inner y cancelled", "inner cancelled",
    ),
    25: ("complete", "a stale", "b defaulted", "c failed", "d succeeded"),
    26: ("complete", "a succeeded", "b succeeded", "a 3", "b 1"),
    27: (
        "JoinFailed: branch 'b' failed: Broke: b broke",
        "a succeeded",
        "b failed",
        "c succeeded",
    ),
    28: ("complete", "a partial", "b failed", "c succeeded", "coverage 0.9 confidence 0.7"),
}  # fmt: skip
"""What each scenario comes to, in either grade and whatever is killed."""


class Played:
    """Plays rows on one worker and looks at what was done."""

    def __init__(self, here: Flows, log: Path) -> None:
        self.here, self._log = here, log

    async def row(self, number: int, grade: Grade = Grade.VISIBLE) -> None:
        """Play a row: its facts are those expected, and its history replays."""
        given = RowOrder(row=number)
        handle = await self.here.start(Row, given, memo={GRADE: grade}, result_type=Facts)
        played = await handle.result()
        assert played.facts == EXPECTED[number]
        assert await handle.query(Row.played) == played, "a replay comes to the same"
        await self.here.replayed(handle)

    def done(self) -> list[str]:
        """Name what was done, in order."""
        lines = [line.split() for line in self._log.read_text().splitlines()]
        return [name for what, name, *_ in lines if what == "done"]


@pytest_asyncio.fixture
async def played(address: str, tmp_path: Path) -> AsyncIterator[Played]:
    log = tmp_path / "done.log"
    log.touch()
    async with flowing(
        address,
        rows_world.WORKFLOWS,
        rows_world.answers(log),
        steps=rows_world.STEPS,
        data=tmp_path,
    ) as here:
        yield Played(here, log)


async def test_row_01_enough_ends_the_join_at_once(played: Played) -> None:
    await played.row(1)


async def test_row_02_what_became_impossible_ends_at_that_moment(played: Played) -> None:
    await played.row(2)


async def test_row_03_misuse_fails_before_anything_runs(played: Played) -> None:
    await played.row(3)
    assert played.done() == []


async def test_row_04_no_item_is_missing_within_tolerance(played: Played) -> None:
    await played.row(4)


async def test_row_05_success_comes_first_in_one_task(played: Played) -> None:
    await played.row(5)


async def test_row_06_the_winner_of_one_task_is_the_first_declared(played: Played) -> None:
    await played.row(6)


async def test_row_07_an_outcome_ends_the_join_and_is_named(played: Played) -> None:
    await played.row(7)


async def test_row_08_a_raising_predicate_fails_the_join_not_the_worker(played: Played) -> None:
    await played.row(8)


async def test_row_09_siblings_of_a_failure_run_on(played: Played) -> None:
    await played.row(9)


async def test_row_10_a_failure_cancels_siblings_and_carries_values(played: Played) -> None:
    await played.row(10)


async def test_row_11_dependents_start_when_their_own_input_is_there(played: Played) -> None:
    await played.row(11)


async def test_row_12_a_deadline_keeps_what_has_arrived(played: Played) -> None:
    await played.row(12)


async def test_row_13_a_deaf_branch_is_abandoned(played: Played) -> None:
    await played.row(13)


async def test_row_13_an_abandoned_branch_buys_nothing_more(played: Played) -> None:
    await played.row(113)
    assert played.done() == ["b", "after"]


async def test_row_14_a_cancelled_case_undoes_each_branch_once(played: Played) -> None:
    """Cancelled twice: the second changes nothing, the undoing goes on."""
    handle = await played.here.start(RowCancelled, RowOrder(row=14))
    await until_done(handle, played, {"effect-a", "effect-b", "effect-c"})
    await asyncio.gather(handle.cancel(), handle.cancel())
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert isinstance(caught.value.cause, CancelledError)
    undone = Counter(name for name in played.done() if name.startswith("undo"))
    assert undone == dict.fromkeys(("undo-effect-a", "undo-effect-b", "undo-effect-c"), 1)
    await played.here.replayed(handle)


async def test_row_15_a_losers_effect_is_undone(played: Played) -> None:
    await played.row(15)
    assert played.done() == ["effect-a", "b", "undo-effect-a"]


async def test_row_16_late_results_are_kept_apart(played: Played) -> None:
    await played.row(16)


async def test_row_17_an_earlier_result_counts_until_it_is_too_old(played: Played) -> None:
    await played.row(17)


async def test_row_18_each_answer_reaches_its_own_branch(played: Played) -> None:
    """Answered in another order than asked."""
    handle = await played.here.start(RowPeople, RowOrder(row=18), result_type=Facts)
    await answer_all(handle)
    played_facts = (await handle.result()).facts
    assert played_facts[:4] == ("complete", "a skipped", "b succeeded", "c succeeded")
    assert played_facts[4:] == ("b=from memory", "c=by hand")
    await played.here.replayed(handle)


async def answer_all(handle: Handle) -> None:
    """Answer the three gates of row 18 once all are open, in another order than asked."""
    gates: list[Any] = []
    while len(gates) < 3:
        gates = await handle.query("open_gates")
    said: dict[str, dict[str, Any]] = {
        "task-c": {"verdict": "supply", "value": {"name": "by hand"}},
        "task-a": {"verdict": "skip"},
        "task-b": {"verdict": "supply", "value": {"name": "from memory"}},
    }
    for gate, words in said.items():
        decision = Decision.model_validate({"gate": gate, "by": "ana", **words})
        await handle.execute_update("decide", decision)


async def test_row_19_never_more_than_the_limit_in_flight(played: Played) -> None:
    await played.row(19)


async def test_row_20_joins_of_nothing(played: Played) -> None:
    await played.row(20)


async def test_row_21_a_join_in_a_branch_is_seen_and_cancelled(played: Played) -> None:
    await played.row(21)


async def test_row_23_no_message_is_lost_while_branches_finish(played: Played) -> None:
    """Signals and updates during forty completions; handlers end before the workflow does."""
    given = RowOrder(row=23, words=10)
    handle = await played.here.start(RowPeople, given, result_type=Facts)

    async def speak(number: int) -> None:
        await handle.signal("said", f"s{number}")
        assert await handle.execute_update("told", f"u{number}") == f"U{number}"

    await asyncio.gather(*(speak(n) for n in range(5)))
    facts = (await handle.result()).facts
    heard = [f"{kind} {kind[0]}{n}" for kind in ("signal", "update") for n in range(5)]
    assert facts == ("complete", "40", *heard)
    await played.here.replayed(handle)


async def test_row_24_a_thousand_branches_stay_linear(played: Played) -> None:
    """Events per branch do not grow with their number; at most `limit` activities pend."""
    found = []
    for count in (100, 1000):
        handle = await played.here.start(RowMany, {"count": count, "limit": 100}, result_type=Facts)
        assert (await handle.result()).facts == ("complete", "True")
        history = await handle.fetch_history()
        pending = most = others = 0
        for event in history.events:
            pending += event.HasField("activity_task_scheduled_event_attributes")
            pending -= event.HasField("activity_task_completed_event_attributes")
            most = max(most, pending)
            # How many answers a task takes is the machine's affair: 1 to 100.
            others += not EventType.Name(event.event_type).startswith("EVENT_TYPE_WORKFLOW_TASK")
        assert most <= 100
        await played.here.replayed(handle)
        found.append(others / count)
    print(f"events per branch, besides workflow tasks: {found}")
    assert found[1] <= found[0]


async def test_row_25_a_hanging_branch_is_replaced_alone(played: Played) -> None:
    await played.row(25)


async def test_row_26_a_branch_is_repeated_alone(played: Played) -> None:
    await played.row(26)


async def test_row_26_paid_replies_are_read_back_in_the_fused_grade(played: Played) -> None:
    await played.row(26, Grade.FUSED)
    assert Counter(played.done()) == {"paid": 1, "b": 1}


async def test_row_27_siblings_finish_then_all_is_undone(played: Played) -> None:
    await played.row(27)
    done = played.done()
    assert done[-2:] == ["undo-effect-c", "undo-effect-a"], "in reverse"
    assert {"a", "c"} <= set(done), "siblings ran to their end"


async def test_row_28_too_little_coverage_is_a_failure(played: Played) -> None:
    await played.row(28)


async def test_orders_of_five_branches_come_to_the_same_on_replay(played: Played) -> None:
    """A sample, ties included; the query replays the whole history of the closed case."""
    seed = 20261121
    print(f"seed {seed}")
    chance = random.Random(seed)  # noqa: S311
    orders = [chance.sample(range(5), 5) for _ in range(8)]
    orders += [[chance.randrange(3) for _ in range(5)] for _ in range(4)]
    handle = await played.here.start(RowOrders, orders, result_type=Facts)
    first = await handle.result()
    assert len(first.facts) == 4 * len(orders)
    assert await handle.query(RowOrders.played) == first
    await played.here.replayed(handle)


async def test_every_row_is_the_same_in_a_fused_step(played: Played) -> None:
    """All scenarios that need no workflow, at once, each in one activity."""
    await asyncio.gather(*(played.row(n, Grade.FUSED) for n in ANYWHERE))


async def until_done(handle: Handle, played: Played, names: set[str]) -> None:
    """Wait until these stand in the log."""
    while not names <= set(played.done()):
        assert (await handle.describe()).close_time is None, played.done()


# ---- killed --------------------------------------------------------------------------------


@pytest.mark.parametrize("grade", list(Grade))
@pytest.mark.parametrize("seed", range(20261121, 20261126 if SOAK else 20261122))
async def test_row_22_rows_stand_whenever_the_worker_is_killed(
    address: str, tmp_path: Path, grade: Grade, seed: int
) -> None:
    """All rows at once on one worker process, killed twice at random points."""
    print(f"seed {seed}")
    chance = random.Random(seed)  # noqa: S311
    async with killable(address, "tests.flows.rows_world", tmp_path) as mine:
        mine.log.touch()
        handles = {
            number: await mine.flows.start(
                Row, RowOrder(row=number), memo={GRADE: grade}, result_type=Facts
            )
            for number in ANYWHERE
        }
        completed: dict[Work, int] = {}
        for share in sorted(chance.uniform(0.05, 0.7) for _ in range(2)):
            await until_lines(mine, handles.values(), int(40 * share))
            for work in await completed_by_now(tmp_path, handles.values(), grade):
                completed.setdefault(work, times_done(mine)[work])
            await mine.kill()
            await mine.start()
        for number, handle in handles.items():
            assert (await handle.result()).facts == EXPECTED[number], number
            await mine.flows.replayed(handle)
        assert completed, "or nothing was looked at"
        asked = await asked_in_all(handles.values(), grade)
        done = times_done(mine)
        again = [w for w, times in completed.items() if asked[w] <= 1 and done[w] > times]
        assert again == [], "no completed call runs twice"


Work = tuple[str, str]
"""Case and name of what was done."""


def times_done(mine: Killable) -> Counter[Work]:
    """Count what was done to its end."""
    lines = map(str.split, mine.lines())
    return Counter((words[-1], words[1]) for words in lines if words[0] == "done")


async def completed_by_now(data: Path, handles: Iterable[Handle], grade: Grade) -> set[Work]:
    """Give what is completed for good: in the histories, or in the store's answers."""
    if grade is Grade.FUSED:
        store = await Store.open(Settings(data=data).database)
        async with store.reading() as connection:
            rows = (await connection.execute(select(answers.c.scope, answers.c.value))).all()
        await store.close()
        return {(row.scope, json.loads(row.value)["name"].lower()) for row in rows if row.value}
    found = set()
    for handle in handles:
        names, ended = scheduled(await handle.fetch_history())
        found |= {(handle.id, names[number]) for number in ended}
    return found


async def asked_in_all(handles: Iterable[Handle], grade: Grade) -> Counter[Work]:
    """Count how often each work was asked for; in a fused step equal requests count once."""
    asked: Counter[Work] = Counter()
    for handle in handles if grade is Grade.VISIBLE else ():
        names, _ = scheduled(await handle.fetch_history())
        asked.update((handle.id, name) for name in names.values())
    return asked


def scheduled(history: WorkflowHistory) -> tuple[dict[int, str], list[int]]:
    """Give the orders scheduled, by event, and the events of those completed."""
    names: dict[int, str] = {}
    ended: list[int] = []
    for event in history.events:
        if event.HasField("activity_task_scheduled_event_attributes"):
            given = event.activity_task_scheduled_event_attributes.input.payloads[0].data
            names[event.event_id] = json.loads(given)["name"]
        elif event.HasField("activity_task_completed_event_attributes"):
            ended.append(event.activity_task_completed_event_attributes.scheduled_event_id)
    return names, ended


async def test_rows_14_18_23_and_24_stand_when_the_worker_is_killed(
    address: str, tmp_path: Path
) -> None:
    """Cancelled, asking people, hearing messages, and many branches: killed in the middle."""
    async with killable(address, "tests.flows.rows_world", tmp_path) as mine:
        mine.log.touch()
        played = Played(mine.flows, mine.log)
        cancelled = await mine.flows.start(RowCancelled, RowOrder(row=14))
        asking = await mine.flows.start(RowPeople, RowOrder(row=18), result_type=Facts)
        spoken = RowOrder(row=23, words=2)
        hearing = await mine.flows.start(RowPeople, spoken, result_type=Facts)
        many = await mine.flows.start(RowMany, {"count": 100, "limit": 20}, result_type=Facts)
        await until_done(cancelled, played, {"effect-a", "effect-b", "effect-c", "n30"})
        await hearing.signal("said", "s0")
        await mine.kill()
        await hearing.signal("said", "s1")
        await mine.start()
        await cancelled.cancel()
        await answer_all(asking)
        with pytest.raises(WorkflowFailureError):
            await cancelled.result()
        undone = {name for name in played.done() if name.startswith("undo")}
        assert undone == {"undo-effect-a", "undo-effect-b", "undo-effect-c"}
        facts = (await asking.result()).facts
        assert facts[:4] == ("complete", "a skipped", "b succeeded", "c succeeded")
        assert (await hearing.result()).facts == ("complete", "40", "signal s0", "signal s1")
        assert (await many.result()).facts == ("complete", "True")
        for handle in (cancelled, asking, hearing, many):
            await mine.flows.replayed(handle)


async def until_lines(mine: Killable, handles: Iterable[Handle], count: int) -> None:
    """Wait until so much was done, in any of the cases."""
    while sum(line.startswith("done") for line in mine.lines()) < count:
        for handle in handles:
            if (await handle.describe()).close_time is None:
                break
        else:
            pytest.fail("over before it could be killed")
