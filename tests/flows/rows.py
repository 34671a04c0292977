"""The rows of the join contract as scenarios over real calls: each gives facts, always the same.

Losers sleep for a minute and winners for some milliseconds, so that no machine is too slow.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from tests.flows.steps import UNDO, WORK, Done, Order
from workflows.calls import ask
from workflows.data.common import Record
from workflows.errors import JoinFailed, Misuse, ScopeClosed
from workflows.grades import step
from workflows.patterns import failure
from workflows.patterns.branch import Branch
from workflows.patterns.clock import now
from workflows.patterns.join import join
from workflows.patterns.outcome import Covered, Joined, Outcome
from workflows.patterns.saga import current_saga
from workflows.patterns.until import (
    Until,
    all_settled,
    all_succeed,
    at_least,
    first_settled,
    first_success,
    outcome,
)

FOREVER = 60_000
SOON = timedelta(milliseconds=100)
"""What only losers are given: nobody has to be quicker."""


class RowOrder(Record):
    """Which row to play; row 23 does not end before it was sent so many `words`."""

    row: int
    words: int = 0


class Facts(Record):
    """What a row came to."""

    facts: tuple[str, ...]


def work(name: str, ms: int = 5, **more: Any) -> Callable[[], Awaitable[Done]]:
    """Give work that takes so long and fails as `more` says."""
    return partial(ask, WORK, Order(name=name, ms=ms, **more))


def good(name: str, **more: Any) -> Branch[Done]:
    return Branch(name, work(name), **more)


def slow(name: str, **more: Any) -> Branch[Done]:
    return Branch(name, work(name, FOREVER), **more)


def bad(name: str, ms: int = 5, **more: Any) -> Branch[Done]:
    return Branch(name, work(name, ms, fails=99, final=True), **more)


def facts(joined: Joined) -> list[str]:
    """Tell reason and statuses."""
    return [joined.reason, *(f"{o.name} {o.status}" for o in joined.branches.values())]


def named(error: ApplicationError) -> list[str]:
    """Tell an error and the branches it carries."""
    details: Any = error.details[0] if error.details else {}
    return [f"{error.type}: {error.message}", *(f"{n} {d['status']}" for n, d in details.items())]


async def effect(name: str) -> None:
    """Do something with an undo in the branch's saga."""
    saga = current_saga()
    assert saga is not None
    await saga.step(name, work(name), partial(ask, UNDO, Order(name=f"undo-{name}")))


def effecting(name: str, then: Callable[[], Awaitable[Any]], **more: Any) -> Branch[Any]:
    """Give a branch that has an effect before it goes on."""

    async def both() -> Any:
        await effect(f"effect-{name}")
        return await then()

    return Branch(name, both, **more)


