"""Batches: submitted once whatever is killed, waited for, their replies kept in the journal.

Each reply is kept as if its question had been asked alone, under the same key: whoever asks it
again, after a reset, a retry or a crash, reads it back.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from functools import partial
from hashlib import sha256
from typing import Any

from temporalio.exceptions import ApplicationError

from activities.budgets import charges_of
from activities.doors import Answer
from activities.failures import failure, final, pause
from activities.journalled import Answered
from activities.llm.batch_apis import BATCH_APIS, Line, Result
from activities.llm.batch_desk import BatchDesk
from activities.llm.batch_replies import BatchReplies
from activities.llm.checks import record_of, worst_of
from activities.llm.dialects import PROVIDERS
from activities.llm.entry import entry_of
from activities.llm.schema import strict_schema
from activities.posture import Posture
from activities.wire import Wire, WireError
from runtime.context import call_context
from runtime.settings import Settings, SettingsError
from store.batches import WAITING, Batch, Batches, BatchItem, BatchState, new_batch
from store.budgets import BudgetShort, BudgetUnknown, Charge
from store.database import Store
from store.flights import Flights
from store.journal import Journal, canonical
from workflows import calls
from workflows.calls import Call
from workflows.data.batch import (
    BatchOrder,
    BatchPage,
    BatchQuery,
    BatchQuestion,
    BatchTicket,
    ItemEnd,
)
from workflows.data.budget import Amounts
from workflows.data.common import Record
from workflows.data.llm import ModelRequest
from workflows.data.tokens import prompt_tokens
from workflows.errors import NotYet


class BatchActivities:
    """The doors to batches. `answers` are the records a prompt may name for its reply."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        wire: Wire,
        answers: Mapping[str, type[Record]],
    ) -> None:
        self._settings, self._store, self._wire = settings, store, wire
        self._catalogue, self._answers = settings.models, answers
        self._journal, self._batches = Journal(store), Batches(store)
        self._replies = BatchReplies(self._journal, store, settings.models, answers)
        self._flights = Flights()

    async def submit_batch(self, order: BatchOrder) -> BatchTicket:
        """Submit a batch once; whoever submits the same again gets the same ticket.

        Questions the journal knows are not sent. Never retried: NoBatches, UnknownModel,
        UnknownAnswer, BudgetSpent, BudgetUnknown, PriceUnknown, ModelRequestRefused,
        ModelQuotaSpent, ModelBusy, NotConfigured.
        """
        target, scope = order.questions[0].request.target, call_context().scope
        desk = self._desk(target.vendor)
        lines = [self._line(question, desk) for question in order.questions]
        key = sha256(canonical([scope, "batch", [x.key for x in lines]]).encode()).hexdigest()
        async with self._flights.alone(key):
            items = await self._items(order, lines)
            wanted = new_batch(key, scope, target, items, self._store.clock())
            charges = self._charges(order, wanted)
            try:
                batch, new = await self._batches.claim(wanted, charges)
            except (BudgetShort, BudgetUnknown) as short:
                raise self._failure(short) from short
            if batch.state is BatchState.CLAIMED:
                batch = await self._sent(desk, batch, lines, new)
        sent = sum(item.outcome != ItemEnd.KNOWN for item in batch.items)
        return BatchTicket(key=key, vendor=batch.vendor, batch=batch.remote, sent=sent)

    async def collect_batch(self, query: BatchQuery) -> BatchPage:
        """Give a batch's replies, page by page. Raises NotYet while the vendor works on it.

        Never retried: UnknownBatch, ModelRequestRefused, ModelQuotaSpent, NotConfigured.
        """
        batch = await self._known(query.ticket)
        if batch.state is not BatchState.ENDED:
            try:
                await self._end(self._desk(batch.vendor), batch)
            except (Answered, WireError) as trouble:
                raise self._failure(trouble) from trouble
            batch = await self._known(query.ticket)
        return await self._replies.page(batch, query.after)

    async def cancel_batch(self, ticket: BatchTicket) -> BatchTicket:
        """Cancel what is left of a batch; one that is over stays as it is."""
        batch = await self._known(ticket)
        if batch.state is BatchState.SENT:
            try:
                await self._desk(batch.vendor).cancel(batch.remote)
            except (Answered, WireError) as trouble:
                raise self._failure(trouble) from trouble
        return ticket

    def _line(self, question: BatchQuestion, desk: BatchDesk) -> Line:
        """Write a question as if it were asked alone."""
        request = question.request
        record = record_of(self._catalogue, self._answers, request)
        provider = PROVIDERS[self._catalogue.dialect(desk.vendor)]
        asked = self._catalogue.as_sent(request)
        http = provider.build(asked, strict_schema(record) if record else None, desk.endpoint)
        entry = entry_of(request, call_context(), http)
        return Line(entry.key, http, entry.origins)

    def _charges(self, order: BatchOrder, batch: Batch) -> dict[str, tuple[Charge, ...]]:
        """Say who pays for what is sent, and how much at most, at the batch's rate."""
        asked = zip(order.questions, batch.items, strict=True)
        return {
            item.key: charges_of(call_context(), q.request.budget, partial(self._worst, q.request))
            for q, item in asked
            if item.outcome == WAITING
        }

    def _worst(self, request: ModelRequest) -> Amounts:
        record = self._answers.get(request.prompt.answer)
        schema = json.dumps(strict_schema(record)) if record else ""
        tokens = prompt_tokens(request.prompt, schema)
        day = self._store.clock().astimezone(UTC).date()
        worst = worst_of(self._catalogue, request, tokens, day)
        off = self._catalogue.vendors[request.target.vendor].batch_discount
        return worst.model_copy(update={"usd": worst.usd * (1 - off)})

    async def _items(self, order: BatchOrder, lines: Sequence[Line]) -> list[BatchItem]:
        """List the questions; what the journal knows, or stands here twice, is not sent."""
        items: list[BatchItem] = []
        sent: set[str] = set()
        for question, line in zip(order.questions, lines, strict=True):
            answer, found = question.request.prompt.answer, await self._known_as(line)
            known = bool(found) or line.key in sent
            sent.add(line.key)
            outcome = ItemEnd.KNOWN.value if known else WAITING
            items.append(BatchItem(question.key, found or line.key, answer, outcome))
        return items

    async def _known_as(self, line: Line) -> str:
        """Give the key of a reply of this case, or of a scope it may read; empty if none is."""
        for key in (line.key, *line.origins):
            if await self._journal.read(key) is not None:
                return key
        return ""

    async def _sent(self, desk: BatchDesk, batch: Batch, lines: Sequence[Line], new: bool) -> Batch:
        """Send a claimed batch, unless it turns out that an attempt before this one did."""
        by_key = {line.key: line for line in lines}
        try:
            if not new and (found := await self._found(desk, batch)):
                return replace(batch, remote=found)
            remote = await desk.hand_in(batch.key, [by_key[x.key] for x in batch.waiting])
        except (Answered, WireError) as trouble:
            if isinstance(trouble, Answered) and trouble.advice.posture in (
                Posture.FINAL,
                Posture.NEVER,
            ):
                await self._batches.release(batch.key)
            raise self._failure(trouble) from trouble
        await self._batches.keep(batch.key, remote)
        return replace(batch, remote=remote)

    async def _found(self, desk: BatchDesk, batch: Batch) -> str:
        """Look for a batch that may have been sent; empty if it was not.

        Where batches carry no mark of ours, one of the right size and time that is nobody's here
        is taken for it; its results tell whether it was.
        """
        total = len(batch.waiting)
        for remote in await desk.candidates(batch.key, total, batch.claimed_at):
            if await self._batches.keep(batch.key, remote):
                return remote
        return ""

    async def _end(self, desk: BatchDesk, batch: Batch) -> None:
        """Keep what an ended batch brought. Raises NotYet if it goes on."""
        remote = batch.remote or await self._found(desk, batch)
        results: Mapping[str, Result] = {}
        why = "nowhere to be found"
        if remote:
            standing = await desk.standing(remote)
            if not standing.ended:
                raise NotYet(f"{batch.vendor}: {standing.told}")
            results, why = await desk.results(standing), standing.why
            await self._check_ours(batch, results)
        simulated = desk.endpoint.simulated
        ends = await self._replies.keep(batch, results, why, simulated=simulated)
        await self._batches.end(batch.key, ends)

    async def _check_ours(self, batch: Batch, results: Mapping[str, Result]) -> None:
        """Give a batch that was taken for this one to the one it is; then look again."""
        if not results or results.keys() & {item.key for item in batch.items}:
            return
        if owner := await self._batches.owner(batch.vendor, list(results)[:100]):
            await self._batches.swap(batch.key, owner)
            raise NotYet(f"{batch.vendor}: two batches were taken for each other")

    async def _known(self, ticket: BatchTicket) -> Batch:
        if (batch := await self._batches.read(ticket.key)) is None:
            told = f"batch {ticket.batch or ticket.key[:12]} is not in this worker's store"
            raise final("UnknownBatch", f"{told}; let all workers share one store")
        return batch

    def _desk(self, vendor: str) -> BatchDesk:
        known = self._catalogue.vendors.get(vendor)
        api = BATCH_APIS.get(known.dialect) if known and known.batch_discount else None
        if api is None:
            raise final("NoBatches", f"{vendor} takes no batches; name a model of another vendor")
        try:
            endpoint = self._settings.endpoint(vendor)
        except SettingsError as missing:
            raise self._failure(missing) from missing
        return BatchDesk(api, vendor, endpoint, self._wire, self._store.clock)

    def _failure(self, trouble: Exception) -> ApplicationError:
        wait = pause(call_context().attempt, self._settings.retry_pause)
        return failure("Model", trouble, wait)


def batch_doors(
    settings: Settings, store: Store, wire: Wire, answers: Mapping[str, type[Record]]
) -> dict[Call[Any, Any], Answer[Any, Any]]:
    """Pair the Calls of batches with what answers them."""
    batches = BatchActivities(settings, store, wire, answers)
    return {
        calls.SUBMIT_BATCH: batches.submit_batch,
        calls.COLLECT_BATCH: batches.collect_batch,
        calls.CANCEL_BATCH: batches.cancel_batch,
    }
