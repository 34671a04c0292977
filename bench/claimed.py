"""The workflow of the claims: items of work, each made of stages of model calls of fixed length."""

from functools import partial

from temporalio import workflow

from workflows.calls import ASK_MODEL, ask
from workflows.data.common import Record
from workflows.data.llm import ModelAnswer, ModelRef, ModelRequest, Prompt
from workflows.grades import step
from workflows.patterns.join import join

VENDOR = "clock"
Stages = tuple[tuple[float, ...], ...]


class Load(Record):
    """`items` of work, `in_flight` at once; the calls of a stage run at once, as many seconds
    each at speed 1 as stand there.
    """

    stages: Stages
    items: int = 1
    in_flight: int = 1


def model_of(seconds: float) -> str:
    """Name the model that answers after so many seconds."""
    return f"answers-after-{seconds:g}"


@step("claimed-load", Load, Load)
async def do_load(load: Load) -> Load:
    """Do all of a load."""
    if load.items == 1:
        await _item(load, 0)
    else:
        items = {f"item-{n}": partial(_item, load, n) for n in range(load.items)}
        await join(items, limit=load.in_flight)
    return load


@workflow.defn
class Claimed:
    """The load: an activity a call, or in the fused grade one activity for all of it."""

    @workflow.run
    async def run(self, load: Load) -> Load:
        """Do all of it."""
        return await do_load(load)


async def _item(load: Load, item: int) -> None:
    for number, stage in enumerate(load.stages):
        calls = {f"c{n}": partial(_call, s, f"{item} {number} {n}") for n, s in enumerate(stage)}
        if len(calls) == 1:
            await calls["c0"]()
        else:
            await join(calls)


async def _call(seconds: float, which: str) -> ModelAnswer:
    prompt = Prompt(name="claim", version=1, system="Be brief.", user=f"Call {which}.", answer="")
    target = ModelRef(vendor=VENDOR, model=model_of(seconds))
    request = ModelRequest(target=target, prompt=prompt, max_output_tokens=20)
    return await ask(ASK_MODEL, request, queue=target.queue)
