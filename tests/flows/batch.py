"""The workflows of the batch tests: references read in a batch, and one read by itself."""

from datetime import timedelta
from decimal import Decimal

from temporalio import workflow

from workflows.calls import ASK_MODEL, ask
from workflows.data.batch import ItemEnd
from workflows.data.common import Record
from workflows.data.llm import ModelAnswer, ModelRef, ModelRequest, Prompt, RoleChain
from workflows.data.readings import ReferenceReading
from workflows.patterns.batch import batch
from workflows.patterns.poll import Interval


class Order(Record):
    """So many references to be read by a model, within so many seconds."""

    model: ModelRef
    count: int
    within: float = 600


class Told(Record):
    """What came of each, which were favourable, and what it cost and saved."""

    ends: dict[str, ItemEnd]
    favourable: int
    missing: dict[str, str]
    usd: Decimal
    saved: Decimal
    batches: tuple[str, ...]


@workflow.defn
class References:
    """Reads references that can wait."""

    @workflow.run
    async def run(self, order: Order) -> Told:
        """Hand them in together and wait."""
        got = await batch(
            "references",
            {f"ref-{n}": question(n) for n in range(order.count)},
            RoleChain(role="reader", models=(order.model,)),
            ReferenceReading,
            within=timedelta(seconds=order.within),
            every=Interval(timedelta(milliseconds=200), factor=1),
        )
        return Told(
            ends={key: item.end for key, item in got.items.items()},
            favourable=sum(reading.favourable is True for reading in got.values.values()),
            missing=got.missing,
            usd=got.usd,
            saved=got.saved,
            batches=tuple(ticket.batch for ticket in got.tickets),
        )


@workflow.defn
class OneReference:
    """Reads one reference by itself."""

    @workflow.run
    async def run(self, model: ModelRef) -> ModelAnswer:
        """Ask for it."""
        request = ModelRequest(target=model, prompt=question(1))
        return await ask(ASK_MODEL, request, queue=model.queue)


def question(number: int) -> Prompt:
    """Ask about one reference."""
    documents = (
        f'{{"referee": {{"party_id": "ref-{number}", "kind": "trade"}},'
        f' "reply": "We have traded for {number + 2} years. They pay promptly, within terms."}}'
    )
    return Prompt(
        name="reference",
        version=1,
        system="Read the reference.",
        user=f"What does it say?\n<documents>\n{documents}\n</documents>",
        answer="ReferenceReading",
    )
