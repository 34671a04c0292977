"""Rows of the joins' contract that need a workflow of their own: people, orders, a cancel, many."""

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from tests.flows.rows import FOREVER, Facts, Row, RowOrder, effecting, facts, work
from tests.flows.steps import WORK, Done, Order
from workflows.calls import ask
from workflows.data.common import JSON, Verdict
from workflows.patterns import failure
from workflows.patterns.branch import Branch
from workflows.patterns.gate import task_gate
from workflows.patterns.join import join
from workflows.patterns.process import Process
from workflows.patterns.saga import Saga
from workflows.patterns.until import all_settled, at_least, first_success


@workflow.defn
class RowOrders:
    """Joins of five branches that settle in given orders (equal places: together)."""

    def __init__(self) -> None:
        self._facts: list[str] = []

    @workflow.run
    async def run(self, orders: list[list[int]]) -> Facts:
        """Play each order under several conditions."""
        for places in orders:
            for until in (all_settled(), first_success(), at_least(3), at_least(2).tolerate(0)):
                joined = await join(
                    [self._branch(n, at) for n, at in enumerate(places)], until=until
                )
                self._facts.append(" ".join(facts(joined)))
        return Facts(facts=tuple(self._facts))

    def _branch(self, number: int, place: int) -> Branch[int]:
        async def settle() -> int:
            await workflow.sleep(timedelta(milliseconds=15 * (place + 1)))
            if number == 1:
                raise ApplicationError("always", type="Broke")
            return number

        return Branch(f"b{number}", settle)

    @workflow.query
    def played(self) -> Facts:
        """What it came to; asked of a closed case, what its replay comes to."""
        return Facts(facts=tuple(self._facts))


@workflow.defn
class RowPeople(Process):
    """Row 18 and 23: branches that ask people, and messages that come while branches finish."""

    @workflow.init
    def __init__(self, given: RowOrder) -> None:
        super().__init__("row-people", "row")
        self.words, self.sent = given.words, 0
        self.heard: list[str] = []

    @workflow.run
    async def run(self, given: RowOrder) -> Facts:
        """Play the row."""
        played = await (self.asking() if given.row == 18 else self.listening())
        await self.finish()
        return Facts(facts=(*played, *sorted(self.heard)))

    async def asking(self) -> list[str]:
        """Three branches fail and ask at once."""
        people = {"ana": frozenset({"reviewer"})}
        verdicts = (Verdict.RETRY, Verdict.SKIP, Verdict.SUPPLY)

        def branch(name: str) -> Branch[Any]:
            gate = task_gate(
                f"task-{name}",
                f"What becomes of {name}?",
                people,
                verdicts=verdicts,
                deadline=timedelta(days=1),
                remind_every=timedelta(days=1),
                supplies=Done,
            )
            policy = failure.ask(gate, self.gate)
            return Branch(name, work(name, fails=1, final=name != "again"), on_failure=policy)

        self.failures = 0
        branches = [branch(n) for n in ("a", "b", "c")]
        joined = await join(branches, until=all_settled())
        values = [f"{n}={v.name}" for n, v in joined.values.items()]
        return [*facts(joined), *values]

    async def listening(self) -> list[str]:
        """Forty branches finish while messages come; the last of these have come, not ended."""
        joined = await join({f"n{n}": work(f"n{n}", 10 * n) for n in range(40)})
        await workflow.wait_condition(lambda: self.sent >= self.words)
        return [joined.reason, str(len(joined.values))]

    @workflow.signal
    async def said(self, word: str) -> None:
        """Take a word, after a call of its own."""
        self.sent += 1
        await ask(WORK, Order(name=f"on-{word}"))
        self.heard.append(f"signal {word}")

    @workflow.update
    async def told(self, word: str) -> str:
        """Take a word and answer it, after a call of its own."""
        self.sent += 1
        await ask(WORK, Order(name=f"on-{word}"))
        self.heard.append(f"update {word}")
        return word.upper()


@workflow.defn
class RowCancelled:
    """Row 14: cancelled while branches run; each has an effect to undo."""

    @workflow.run
    async def run(self, _: RowOrder) -> Facts:
        """Wait in a join until cancelled."""
        async with Saga():
            names = ("a", "b", "c")
            await join([effecting(n, work(f"{n}-goes-on", FOREVER)) for n in names])
        return Facts(facts=("never",))


@workflow.defn
class RowMany:
    """Row 24: so many branches, so many at a time."""

    @workflow.run
    async def run(self, given: dict[str, JSON]) -> Facts:
        """Join them."""
        count, limit = int(str(given["count"])), int(str(given["limit"]))
        joined = await join({f"n{n}": work(f"n{n}", 0) for n in range(count)}, limit=limit)
        right = [v.name for v in joined.values.values()] == [f"N{n}" for n in range(count)]
        return Facts(facts=(joined.reason, str(right)))


WORKFLOWS = [Row, RowOrders, RowPeople, RowCancelled, RowMany]
