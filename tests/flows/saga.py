"""Test workflow of sagas: a trip rolled back, broken, cancelled or finished by hand."""

from datetime import timedelta
from functools import partial

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from workflows.calls import Call, ask
from workflows.data.common import Record
from workflows.patterns.process import Process
from workflows.patterns.saga import Saga
from workflows.patterns.tasks import Tasks

PEOPLE = {"ana": frozenset({"clerk"}), "ben": frozenset({"clerk"})}


class Act(Record):
    """One effect or its undo; `broken` ones fail for good."""

    name: str
    ms: int = 1
    broken: bool = False


class Acted(Record):
    """What became of it."""

    name: str


class Plan(Record):
    """A trip: its steps in order, and how it goes.

    It rolls back to the mark before the step number `back_to` and does the rest again; the undo
    of `stuck` fails; it ends by an error if `broken`.
    """

    steps: tuple[str, ...]
    ms: int = 1
    back_to: int | None = None
    stuck: str = ""
    broken: bool = False
    group: str = ""


class Trail(Record):
    """What is registered, and what became of the undos, as `step`, `step: error` or `by`."""

    registered: tuple[str, ...]
    undone: tuple[str, ...]


ACT = Call("saga_act", Act, Acted, timeout=timedelta(seconds=20), attempts=5)


@workflow.defn(name="saga-trip")
class Trip(Process):
    """Does its steps, each with an undo."""

    @workflow.init
    def __init__(self, plan: Plan) -> None:
        super().__init__("saga-trip", "trip")
        self.plan = plan
        self.saga = Saga(Tasks(self.desk.open, PEOPLE))

    @workflow.run
    async def run(self, plan: Plan) -> Trail:
        async with self.saga:
            for number, name in enumerate(plan.steps):
                self.saga.mark(f"before {number}")
                await self._step(name)
            if plan.back_to is not None:
                await self.saga.rollback_to(f"before {plan.back_to}")
                for name in plan.steps[plan.back_to :]:
                    await self._step(name)
            if plan.broken:
                raise ApplicationError("the trip is off", type="Off", non_retryable=True)
        await self.finish()
        return self.trail()

    @workflow.query
    def trail(self) -> Trail:
        """Tell what is registered and what was undone."""
        said = [f"{u.step}: {u.by or u.error}" if u.error else u.step for u in self.saga.undone]
        return Trail(registered=self.saga.registered, undone=tuple(said))

    async def _step(self, name: str) -> None:
        plan = self.plan
        undo = Act(name=f"undo-{name}", broken=name == plan.stuck)
        await self.saga.step(
            name,
            partial(ask, ACT, Act(name=name, ms=plan.ms)),
            partial(ask, ACT, undo),
            how=f"cancel {name} at the desk",
            group=plan.group,
        )
