"""One question sent to one model, or read back: what leave it needs, who pays, what came of it."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date
from decimal import Decimal
from functools import partial

from temporalio.exceptions import ApplicationError

from activities.budgets import charges_of
from activities.counted import counted
from activities.failures import failure, final, pause
from activities.journalled import Answered, CallDesk, Fetched, Sending, worth_keeping
from activities.llm.checks import worst_of
from activities.llm.dialects import PROVIDERS
from activities.llm.entry import entry_of
from activities.llm.providers.common import Parsed, ReplyOutcome
from activities.llm.reading import read_reply
from activities.llm.schema import Schema, strict_schema
from activities.needs import need_of
from activities.posture import Advice
from activities.wire import HttpRequest, Reply, WireError
from runtime.catalogue import Catalogue
from runtime.context import CallContext, call_context
from runtime.settings import Endpoint, Settings, SettingsError
from store.budgets import BudgetShort, BudgetUnknown, Charge
from store.journal import CallEntry, StoredReply
from workflows.data.common import Record
from workflows.data.llm import Dialect, ModelRequest, Quirk, Usage
from workflows.data.tokens import prompt_tokens
from workflows.data.tokens import tokens as tokens_of

BEAT_EVERY = 0.5
"""Seconds between two heartbeats that tell how much of an answer has come."""

MOST_FAILURES = 6
"""A model that failed to answer a question so often is not asked it again."""

UNUSABLE = {
    ReplyOutcome.REFUSAL: "ModelRefused",
    ReplyOutcome.BLOCKED: "ModelBlocked",
    ReplyOutcome.TRUNCATED: "ModelTruncated",
    ReplyOutcome.TOOL: "ModelAnswerUnusable",
}
"""Outcomes that no repair mends, and the errors they end a call with."""


@dataclass(frozen=True)
class Told:
    """One reply as read: what it says, what it cost, and how it came."""

    key: str
    parsed: Parsed
    fetched: Fetched

    @property
    def usd(self) -> Decimal:
        """What the reply cost, in US dollars."""
        return self.fetched.reply.usd


class ModelSender:
    """Asks models for one worker."""

    def __init__(self, settings: Settings, catalogue: Catalogue, desk: CallDesk) -> None:
        self._settings, self._catalogue, self._desk = settings, catalogue, desk

    async def tell(self, request: ModelRequest, record: type[Record] | None) -> Told:
        """Get one reply, sent for or read back. Raises the named errors of `ask_model`."""
        try:
            endpoint = self._settings.endpoint(request.target.vendor)
        except SettingsError as trouble:
            raise failure("Model", trouble, self._settings.retry_pause) from trouble
        entry, sending = self._sending(request, record, endpoint)
        try:
            fetched = await counted(entry, self._desk.fetch(entry, sending))
        except (Answered, WireError, BudgetShort, BudgetUnknown) as trouble:
            raise await self._failure(trouble, entry.key, patient=request.patient) from trouble
        key = entry.key
        parsed = self._parse(request, fetched.reply.body)
        if parsed.outcome in UNUSABLE:
            await self._desk.journal.unshare(key)
            said = f"{request.target.model}: {parsed.outcome} ({parsed.finish})"
            raise final(UNUSABLE[parsed.outcome], said, usd=str(fetched.reply.usd))
        return Told(key, parsed, fetched)

    async def unfit(self, told: Told) -> None:
        """Keep a reply that does not fit from other cases."""
        await self._desk.journal.unshare(told.key)

    async def _failure(self, trouble: Exception, key: str, *, patient: bool) -> ApplicationError:
        """Name what went wrong; once the vendor failed often enough, no attempt follows.

        Attempts that died with their worker do not count: they say nothing about the vendor.
        """
        failures = await self._desk.journal.failures(key)
        wait = pause(max(failures, 1), self._settings.retry_pause)
        error = failure("Model", trouble, wait, patient=patient)
        if error.non_retryable or failures < MOST_FAILURES:
            return error
        return final(error.type or "ModelUnavailable", f"{error.message} ({failures} times)")

    def _sending(
        self, request: ModelRequest, record: type[Record] | None, endpoint: Endpoint
    ) -> tuple[CallEntry, Sending]:
        context = call_context()
        schema = None if record is None else strict_schema(record)
        http = self._build(request, schema, endpoint)
        entry = entry_of(request, context, http)
        if endpoint.simulated:
            sample = {"x-braid-sample": str(request.sample)}
            http = replace(http, headers=dict(http.headers) | sample)
        tokens = prompt_tokens(request.prompt, json.dumps(schema) if schema else "")
        most = tokens + request.max_output_tokens
        self._check_window(request, most)
        sending = Sending(
            service=request.target.vendor,
            endpoint=endpoint,
            request=http,
            judge=lambda reply: self._judged(request, reply),
            stored=lambda reply: self._stored(request, reply, simulated=endpoint.simulated),
            need=need_of(context, request.target.vendor, request.target.model, most),
            charges=self._charges(request, context, tokens),
            on_chunk=_beating(context),
            background=Quirk.BACKGROUND in endpoint.quirks,
        )
        return entry, sending

    def _build(
        self, request: ModelRequest, schema: Schema | None, endpoint: Endpoint
    ) -> HttpRequest:
        provider = PROVIDERS[self._catalogue.dialect(request.target.vendor)]
        return provider.build(self._catalogue.as_sent(request), schema, endpoint)

    def _check_window(self, request: ModelRequest, most: int) -> None:
        """Refuse what may not fit where the server might cut it without a word.

        The large vendors say so themselves; servers that speak chat like them often cut.
        """
        target = request.target
        window = self._catalogue.window(target.model)
        cuts = self._catalogue.dialect(target.vendor) is Dialect.OPENAI_CHAT
        if cuts and 0 < window < most:
            raise final(
                "ContextTooLarge",
                f"{target.model} holds {window} tokens, question and answer may take {most}, and"
                " its server may cut silently: nothing was sent; shorten the question"
                " (docs/patterns/context.md) or ask a role with a larger window",
            )

    def _charges(
        self, request: ModelRequest, context: CallContext, tokens: int
    ) -> tuple[Charge, ...]:
        """Say who pays, and how much at most. An unknown price cannot be paid from a budget."""
        worst = partial(worst_of, self._catalogue, request, tokens, self.today())
        return charges_of(context, request.budget, worst)

    def _judged(self, request: ModelRequest, reply: Reply) -> Advice:
        vendor = request.target.vendor
        dialect = self._catalogue.dialect(vendor)
        return read_reply(dialect, vendor, reply, self._desk.clock()).advice

    def _stored(self, request: ModelRequest, reply: Reply, *, simulated: bool) -> StoredReply:
        usage = self._parse(request, reply.body).usage
        usd = self._catalogue.usd(request.target.model, usage, self.today())
        return StoredReply(
            status=reply.status,
            headers=worth_keeping(reply.headers),
            body=reply.body,
            received_at=self._desk.clock(),
            simulated=simulated,
            usage=usage,
            usd=usd or Decimal(0),
        )

    def _parse(self, request: ModelRequest, body: bytes) -> Parsed:
        """Read a body. What an answer used and does not tell is estimated, not taken for free:
        some servers never tell it, and a stream can end before the chunk that does.
        """
        parsed = PROVIDERS[self._catalogue.dialect(request.target.vendor)].parse(body)
        if not parsed.text or parsed.usage != Usage():
            return parsed
        asked, said = prompt_tokens(request.prompt), tokens_of(parsed.text)
        return replace(parsed, usage=Usage(input_tokens=asked, output_tokens=said))

    def today(self) -> date:
        """Give the day whose prices hold."""
        return self._desk.clock().astimezone(UTC).date()


def _beating(context: CallContext) -> Callable[[int], None] | None:
    """Tell Temporal how much has come, now and then; not from inside a fused step."""
    if (beat := context.beat) is None:
        return None
    loop = asyncio.get_running_loop()
    last = loop.time()

    def heard(size: int) -> None:
        nonlocal last
        if loop.time() - last >= BEAT_EVERY:
            last = loop.time()
            beat({"received_bytes": size})

    return heard
