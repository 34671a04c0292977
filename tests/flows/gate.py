"""Test workflows of gates: an escalation chain, gates side by side, continue-as-new, a shortage."""

import asyncio
from datetime import timedelta
from decimal import Decimal

from temporalio import workflow

from workflows.calls import Call, ask
from workflows.data.common import CaseId, Decision, DeskState, Escalated, Record
from workflows.data.degrade import Remaining, Shortage, Taken
from workflows.patterns.degrade import Degrade, ask_people, below, cheaper_role, skip_branch
from workflows.patterns.gate import ANYBODY, GateResult, GateSpec, Level, Reminder
from workflows.patterns.process import Process

PEOPLE = {
    "ann": frozenset({"analyst"}),
    "bob": frozenset({"analyst", "senior"}),
    "sam": frozenset({"analyst"}),
}
AUTHOR = frozenset({"sam"})
SOON = timedelta(milliseconds=400)


class Told(Record):
    """Who was told, and the how-many-th message it was."""

    number: int
    to: tuple[str, ...]
    level: int


class Look(Record):
    """The how-many-th look at what is left."""

    number: int


class Ended(Record):
    """How the gates of a test workflow ended."""

    decisions: tuple[Decision, ...] = ()
    timed_out: bool = False
    escalations: tuple[Escalated, ...] = ()
    by_gate: dict[str, tuple[str, ...]] = {}  # noqa: RUF012 - a record's default
    measures: tuple[Taken, ...] = ()
    hops: int = 0


TELL = Call("test_tell", Told, Told, timeout=timedelta(seconds=5), attempts=3)
LEFT = Call("test_left", Look, Remaining, timeout=timedelta(seconds=5), attempts=3)


class Gates(Record):
    """What a test workflow is asked for."""

    case: CaseId = "gates"
    names: tuple[str, ...] = ()
    deadline: timedelta = timedelta(minutes=5)
    desk: DeskState = DeskState()
    hops: int = 0


async def tell(reminder: Reminder) -> Told:
    told = Told(number=reminder.number, to=reminder.to, level=reminder.level)
    return await ask(TELL, told)


def gate(name: str, given: Gates, *needs: str, chain: tuple[Level, ...] = ()) -> GateSpec:
    return GateSpec(
        name=name,
        question="What becomes of it?",
        proposal="approve",
        people=PEOPLE,
        needs=needs,
        deadline=given.deadline,
        remind_every=SOON,
        excluded=AUTHOR,
        escalation=chain,
        deputies={"olga": ("dora", "sam")} if len(chain) > 1 else {},
    )


def ended(result: GateResult) -> Ended:
    return Ended(
        decisions=result.decisions, timed_out=result.timed_out, escalations=result.escalations
    )


@workflow.defn(name="test-escalation")
class Escalation(Process):
    """A gate nobody of the first two groups answers."""

    @workflow.init
    def __init__(self, given: Gates) -> None:
        super().__init__("test-escalation", given.case)

    @workflow.run
    async def run(self, given: Gates) -> Ended:
        chain = (
            Level(1.5 * SOON, {"mona": frozenset({"senior"})}),
            Level(2.5 * SOON, {"olga": frozenset({"senior"})}),
        )
        result = await self.gate(gate("review", given, "senior", chain=chain), tell)
        await self.finish()
        return ended(result)


@workflow.defn(name="test-side-by-side")
class SideBySide(Process):
    """As many gates at once as names are given."""

    @workflow.init
    def __init__(self, given: Gates) -> None:
        super().__init__("test-side-by-side", given.case)

    @workflow.run
    async def run(self, given: Gates) -> Ended:
        opened = (self.gate(gate(name, given, ANYBODY)) for name in given.names)
        results = await asyncio.gather(*opened)
        await self.finish()
        people = (tuple(d.by for d in r.decisions) for r in results)
        return Ended(by_gate=dict(zip(given.names, people, strict=True)))


@workflow.defn(name="test-hops")
class Hops(Process):
    """A gate of two people, carried into a next run at each signal `hop`, reopened at `reopen`."""

    @workflow.init
    def __init__(self, given: Gates) -> None:
        super().__init__("test-hops", given.case, given.desk)
        self.reopened = given.hops == 0
        self.hopping = False

    @workflow.run
    async def run(self, given: Gates) -> Ended:
        await workflow.wait_condition(lambda: self.reopened)
        chain = (Level(1.5 * SOON, {"mona": frozenset({"senior"})}),)
        spec = gate("review", given, "analyst", "senior", chain=chain)
        waiting = asyncio.ensure_future(self.gate(spec, tell))
        await workflow.wait_condition(lambda: self.hopping or waiting.done())
        if not waiting.done():
            await workflow.wait_condition(workflow.all_handlers_finished)
            state = self.desk.state()
            again = {"desk": state, "hops": given.hops + 1}
            workflow.continue_as_new(given.model_copy(update=again))
        await self.finish()
        return ended(waiting.result()).model_copy(update={"hops": given.hops})

    @workflow.signal
    def hop(self) -> None:
        self.hopping = True

    @workflow.signal
    def reopen(self) -> None:
        self.reopened = True


@workflow.defn(name="test-shortage")
class Short(Process):
    """Looks three times at what an activity says is left; people are asked at the end."""

    @workflow.init
    def __init__(self, given: Gates) -> None:
        super().__init__("test-shortage", given.case)

    @workflow.run
    async def run(self, given: Gates) -> Ended:
        kept = self.degrade(
            Degrade(
                "spending",
                [
                    below(Shortage.BUDGET, cheaper_role("reviewer", use="analyst"), share=0.5),
                    below(Shortage.LIMIT, skip_branch("media"), amount=Decimal(5)),
                    below(Shortage.BUDGET, ask_people(gate("spend", given, ANYBODY)), share=0.1),
                ],
            )
        )
        for number in (1, 2, 3):
            await kept.heed(await ask(LEFT, Look(number=number)))
        await self.finish()
        return Ended(measures=kept.taken)


WORKFLOWS = (Escalation, SideBySide, Hops, Short)
