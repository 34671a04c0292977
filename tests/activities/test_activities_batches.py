"""Batches over HTTP: sent once, found again, kept under the keys of single calls, at half price."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from temporalio.exceptions import ApplicationError

from activities.journalled import CallDesk
from activities.llm.ask import ModelActivities
from activities.llm.batches import BatchActivities
from activities.wire import Wire
from runtime.settings import Settings
from simulator.config import Fault, FaultKind, SimulatorConfig
from simulator.server import running
from store.budgets import Budgets
from store.database import Store
from store.journal import Journal
from tests.activities.running import SCOPE, fails, run
from tests.support.control import Control
from workflows import calls
from workflows.data.batch import (
    BatchOrder,
    BatchPage,
    BatchQuery,
    BatchQuestion,
    BatchTicket,
    ItemEnd,
)
from workflows.data.budget import BudgetOrder
from workflows.data.llm import ModelAnswer, ModelRef, ModelRequest, Prompt
from workflows.data.readings import ReferenceReading
from workflows.errors import NOT_YET

pytestmark = pytest.mark.server

VENDORS = {"openai": "gpt-6.1-terra", "anthropic": "claude-sonnet-5-5"}
each_vendor = pytest.mark.parametrize("vendor", VENDORS)
LOOKS = 300
"""Looks at a batch that lasts milliseconds before a test gives up."""


def question(vendor: str, number: int) -> ModelRequest:
    documents = {
        "referee": {"party_id": f"ref-{number}", "kind": "trade"},
        "reply": f"We have traded for {number + 2} years. They pay promptly, within terms.",
    }
    prompt = Prompt(
        name="reference",
        version=1,
        system="Read the reference.",
        user=f"What does it say?\n<documents>\n{json.dumps(documents)}\n</documents>",
        answer="ReferenceReading",
    )
    model = VENDORS.get(vendor, "gemini-3.8-flash")
    return ModelRequest(target=ModelRef(vendor=vendor, model=model), prompt=prompt)


def order(vendor: str, *numbers: int) -> BatchOrder:
    asked = (BatchQuestion(key=f"q-{n}", request=question(vendor, n)) for n in numbers)
    return BatchOrder(questions=tuple(asked))


@dataclass
class Desk(Control):
    """The doors to models, and the simulator behind its control address."""

    control: httpx.AsyncClient
    journal: Journal
    models: ModelActivities
    batches: BatchActivities

    async def counted(self, vendor: str) -> tuple[int, int, int]:
        """Give the batches taken, requests batched and single calls billed so far."""
        book = await self.book()
        batches, batched, billed = (
            book[name].get(vendor, 0) for name in ("batches", "batched", "billed")
        )
        return batches, batched, billed

    async def submit(self, asked: BatchOrder) -> BatchTicket:
        return await run(calls.SUBMIT_BATCH, self.batches.submit_batch, asked)

    async def collect(self, ticket: BatchTicket) -> BatchPage:
        """Look until the batch is over."""
        for _ in range(LOOKS):
            try:
                query = BatchQuery(ticket=ticket)
                return await run(calls.COLLECT_BATCH, self.batches.collect_batch, query)
            except ApplicationError as error:
                if error.type != NOT_YET:
                    raise
        raise AssertionError(f"not over after {LOOKS} looks")

    async def ask(self, request: ModelRequest) -> ModelAnswer:
        return await run(calls.ASK_MODEL, self.models.ask_model, request)


def desk_at(
    url: str, data: Path, store: Store, wire: Wire, client: httpx.AsyncClient, door: CallDesk
) -> Desk:
    settings = Settings(data=data, simulator=url, source_timeout=30, model_timeout=30)
    answers: dict[str, Any] = {"ReferenceReading": ReferenceReading}
    models = ModelActivities(settings, settings.models, door, answers)
    return Desk(client, Journal(store), models, BatchActivities(settings, store, wire, answers))


@pytest.fixture
async def desk(
    tmp_path: Path, store: Store, wire: Wire, desk_of_calls: CallDesk
) -> AsyncIterator[Desk]:
    config = SimulatorConfig(seed=7, speed=100_000, error_rate=0)
    async with running(config) as url, httpx.AsyncClient(base_url=url) as client:
        yield desk_at(url, tmp_path, store, wire, client, desk_of_calls)


@each_vendor
async def test_a_batch_answers_all_at_half_price_under_the_keys_of_single_calls(
    vendor: str, desk: Desk
) -> None:
    ticket = await desk.submit(order(vendor, 1, 2, 3))
    page = await desk.collect(ticket)
    assert (ticket.sent, page.next) == (3, None)
    assert [(r.key, r.end) for r in page.replies] == [
        (f"q-{n}", ItemEnd.ANSWERED) for n in (1, 2, 3)
    ]
    assert await desk.counted(vendor) == (1, 3, 0)

    answer = page.replies[0].answer
    assert answer is not None
    assert ReferenceReading.model_validate_json(answer.text).favourable
    again = await desk.ask(question(vendor, 1))
    assert again.reused, "the journal knows it"
    assert (again.text, again.usage, again.usd) == (answer.text, answer.usage, answer.usd)
    alone = await desk.ask(question(vendor, 4))
    assert await desk.counted(vendor) == (1, 3, 1)
    assert page.replies[0].saved == answer.usd
    per_token = alone.usd / (alone.usage.input_tokens + 5 * alone.usage.output_tokens)
    tokens = answer.usage.input_tokens + 5 * answer.usage.output_tokens
    assert answer.usd == pytest.approx(per_token * tokens / 2)
    assert await desk.journal.uncertain(SCOPE) == []


@each_vendor
async def test_what_is_submitted_again_is_not_sent_again(vendor: str, desk: Desk) -> None:
    asked = order(vendor, 1, 2)
    tickets = [await desk.submit(asked), await desk.submit(asked)]
    first = await desk.collect(tickets[0])
    tickets.append(await desk.submit(asked))
    assert len({ticket.batch for ticket in tickets}) == 1
    assert await desk.collect(tickets[2]) == first
    assert await desk.counted(vendor) == (1, 2, 0)


@each_vendor
async def test_what_the_journal_knows_is_not_sent(vendor: str, desk: Desk) -> None:
    known = await desk.ask(question(vendor, 2))
    ticket = await desk.submit(order(vendor, 1, 2))
    page = await desk.collect(ticket)
    assert ticket.sent == 1
    assert [r.end for r in page.replies] == [ItemEnd.ANSWERED, ItemEnd.KNOWN]
    answer = page.replies[1].answer
    assert answer is not None
    assert (answer.text, answer.reused, page.replies[1].usd) == (known.text, True, Decimal(0))
    assert await desk.counted(vendor) == (1, 1, 1)
    nothing = await desk.submit(order(vendor, 2))
    assert (nothing.sent, nothing.batch) == (0, "")
    assert [r.end for r in (await desk.collect(nothing)).replies] == [ItemEnd.KNOWN]


async def test_a_question_that_stands_twice_in_a_batch_is_sent_once(desk: Desk) -> None:
    twice = BatchQuestion(key="again", request=question("openai", 1))
    asked = BatchOrder(questions=(*order("openai", 1, 2).questions, twice))
    ticket = await desk.submit(asked)
    page = await desk.collect(ticket)
    assert (ticket.sent, [r.end for r in page.replies]) == (
        2,
        [ItemEnd.ANSWERED, ItemEnd.ANSWERED, ItemEnd.KNOWN],
    )
    first, _, again = (r.answer for r in page.replies)
    assert first is not None
    assert again == first.model_copy(update={"reused": True})
    assert await desk.counted("openai") == (1, 2, 0)


def paid(asked: BatchOrder) -> BatchOrder:
    """Have the questions paid from the budget `screening`."""
    questions = (
        q.model_copy(update={"request": q.request.model_copy(update={"budget": "screening"})})
        for q in asked.questions
    )
    return BatchOrder(questions=tuple(questions))


async def test_a_budget_holds_what_a_batch_may_cost_and_pays_what_it_did(
    desk: Desk, store: Store
) -> None:
    budgets = Budgets(store)
    await desk.faults(Fault(service="openai", kind=FaultKind.EXPIRED, path="batch-item", times=1))
    asked = paid(order("openai", 1, 2, 3))
    error = await fails(calls.SUBMIT_BATCH, desk.batches.submit_batch, asked)
    assert (error.type, error.non_retryable) == ("BudgetUnknown", True)

    await budgets.open(SCOPE, BudgetOrder(name="screening", calls=3, usd=Decimal("0.001")))
    error = await fails(calls.SUBMIT_BATCH, desk.batches.submit_batch, asked)
    assert (error.type, error.details[0]["budget"]) == ("BudgetSpent", "screening")
    assert await desk.counted("openai") == (0, 0, 0)

    await budgets.open(SCOPE, BudgetOrder(name="screening", calls=3, usd=Decimal("0.1")))
    ticket = await desk.submit(asked)
    view = await budgets.view(SCOPE, "screening")
    assert view is not None
    assert (view.held.calls, view.spent.calls) == (3, 0)
    assert view.held.usd > Decimal("0.01"), "at most so much, at half price"
    page = await desk.collect(ticket)
    view = await budgets.view(SCOPE, "screening")
    assert view is not None
    assert (view.held.calls, view.spent.calls, view.unclear.calls) == (0, 2, 0)
    assert view.spent.usd == sum(reply.usd for reply in page.replies)


@each_vendor
async def test_a_batch_whose_confirmation_was_lost_is_found_and_not_sent_again(
    vendor: str, desk: Desk
) -> None:
    asked = order(vendor, 1, 2)
    await desk.faults(Fault(service=vendor, kind=FaultKind.DROP, path="batches", times=1))
    lost = await fails(calls.SUBMIT_BATCH, desk.batches.submit_batch, asked)
    assert (lost.type, lost.non_retryable) == ("ModelUnavailable", False)
    ticket = await desk.submit(asked)
    assert {r.end for r in (await desk.collect(ticket)).replies} == {ItemEnd.ANSWERED}
    assert await desk.counted(vendor) == (1, 2, 0)


async def test_batches_taken_for_each_other_are_put_right(desk: Desk) -> None:
    """Anthropic's carry no mark: two of one size, both lost, may be found in the wrong order."""
    one, other = order("anthropic", 1, 2), order("anthropic", 3, 4)
    await desk.faults(Fault(service="anthropic", kind=FaultKind.DROP, path="batches", times=2))
    for lost in (one, other):
        await fails(calls.SUBMIT_BATCH, desk.batches.submit_batch, lost)
    tickets = [await desk.submit(other), await desk.submit(one)]
    for ticket, keys in zip(tickets, (["q-3", "q-4"], ["q-1", "q-2"]), strict=True):
        page = await desk.collect(ticket)
        assert [(r.key, r.end) for r in page.replies] == [(k, ItemEnd.ANSWERED) for k in keys]
    assert await desk.counted("anthropic") == (2, 4, 0)


