"""Batch: questions that can wait go to a vendor together, at half price, and come back in a day.

`batched = await batch("readings", prompts, book.chain("analyst"), Reading, within=DAY)`
Submitted once whatever is killed; the wait is one activity that the server tries again, so days
of it leave a handful of events. What came by the deadline counts, the rest is asked alone or
given up.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Generic, Literal, TypeAlias, TypeVar, get_args

from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.calls import CANCEL_BATCH, COLLECT_BATCH, SUBMIT_BATCH, ask
from workflows.data.batch import (
    BatchOrder,
    BatchQuery,
    BatchQuestion,
    BatchReply,
    BatchTicket,
    ItemEnd,
)
from workflows.data.common import Record
from workflows.data.llm import ModelAnswer, ModelRef, Prompt, RoleChain, Tried
from workflows.data.spread import ITEM_PATTERN
from workflows.errors import DeadlinePassed, Misuse, ScopeClosed, reason
from workflows.patterns.branch import Work
from workflows.patterns.checks import is_time, is_whole, must_be
from workflows.patterns.clock import shielded
from workflows.patterns.consult import DEFAULT_TERMS, Consulted, Terms, consult, passed_over
from workflows.patterns.join import join
from workflows.patterns.poll import Interval, patient
from workflows.patterns.together import gather
from workflows.patterns.until import all_settled

T = TypeVar("T", bound=Record)
Leftover: TypeAlias = Literal["alone", "give_up"]
"""What becomes of a question without a usable answer: it is asked alone, or given up."""

EVERY = Interval(timedelta(seconds=30), factor=1.5, most=timedelta(minutes=10))
"""How often a batch is looked at; most end within an hour."""
WIND_UP = timedelta(minutes=15)
"""How long a cancelled batch may take to end: vendors finish what they cannot interrupt."""
MOST_BYTES = 1024 * 1024
"""How much JSON one batch may hold: the wire takes 2 MiB. More questions make several batches."""
AT_ONCE = 8
KEY = re.compile(ITEM_PATTERN)


@dataclass(frozen=True)
class Item(Generic[T]):
    """What a question came to. `value` is None where `end` says why; `alone` if asked alone."""

    key: str
    end: ItemEnd
    value: T | None = None
    answer: ModelAnswer | None = None
    why: str = ""
    usd: Decimal = Decimal(0)
    saved: Decimal = Decimal(0)
    alone: bool = False


@dataclass(frozen=True)
class Batched(Generic[T]):
    """What a batch came to, in the order of the questions. `tried` are models that took none."""

    items: Mapping[str, Item[T]]
    tickets: tuple[BatchTicket, ...] = ()
    tried: tuple[Tried, ...] = ()

    @property
    def values(self) -> dict[str, T]:
        """The answers there are, by key."""
        return {key: i.value for key, i in self.items.items() if i.value is not None}

    @property
    def missing(self) -> dict[str, str]:
        """The questions without an answer, by key, and why."""
        return {k: f"{i.end}: {i.why}" for k, i in self.items.items() if i.value is None}

    @property
    def usd(self) -> Decimal:
        """What all replies cost, in US dollars."""
        return sum((i.usd for i in self.items.values()), Decimal(0))

    @property
    def saved(self) -> Decimal:
        """What the batch saved against asking each question alone, in US dollars."""
        return sum((i.saved for i in self.items.values()), Decimal(0))


async def batch(
    name: str,
    questions: Mapping[str, Prompt],
    chain: RoleChain,
    record: type[T],
    *,
    within: timedelta,
    otherwise: Leftover = "alone",
    terms: Terms = DEFAULT_TERMS,
    every: Interval = EVERY,
    at_once: int = AT_ONCE,
) -> Batched[T]:
    """Hand the questions, by key, to the first model of the chain whose vendor takes batches.

    After `within` the batch is cancelled and what has arrived counts. Questions without a usable
    answer are asked `alone` of the chain, `at_once` at a time, or given up: they are in `missing`.
    Replies that were received are never paid again. Cancels the batch when it is cancelled.
    """
    _check(name, questions, chain, within, every)
    _check_rest(name, otherwise, at_once)
    handed = [
        _handed(part, chain, terms, within, every) for part in _parts(questions, chain, terms)
    ]
    parts = await gather(*handed)
    replies = {reply.key: reply for part in parts for reply in part.replies}
    items = {key: _item(replies[key], record) for key in questions}
    if otherwise == "alone":
        work = {
            key: partial(consult, chain, questions[key], record, terms=terms)
            for key, item in items.items()
            if item.value is None
        }
        items |= await _alone(items, work, at_once)
    tickets = tuple(part.ticket for part in parts if part.ticket is not None)
    return Batched(items, tickets, parts[0].tried if parts else ())


@dataclass(frozen=True)
class _Part:
    """One batch at a vendor, and what came of it."""

    replies: Sequence[BatchReply]
    ticket: BatchTicket | None = None
    tried: tuple[Tried, ...] = ()


async def _handed(
    part: Mapping[str, Prompt],
    chain: RoleChain,
    terms: Terms,
    within: timedelta,
    every: Interval,
) -> _Part:
    """Submit one batch to the first vendor that takes it, and wait for its end."""
    tried: list[Tried] = []
    for target in chain.models:
        try:
            ticket = await ask(SUBMIT_BATCH, _order(part, target, terms), queue=target.queue)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            tried.append(passed_over(target, error))
        else:
            replies = await _awaited(ticket, target, list(part), within, every)
            return _Part(replies, ticket, tuple(tried))
    why = "; ".join(f"{t.target.model}: {t.why}" for t in tried)
    return _Part([BatchReply(key=k, end=ItemEnd.UNSENT, why=why) for k in part], None, tuple(tried))


async def _awaited(
    ticket: BatchTicket, target: ModelRef, keys: Sequence[str], within: timedelta, every: Interval
) -> list[BatchReply]:
    """Wait for a batch; at the deadline, or when given up, cancel it. Give what there is."""
    try:
        return await _collected(ticket, target, within, every)
    except DeadlinePassed:
        await ask(CANCEL_BATCH, ticket, queue=target.queue)
    except (Exception, asyncio.CancelledError):  # not when an evicted workflow is closed
        await shielded(_called_off(ticket, target))
        raise
    try:
        return await _collected(ticket, target, WIND_UP, replace(every, most=every.first))
    except DeadlinePassed as late:
        return [BatchReply(key=key, end=ItemEnd.LATE, why=reason(late)) for key in keys]


async def _collected(
    ticket: BatchTicket, target: ModelRef, within: timedelta, every: Interval
) -> list[BatchReply]:
    query: BatchQuery | None = BatchQuery(ticket=ticket)
    replies: list[BatchReply] = []
    while query is not None:
        page = await patient(COLLECT_BATCH, query, every=every, deadline=within, queue=target.queue)
        replies += page.replies
        query = None if page.next is None else BatchQuery(ticket=ticket, after=page.next)
    return replies


async def _called_off(ticket: BatchTicket, target: ModelRef) -> None:
    """Cancel a batch nobody waits for any more; it may be too late for that."""
    try:
        await ask(CANCEL_BATCH, ticket, queue=target.queue)
    except (ActivityError, ScopeClosed):
        return


def _parts(
    questions: Mapping[str, Prompt], chain: RoleChain, terms: Terms
) -> list[dict[str, Prompt]]:
    """Cut the questions into batches that fit the wire, in order."""
    parts: list[dict[str, Prompt]] = []
    size = 0
    for key, prompt in questions.items():
        bytes_ = len(terms.request(chain.models[0], prompt).model_dump_json().encode())
        if not parts or size + bytes_ > MOST_BYTES:
            parts.append({})
            size = 0
        parts[-1][key] = prompt
        size += bytes_
    return parts


def _order(part: Mapping[str, Prompt], target: ModelRef, terms: Terms) -> BatchOrder:
    asked = (BatchQuestion(key=k, request=terms.request(target, p)) for k, p in part.items())
    return BatchOrder(questions=tuple(asked))


def _item(reply: BatchReply, record: type[T]) -> Item[T]:
    answer = reply.answer
    value = None if answer is None else record.model_validate_json(answer.text)
    return Item(reply.key, reply.end, value, answer, reply.why, reply.usd, reply.saved)


async def _alone(
    items: Mapping[str, Item[T]], work: Mapping[str, Work[Consulted[T]]], at_once: int
) -> dict[str, Item[T]]:
    """Ask alone what the batch left open; an unusable reply is read back and repaired."""
    if not work:
        return {}
    joined = await join(work, until=all_settled(), limit=at_once)
    settled: dict[str, Item[T]] = {}
    for key in work:
        item, outcome = replace(items[key], alone=True), joined[key]
        if outcome.is_success:
            told: Consulted[T] = joined.require(key)
            settled[key] = replace(item, value=told.value, answer=told.answer, usd=told.usd)
        else:
            why = reason(outcome.error) if outcome.error else outcome.status
            settled[key] = replace(item, why=f"{item.why}; alone: {why}")
    return settled


def _check(
    name: str,
    questions: Mapping[str, Prompt],
    chain: RoleChain,
    within: timedelta,
    every: Interval,
) -> None:
    must_be(Mapping, questions, f"batch {name!r}: questions", "use a dict of prompts by key")
    if not questions:
        raise Misuse(f"batch {name!r} asks nothing; give at least one question")
    for key, prompt in questions.items():
        must_be(Prompt, prompt, f"batch {name!r}: question {key!r}", "use Prompt(...)")
        if not KEY.fullmatch(key):
            raise Misuse(
                f"batch {name!r}: {key!r} is no key: letters, digits and ._:- are, at most 80"
            )
    must_be(RoleChain, chain, f"batch {name!r}: chain", "resolve the role and give its chain")
    if not is_time(within):
        raise Misuse(f"batch {name!r} has no time at all: within={within!r}; use a timedelta")
    must_be(Interval, every, f"batch {name!r}: every", "use Interval(first)")


def _check_rest(name: str, otherwise: str, at_once: int) -> None:
    if otherwise not in get_args(Leftover):
        known = " or ".join(map(repr, get_args(Leftover)))
        raise Misuse(f"batch {name!r}: otherwise={otherwise!r} is not known; use {known}")
    if not is_whole(at_once) or at_once < 1:
        raise Misuse(f"batch {name!r}: at_once={at_once!r} asks nothing alone; use 1 or more")
