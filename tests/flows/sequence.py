"""Test workflow of sequences: three stages in order, judged by name of the error."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from workflows.calls import Call, ask
from workflows.data.common import Record
from workflows.data.sequence import StageView
from workflows.errors import DeadlinePassed
from workflows.patterns.process import Process
from workflows.patterns.sequence import Sequence
from workflows.patterns.stage import (
    Choice,
    Done,
    Stage,
    Trouble,
    compensate,
    escalate,
    retry,
    skip,
)
from workflows.patterns.tasks import Tasks

PEOPLE = {"ana": frozenset({"clerk"})}


class Part(Record):
    """What a stage does: its name, and for an undo `undo-` and its name."""

    name: str
    after: str = ""


class Parcel(Record):
    """What a stage gives."""

    name: str
    weight: int = 0


class Packed(Record):
    """What the whole gives."""

    weights: tuple[int, ...]


PACK = Call("sequence_pack", Part, Parcel, timeout=timedelta(seconds=20), attempts=5)


def judge(error: BaseException, trouble: Trouble) -> Choice:
    """Choose by the kind of the error."""
    cause = error.cause if isinstance(error, ActivityError) else error
    kind = cause.type if isinstance(cause, ApplicationError) else ""
    choices = {
        "Busy": retry(timedelta(milliseconds=20)),
        "Optional": skip(),
        "Odd": escalate(),
        DeadlinePassed.__name__: compensate(),
    }
    return choices[str(kind)]


@workflow.defn(name="sequence-packing")
class Packing(Process):
    """Takes, weighs and seals a parcel."""

    @workflow.init
    def __init__(self, timeout: float) -> None:
        super().__init__("sequence-packing", "packing")
        stage = partial(Stage, timeout=timedelta(seconds=timeout))
        self.take = stage("take", part("take"), undo=part("undo-take"))
        self.weigh = stage(
            "weigh",
            self._weigh,
            undo=part("undo-weigh"),
            supplies=Parcel,
            otherwise=Parcel(name="unweighed", weight=-1),
        )
        self.seal = stage("seal", part("seal"), undo=part("undo-seal"))
        self.sequence = Sequence(
            "packing",
            [self.take, self.weigh, self.seal],
            judge=judge,
            tries=3,
            tasks=Tasks(self.desk.open, PEOPLE),
        )

    @workflow.run
    async def run(self, timeout: float) -> Packed:
        done = await self.sequence.run()
        await self.finish()
        stages = (self.take, self.weigh, self.seal)
        return Packed(weights=tuple(done[stage].weight for stage in stages))

    @workflow.query
    def stages(self) -> list[StageView]:
        """Tell where each stage is."""
        return list(self.sequence.views())

    async def _weigh(self, done: Done) -> Parcel:
        return await ask(PACK, Part(name="weigh", after=done[self.take].name))


def part(name: str) -> Callable[[Done], Awaitable[Any]]:
    """Give the work of a stage that looks at nothing before it."""

    async def work(_done: Done) -> Any:
        return await ask(PACK, Part(name=name))

    return work