@each_vendor
async def test_items_that_fail_are_named_and_the_rest_is_kept(vendor: str, desk: Desk) -> None:
    kinds = (FaultKind.ERROR, FaultKind.EXPIRED, FaultKind.REFUSAL)
    await desk.faults(*(Fault(service=vendor, kind=k, path="batch-item", times=1) for k in kinds))
    page = await desk.collect(await desk.submit(order(vendor, 1, 2, 3, 4)))
    assert [r.end for r in page.replies] == [
        ItemEnd.FAILED,
        ItemEnd.EXPIRED,
        ItemEnd.UNUSABLE,
        ItemEnd.ANSWERED,
    ]
    assert all(r.why for r in page.replies[:3])
    assert [r.usd > 0 for r in page.replies] == [False, False, True, True]
    assert not (await desk.ask(question(vendor, 1))).reused, "it can be asked alone"


@each_vendor
async def test_a_batch_that_takes_its_time_says_not_yet_and_can_be_cancelled(
    vendor: str, tmp_path: Path, store: Store, wire: Wire, desk_of_calls: CallDesk
) -> None:
    config = SimulatorConfig(seed=7, speed=1, error_rate=0)
    async with running(config) as url, httpx.AsyncClient(base_url=url) as client:
        desk = desk_at(url, tmp_path, store, wire, client, desk_of_calls)
        await _cancelled(vendor, desk)


