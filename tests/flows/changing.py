"""One process before and after its code was changed, and what must still replay."""

import asyncio
from datetime import timedelta

from temporalio import workflow

from workflows.calls import Call, ask
from workflows.data.common import Record
from workflows.patterns.clock import pause


class Note(Record):
    """What is passed on."""

    text: str
    number: int = 0


LOOK = Call("look", Note, Note, timedelta(seconds=10), attempts=1)


@workflow.defn(name="changing")
class Before:
    """Looks, waits, asks a child, looks again; goes on as a new run once."""

    @workflow.run
    async def run(self, given: Note) -> Note:
        first = await ask(LOOK, given)
        await pause(timedelta(milliseconds=10), "a moment")
        child = await workflow.execute_child_workflow(
            "passing", first, id=f"{workflow.info().workflow_id}-child", result_type=Note
        )
        last = await ask(LOOK, child)
        if last.number < 0:
            workflow.continue_as_new(Note(text="again", number=5))
        return last


@workflow.defn(name="passing")
class Passing:
    """A child that gives back what it is given, or waits until it is cancelled."""

    @workflow.run
    async def run(self, given: Note) -> Note:
        if given.text == "wait":
            await asyncio.Event().wait()
        return given


@workflow.defn(name="changing")
class OtherInputs:
    """Waits longer, and tells the child and the second call something else."""

    @workflow.run
    async def run(self, given: Note) -> Note:
        first = await ask(LOOK, given)
        await pause(timedelta(milliseconds=20), "a moment")
        told = Note(text="changed", number=first.number)
        child = await workflow.execute_child_workflow(
            "passing", told, id=f"{workflow.info().workflow_id}-child", result_type=Note
        )
        last = await ask(LOOK, Note(text=child.text, number=child.number + 1))
        return Note(text=last.text, number=-1)


@workflow.defn(name="changing")
class OneMore:
    """Looks twice before it waits."""

    @workflow.run
    async def run(self, given: Note) -> Note:
        await ask(LOOK, given)
        return await ask(LOOK, given)


@workflow.defn(name="changing")
class Raising:
    """Has a bug behind its first call."""

    @workflow.run
    async def run(self, given: Note) -> Note:
        await ask(LOOK, given)
        raise ValueError("a bug of today")


@workflow.defn(name="changing")
class Patched:
    """As before, with one more call for new cases only."""

    @workflow.run
    async def run(self, given: Note) -> Note:
        if workflow.patched("look-first"):
            await ask(LOOK, given)
        return await Before.run(self, given)  # type: ignore[arg-type]