def after(known: asyncio.Event, then: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    """Give work that waits until something is known."""

    async def waits() -> Any:
        await known.wait()
        return await then()

    return waits


def telling(
    known: asyncio.Event, then: Callable[[], Awaitable[Any]], *, before: bool = False
) -> Callable[[], Awaitable[Any]]:
    """Give work that makes something known once it is done, or before it begins."""

    async def tells() -> Any:
        if before:
            known.set()
        value = await then()
        known.set()
        return value

    return tells


async def row_01(_: RowOrder) -> list[str]:
    branches = [slow("a"), good("b"), good("c"), slow("d"), slow("e")]
    return facts(await join(branches, until=at_least(2), limit=2))


async def row_02(_: RowOrder) -> list[str]:
    return facts(await join([bad("a"), bad("b"), slow("c")], until=at_least(2)))


async def row_03(_: RowOrder) -> list[str]:
    told = []
    wrong: list[tuple[list[Branch[Done]], Until]] = [
        ([good("a")], at_least(2)),
        ([good("a"), good("a")], all_settled()),
        ([good("a")], all_settled().tolerate(count=2)),
    ]
    for branches, until in wrong:
        try:
            await join(branches, until=until)
        except Misuse as error:
            told.append(error.message)
    return told


async def row_04(_: RowOrder) -> list[str]:
    branches = [bad("a"), good("b"), bad("c"), good("d"), good("e")]
    return facts(await join(branches, until=all_settled().tolerate(count=2)))


def together(gate: "asyncio.Task[Done]", error: str = "") -> Callable[[], Awaitable[str]]:
    """Give work that settles in the very task in which `gate` does."""

    async def settle() -> str:
        await asyncio.shield(gate)
        if error:
            raise ApplicationError(error, type="Broke")
        return "done"

    return settle


async def row_05(_: RowOrder) -> list[str]:
    gate = asyncio.ensure_future(ask(WORK, Order(name="gate")))
    joined = await join(
        [Branch("a", together(gate, "no")), Branch("b", together(gate)), slow("c")],
        until=at_least(1).tolerate(count=0),
    )
    return facts(joined)


async def row_06(_: RowOrder) -> list[str]:
    gate = asyncio.ensure_future(ask(WORK, Order(name="gate")))
    branches = [slow("a"), Branch("b", together(gate)), Branch("c", together(gate))]
    joined = await join(branches, until=first_success())
    return [*facts(joined), f"winner {next(iter(joined.values))}"]


async def row_07(_: RowOrder) -> list[str]:
    def rejects(ended: Outcome[Any]) -> bool:
        return ended.value is not None and ended.value.name == "REJECT"

    branches = [slow("a"), Branch("b", work("reject")), slow("c")]
    joined = await join(branches, until=all_succeed() | outcome(rejects))
    return [*facts(joined), f"by {joined.by}"]


async def row_08(_: RowOrder) -> list[str]:
    try:
        await join([good("a"), slow("b")], until=outcome(lambda o: 1 // 0 > 0))
    except JoinFailed as error:
        return named(error)
    return ["no error"]


async def row_09(_: RowOrder) -> list[str]:
    return facts(await join([bad("a"), Branch("b", work("b", 60))], until=all_settled()))


async def row_10(_: RowOrder) -> list[str]:
    known = asyncio.Event()
    try:
        await join(
            [
                Branch("a", telling(known, work("a"))),
                Branch("b", after(known, work("b", fails=99, final=True))),
                slow("c"),
            ]
        )
    except JoinFailed as error:
        return [*named(error), *(f"{n}={v.name}" for n, v in error.values.items())]
    return ["no error"]


async def row_11(_: RowOrder) -> list[str]:
    known = asyncio.Event()

    async def pipeline() -> Done:
        await ask(WORK, Order(name="first"))
        done: Done = await telling(known, work("dependent"))()
        return done

    branches = [Branch("pipeline", pipeline), Branch("other", after(known, work("other")))]
    return facts(await join(branches, deadline=timedelta(minutes=5)))


async def row_12(_: RowOrder) -> list[str]:
    async def known(done: Done) -> Done:
        return done

    # Done before: how much arrives in so short a time is the machine's affair.
    a, c = [await ask(WORK, Order(name=name)) for name in "ac"]
    branches = [Branch("a", partial(known, a)), slow("b"), Branch("c", partial(known, c))]
    joined = await join(branches, until=all_settled(), deadline=SOON)
    return [*facts(joined), *(v.name for v in joined.values.values())]


async def row_13(_: RowOrder) -> list[str]:
    told = []

    async def deaf() -> None:
        try:
            await ask(WORK, Order(name="deaf", ms=FOREVER))
        except (ActivityError, asyncio.CancelledError):
            await asyncio.shield(asyncio.get_running_loop().create_future())

    joined = await join(
        [Branch("deaf", deaf), good("b")],
        until=first_success(),
        clean_up=SOON,
    )
    try:
        joined.require("deaf")
    except JoinFailed as error:
        told.append(error.message)
    return [*facts(joined), *told]


async def row_13_buys(_: RowOrder) -> list[str]:
    told: list[str] = []
    over = asyncio.Event()

    async def buys() -> None:
        try:
            await ask(WORK, Order(name="buys", ms=FOREVER))
        except (ActivityError, asyncio.CancelledError):
            await over.wait()
            try:
                await ask(WORK, Order(name="more"))
            except ScopeClosed as error:
                told.append(error.message)

    joined = await join([Branch("buys", buys), good("b")], until=first_success(), clean_up=SOON)
    over.set()
    await ask(WORK, Order(name="after"))
    return [*facts(joined), *told]


async def row_15(_: RowOrder) -> list[str]:
    known = asyncio.Event()
    joined = await join(
        [
            effecting("a", telling(known, work("a", FOREVER), before=True)),
            Branch("b", after(known, work("b"))),
        ],
        until=first_success(),
    )
    return [*facts(joined), *(f"undone {u.step}" for u in joined.undone)]


async def row_16(_: RowOrder) -> list[str]:
    over = asyncio.Event()
    joined = await join(
        [
            good("a"),
            Branch("b", after(over, work("b"))),
            Branch("c", after(over, work("c", fails=99, final=True))),
        ],
        until=first_success(),
        late="finish",
    )
    before = facts(joined)
    over.set()
    late = [f"late {o.name} {o.status}" for o in await joined.late()]
    assert facts(joined) == before
    return [*before, *late]


async def row_17(_: RowOrder) -> list[str]:
    hour, day = timedelta(hours=1), timedelta(days=1)
    fresh, old = failure.Known("fresh", now() - hour), failure.Known("old", now() - 2 * day)
    joined = await join(
        [
            slow("a", on_failure=failure.last_known(day, fresh), timeout=SOON),
            slow("b", on_failure=failure.last_known(day, old), timeout=SOON),
        ],
        until=all_settled(),
    )
    a = joined["a"]
    assert a.age is not None and hour <= a.age < 2 * hour  # noqa: PT018
    return [*facts(joined), f"{a.value} stale {a.stale}"]


async def row_19(_: RowOrder) -> list[str]:
    running = most = 0

    async def one(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            await ask(WORK, Order(name=f"n{number}", ms=20, fails=1 if number == 2 else 0))
        finally:
            running -= 1
        return number

    again = failure.retry(1, timedelta(0))
    branches = [Branch(f"n{n}", partial(one, n), on_failure=again) for n in range(9)]
    joined = await join(branches, limit=3)
    return [f"most {most}", *(f"{v}" for v in joined.values.values())]


async def row_20(_: RowOrder) -> list[str]:
    told = [(await join({}, until=until)).reason for until in (all_succeed(), all_settled())]
    refused = []
    for until in (at_least(1), first_success(), first_settled()):
        try:
            await join({}, until=until)
        except Misuse as error:
            refused.append(error.message)
    return [*told, *refused]


async def row_21(_: RowOrder) -> list[str]:
    inner: list[str] = []
    known = asyncio.Event()

    async def nested() -> str:
        joined = await join([good("x"), slow("y")], until=first_success())
        inner.extend(f"inner {fact}" for fact in facts(joined))
        try:
            await join([Branch("z", telling(known, work("z", FOREVER), before=True))])
        except (ActivityError, asyncio.CancelledError, JoinFailed):
            inner.append("inner cancelled")
            raise
        return "never"

    joined = await join(
        [Branch("outer", nested), Branch("other", after(known, work("other")))],
        until=first_success(),
    )
    return [*facts(joined), *inner]


async def row_25(_: RowOrder) -> list[str]:
    known = failure.Known("held", now() - timedelta(hours=1))
    joined = await join(
        [
            slow("a", timeout=SOON, on_failure=failure.last_known(timedelta(days=1), known)),
            slow("b", timeout=SOON, on_failure=failure.default("stand-in")),
            slow("c", timeout=SOON),
            Branch("d", work("d", 20)),
        ],
        until=all_settled(),
    )
    return facts(joined)


async def row_26(_: RowOrder) -> list[str]:
    paid = 0

    async def twice() -> Done:
        nonlocal paid
        done = await ask(WORK, Order(name="paid"))
        paid += 1
        if paid < 3:
            raise ApplicationError("the second half broke", type="Broke")
        return done

    joined = await join(
        [Branch("a", twice, on_failure=failure.retry(2, timedelta(milliseconds=10))), good("b")]
    )
    return [*facts(joined), *(f"{o.name} {o.attempts}" for o in joined.branches.values())]


async def row_27(_: RowOrder) -> list[str]:
    undo, known = failure.finish_then_undo(), asyncio.Event()
    second = effecting("c", work("c", 500))
    try:
        await join(
            [
                effecting("a", telling(known, work("a"), before=True)),
                Branch("b", work("b", 300, fails=99, final=True), on_failure=undo),
                Branch("c", after(known, second.work)),
            ]
        )
    except JoinFailed as error:
        return named(error)
    return ["no error"]


async def row_28(_: RowOrder) -> list[str]:
    async def covering(name: str, coverage: float, confidence: float) -> Covered[str]:
        await ask(WORK, Order(name=name))
        return Covered(name, coverage, confidence)

    joined = await join(
        [
            Branch("a", partial(covering, "a", 0.9, 0.8), min_coverage=0.5),
            Branch("b", partial(covering, "b", 0.4, 0.9), min_coverage=0.5),
            Branch("c", partial(covering, "c", 1.0, 0.7)),
        ],
        until=all_settled(),
    )
    return [*facts(joined), f"coverage {joined.coverage} confidence {joined.confidence}"]


Scenario = Callable[[RowOrder], Coroutine[Any, Any, list[str]]]
ANYWHERE: dict[int, Scenario] = {
    1: row_01, 2: row_02, 3: row_03, 4: row_04, 5: row_05, 6: row_06, 7: row_07, 8: row_08,
    9: row_09, 10: row_10, 11: row_11, 12: row_12, 13: row_13, 113: row_13_buys, 15: row_15,
    16: row_16, 17: row_17, 19: row_19, 20: row_20, 21: row_21, 25: row_25, 26: row_26,
    27: row_27, 28: row_28,
}  # fmt: skip
"""Scenarios that need no workflow: they run in a fused step too."""


@step("test_row", RowOrder, Facts)
async def row_step(given: RowOrder) -> Facts:
    """Play a row."""
    return Facts(facts=tuple(await ANYWHERE[given.row](given)))


@workflow.defn
class Row:
    """Plays one row in the grade the case was started with."""

    def __init__(self) -> None:
        self._facts = Facts(facts=())

    @workflow.run
    async def run(self, given: RowOrder) -> Facts:
        """Run the step."""
        self._facts = await row_step(given)
        return self._facts

    @workflow.query
    def played(self) -> Facts:
        """What it came to; asked of a closed case, what its replay comes to."""
        return self._facts


STEPS = (row_step,)