async def _cancelled(vendor: str, desk: Desk) -> None:
    ticket = await desk.submit(order(vendor, 1, 2))
    query = BatchQuery(ticket=ticket)
    error = await fails(calls.COLLECT_BATCH, desk.batches.collect_batch, query)
    assert (error.type, error.message) == (NOT_YET, f"{vendor}: in_progress, 0 of 2 done")
    for _ in range(2):  # cancelling what is over is as good
        await run(calls.CANCEL_BATCH, desk.batches.cancel_batch, ticket)
    page = await run(calls.COLLECT_BATCH, desk.batches.collect_batch, query)
    assert {r.end for r in page.replies} == {ItemEnd.CANCELLED}
    assert await desk.counted(vendor) == (1, 0, 0)


async def test_what_a_vendor_refuses_is_not_taken_for_sent(desk: Desk) -> None:
    asked = order("anthropic", 1)
    await desk.faults(Fault(service="anthropic", kind=FaultKind.QUOTA, times=1))
    error = await fails(calls.SUBMIT_BATCH, desk.batches.submit_batch, asked)
    assert (error.type, error.non_retryable) == ("ModelQuotaSpent", True)
    ticket = await desk.submit(asked)
    assert [r.end for r in (await desk.collect(ticket)).replies] == [ItemEnd.ANSWERED]


async def test_what_cannot_be_batched_is_refused_for_good(desk: Desk) -> None:
    error = await fails(calls.SUBMIT_BATCH, desk.batches.submit_batch, order("gemini", 1))
    assert (error.type, error.non_retryable) == ("NoBatches", True)
    gone = BatchTicket(key="x", vendor="openai", batch="batch_1", sent=1)
    error = await fails(calls.COLLECT_BATCH, desk.batches.collect_batch, BatchQuery(ticket=gone))
    assert (error.type, error.message) == (
        "UnknownBatch",
        "batch batch_1 is not in this worker's store; let all workers share one store",
    )
