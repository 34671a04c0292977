"""The replies of a batch: kept in the journal, priced at the batch's rate, read back in pages."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from activities.counted import paid
from activities.llm.ask import misfit
from activities.llm.batch_apis import Result
from activities.llm.dialects import PROVIDERS
from activities.llm.providers.common import MALFORMED, Parsed
from runtime.catalogue import Catalogue
from runtime.context import CallContext, call_context
from store.batches import Batch, BatchItem, Ended
from store.database import Store
from store.journal import CallEntry, Journal, StoredReply
from workflows import calls
from workflows.data.batch import BatchPage, BatchReply, ItemEnd
from workflows.data.budget import Amounts
from workflows.data.common import Record
from workflows.data.llm import ModelAnswer, ModelRef, Usage
from workflows.data.spread import MOST_BYTES

AT_ONCE = 50
"""Replies that are kept at once."""


class BatchReplies:
    """Keeps and reads the replies of batches. `answers` are the records they must fit."""

    def __init__(
        self,
        journal: Journal,
        store: Store,
        catalogue: Catalogue,
        answers: Mapping[str, type[Record]],
    ) -> None:
        self._journal, self._store = journal, store
        self._catalogue, self._answers = catalogue, answers

    async def keep(
        self, batch: Batch, results: Mapping[str, Result], why: str, *, simulated: bool
    ) -> dict[str, Ended]:
        """Keep what came; say of each question that was sent what became of it.

        `why` is the vendor's word on the batch, for questions it says nothing about.
        """
        gone = Result("", ItemEnd.MISSING, why=f"the batch is {why}")
        ends: dict[str, Ended] = {}
        waiting = batch.waiting
        for first in range(0, len(waiting), AT_ONCE):
            some = [item.key for item in waiting[first : first + AT_ONCE]]
            told = (self._end(batch, key, results.get(key, gone), simulated) for key in some)
            ends |= zip(some, await asyncio.gather(*told), strict=True)
        return ends

    async def page(self, batch: Batch, after: int) -> BatchPage:
        """Give the replies from place `after` on, as many as one page holds."""
        replies: list[BatchReply] = []
        size = 0
        for place, item in enumerate(batch.items[after:], after):
            reply = await self._reply(batch, item)
            size += len(reply.model_dump_json())
            if replies and size > MOST_BYTES:
                return BatchPage(replies=tuple(replies), next=place)
            replies.append(reply)
        return BatchPage(replies=tuple(replies))

    async def _end(self, batch: Batch, key: str, result: Result, simulated: bool) -> Ended:
        """Keep one reply; an answer that is none of the vendor's API is a failure, and not kept."""
        if result.end is not ItemEnd.ANSWERED:
            unclear = result.end is ItemEnd.MISSING
            return Ended(result.end.value, result.why, unclear=unclear)
        parsed = self._parsed(batch, result.body)
        if parsed == MALFORMED:
            return Ended(ItemEnd.FAILED.value, "answered something else", unclear=True)
        reply = await self._settled(batch, key, result.body, parsed.usage, simulated)
        tokens = reply.usage.input_tokens + reply.usage.output_tokens
        cost = Amounts(usd=reply.usd, tokens=tokens, calls=1)
        return Ended(ItemEnd.ANSWERED.value, cost=cost)

    async def _settled(
        self, batch: Batch, key: str, body: bytes, usage: Usage, simulated: bool
    ) -> StoredReply:
        """Claim and settle at once: while the vendor worked, the batch itself was the claim."""
        claim = await self._journal.claim(_entry(batch, key, call_context()))
        if isinstance(claim, StoredReply):
            return claim  # kept before a crash
        now = self._store.clock()
        stored = StoredReply(
            status=200,
            headers={},
            body=body,
            received_at=now,
            simulated=simulated,
            usage=usage,
            usd=self._usd(batch.model, usage, now, batch=True),
        )
        await asyncio.shield(self._journal.settle(claim, stored))
        paid(claim.entry, stored)
        return stored

    async def _reply(self, batch: Batch, item: BatchItem) -> BatchReply:
        end = ItemEnd(item.outcome)
        if end not in (ItemEnd.ANSWERED, ItemEnd.KNOWN):
            return BatchReply(key=item.name, end=end, why=item.why)
        stored = await self._journal.read(item.key)
        if stored is None:
            return BatchReply(key=item.name, end=ItemEnd.MISSING, why="the journal has no reply")
        parsed, known = self._parsed(batch, stored.body), end is ItemEnd.KNOWN
        alone = self._usd(batch.model, stored.usage, stored.received_at)
        told = BatchReply(
            key=item.name,
            end=end,
            usd=Decimal(0) if known else stored.usd,
            saved=Decimal(0) if known else alone - stored.usd,
        )
        if wrong := misfit(parsed, self._answers.get(item.answer)):
            return told.model_copy(update={"end": ItemEnd.UNUSABLE, "why": wrong})
        answer = ModelAnswer(
            target=ModelRef(vendor=batch.vendor, model=batch.model),
            text=parsed.text,
            usage=stored.usage,
            usd=stored.usd,
            priced=bool(self._catalogue.model(batch.model).prices),
            simulated=stored.simulated,
            reused=known,
            window=self._catalogue.window(batch.model),
        )
        return told.model_copy(update={"answer": answer})

    def _parsed(self, batch: Batch, body: bytes) -> Parsed:
        return PROVIDERS[self._catalogue.dialect(batch.vendor)].parse(body)

    def _usd(self, model: str, usage: Usage, at: datetime, *, batch: bool = False) -> Decimal:
        day = at.astimezone(UTC).date()
        return self._catalogue.usd(model, usage, day, batch=batch) or Decimal(0)


def _entry(batch: Batch, key: str, context: CallContext) -> CallEntry:
    return CallEntry(
        key=key,
        scope=batch.scope,
        branch=context.branch,
        call=calls.ASK_MODEL.name,
        worker=context.worker,
        vendor=batch.vendor,
        model=batch.model,
    )
