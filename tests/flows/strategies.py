"""A test workflow of strategies: several models asked in each way, in either grade."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import JsonValue
from temporalio import workflow

from workflows.calls import RESOLVE_ROLES, ask
from workflows.data.case_policy import Referee
from workflows.data.common import CostView, Record
from workflows.data.llm import Prompt, RoleBook, RoleQuery
from workflows.data.pack import PackItem, PackRecord, Shaped
from workflows.data.readings import ReferenceReading
from workflows.data.strategies import HedgeRecord, StrategyRecord, VoteRecord
from workflows.grades import step
from workflows.patterns.cascade import cascade
from workflows.patterns.consult import consult
from workflows.patterns.hedge import hedge, hedged_chain
from workflows.patterns.otherwise import give_up
from workflows.patterns.pack import Pack, items_block
from workflows.patterns.process import Process
from workflows.patterns.respondents import models_of, samples_of
from workflows.patterns.vote import vote
from workflows.prompts import due_diligence as prompts

ROLE = "analyst"
REFEREE = Referee(party_id="trade-1", kind="trade", name="A", mail="a@b.example")
PROMPT = prompts.reference(REFEREE, "Ten years, always paid on time.")


class Asked(Record):
    """Which strategy to run, and the seconds after which to hedge; 0 is the p95 of the book."""

    how: Literal["cascade", "vote", "hedge", "pack"]
    after: float = 1.0


class Said(Record):
    """What it came to: whether the reference is favourable, or the ids answered, and how."""

    favourable: bool | None = None
    ids: tuple[str, ...] = ()
    cascade: StrategyRecord | None = None
    vote: VoteRecord | None = None
    hedge: HedgeRecord | None = None
    pack: PackRecord | None = None


class Remark(Record):
    """What a model says of one remark."""

    id: str
    tone: Literal["good", "bad"]


class Remarks(Record):
    """What a model says of several."""

    items: tuple[Annotated[JsonValue, Shaped(Remark)], ...]


def remarks_prompt(items: Sequence[PackItem]) -> Prompt:
    text = items_block(items)
    return Prompt(name="remarks", version=1, system="Rate.", user=text, answer="Remarks")


REMARKS = Pack("remarks", remarks_prompt, into=Remarks, each=Remark, max_items=6)
ITEMS = [PackItem(id=f"i{n}", text=f"Remark {n}: the good kind.") for n in range(12)]


@step("test_strategy", Asked, Said)
async def strategy(asked: Asked) -> Said:
    """Run one strategy on the models of a role."""
    book = await ask(RESOLVE_ROLES, RoleQuery(roles=(ROLE,)))
    said: Said = await RUN[asked.how](asked, book)
    return said


async def _cascade(_asked: Asked, book: RoleBook) -> Said:
    found = await cascade(
        "reference",
        models_of(book.chain(ROLE), PROMPT, ReferenceReading),
        confidence=lambda reading: reading.confidence,
        threshold=0.9,
        otherwise=give_up(),
    )
    return Said(favourable=found.value.favourable, cascade=found.record)


async def _vote(_asked: Asked, book: RoleBook) -> Said:
    found = await vote(
        "reference",
        samples_of(3, book.chain(ROLE), PROMPT, ReferenceReading),
        key=lambda reading: reading.favourable,
        quorum=3,
        otherwise=give_up(),
    )
    return Said(favourable=found.value.favourable, vote=found.record)


async def _hedge(asked: Asked, book: RoleBook) -> Said:
    first, second, p95 = hedged_chain(book, ROLE, PROMPT, ReferenceReading)
    after = timedelta(seconds=asked.after) if asked.after else p95
    found = await hedge("reference", first, second, after=after, otherwise=give_up())
    return Said(favourable=found.value.favourable, hedge=found.record)


async def _pack(_asked: Asked, book: RoleBook) -> Said:
    found = await REMARKS(ITEMS, partial(consult, book.chain(ROLE)))
    return Said(ids=tuple(found.values), pack=found.record)


RUN: dict[str, Any] = {"cascade": _cascade, "vote": _vote, "hedge": _hedge, "pack": _pack}


@workflow.defn(name="test-strategist")
class Strategist:
    """Runs the strategy in the grade of the case."""

    @workflow.run
    async def run(self, asked: Asked) -> Said:
        return await strategy(asked)


class Counted(Record):
    """What a process counted, and the vote it paid for."""

    cost: CostView
    votes: VoteRecord


@workflow.defn(name="test-voting-process")
class Voting(Process):
    """A process whose models vote; its cost is that of all votes."""

    @workflow.init
    def __init__(self) -> None:
        super().__init__("voting", "test")

    @workflow.run
    async def run(self) -> Counted:
        book = await ask(RESOLVE_ROLES, RoleQuery(roles=(ROLE,)))
        models = models_of(book.chain(ROLE), PROMPT, ReferenceReading, ask=self.consult)
        found = await vote(
            "reference", models, key=lambda r: r.favourable, quorum=len(models), otherwise=give_up()
        )
        return Counted(cost=self.cost(), votes=found.record)
