"""Batches on virtual time: what is handed in, how long it is waited for, what is asked alone."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from tests.patterns.virtual import elapsed, run
from workflows.calls import ASK_MODEL, CANCEL_BATCH, COLLECT_BATCH, SUBMIT_BATCH, Call, open_door
from workflows.data.batch import (
    BatchOrder,
    BatchPage,
    BatchQuery,
    BatchReply,
    BatchTicket,
    ItemEnd,
)
from workflows.data.common import Record
from workflows.data.llm import ModelAnswer, ModelRef, ModelRequest, Prompt, RoleChain, Usage
from workflows.errors import Misuse, NotYet, call_failed
from workflows.patterns.batch import MOST_BYTES, WIND_UP, Batched, batch
from workflows.patterns.poll import Interval

HOUR = timedelta(hours=1)
DAY = 24 * HOUR
CHAIN = RoleChain(
    role="analyst",
    models=(ModelRef(vendor="one", model="m1"), ModelRef(vendor="two", model="m2")),
)


class Reading(Record):
    text: str


def prompt(text: str) -> Prompt:
    return Prompt(name="p", version=1, system="", user=text, answer="Reading")


def asked(*keys: str) -> dict[str, Prompt]:
    return {key: prompt(f"question {key}") for key in keys}


def answer(request: ModelRequest, usd: str) -> ModelAnswer:
    text = Reading(text=request.prompt.user.upper()).model_dump_json()
    return ModelAnswer(
        target=request.target, text=text, usage=Usage(), usd=Decimal(usd), simulated=True
    )


@dataclass
class Vendors:
    """Answers the Calls of batches and of models; `ends` is by key, hours by batch."""

    hours: float = 2
    ends: Mapping[str, ItemEnd] = field(default_factory=dict)
    refusing: tuple[str, ...] = ()
    deaf: bool = False
    """Cancelling changes nothing."""
    page: int = 100
    broken_alone: tuple[str, ...] = ()
    orders: dict[str, BatchOrder] = field(default_factory=dict)
    due: dict[str, float] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)
    alone: list[str] = field(default_factory=list)
    looks: int = 0

    async def door(self, call: Call[Any, Any], request: Any) -> Record:
        match call:
            case c if c is SUBMIT_BATCH:
                return self.submit(request)
            case c if c is COLLECT_BATCH:
                return self.collect(request)
            case c if c is CANCEL_BATCH:
                return self.cancel(request)
            case c if c is ASK_MODEL:
                key = request.prompt.user.removeprefix("question ")
                self.alone.append(key)
                if key in self.broken_alone:
                    raise call_failed("ask_model", ApplicationError("no", type="ModelRefused"))
                return answer(request, "0.10")
        raise AssertionError(call.name)

    def submit(self, order: BatchOrder) -> BatchTicket:
        vendor = order.questions[0].request.target.vendor
        if vendor in self.refusing:
            raise call_failed("submit_batch", ApplicationError("takes none", type="NoBatches"))
        name = f"b{len(self.orders)}"
        self.orders[name] = order
        self.due[name] = elapsed() + self.hours * 3600
        return BatchTicket(key=name, vendor=vendor, batch=name, sent=len(order.questions))

    def cancel(self, ticket: BatchTicket) -> BatchTicket:
        self.cancelled.append(ticket.batch)
        if not self.deaf:
            self.due[ticket.batch] = min(self.due[ticket.batch], elapsed())
        return ticket

    def collect(self, query: BatchQuery) -> BatchPage:
        self.looks += 1
        name = query.ticket.batch
        if elapsed() < self.due[name]:
            raise NotYet("in progress")
        questions = self.orders[name].questions
        replies = []
        for question in questions[query.after : query.after + self.page]:
            end = self.ends.get(question.key, ItemEnd.ANSWERED)
            told = BatchReply(key=question.key, end=end, why=f"it was {end}")
            if end is ItemEnd.ANSWERED:
                found = answer(question.request, "0.05")
                more = {"answer": found, "usd": found.usd, "saved": found.usd, "why": ""}
                told = told.model_copy(update=more)
            replies.append(told)
        after = query.after + self.page
        return BatchPage(replies=tuple(replies), next=after if after < len(questions) else None)


def batched(vendors: Vendors, questions: Mapping[str, Prompt], **more: Any) -> Batched[Reading]:
    given: dict[str, Any] = {"within": DAY, **more}

    async def story() -> Batched[Reading]:
        with open_door(vendors.door):
            return await batch("readings", questions, CHAIN, Reading, **given)

    return run(story())


def test_all_answers_come_with_the_batch_at_half_price() -> None:
    vendors = Vendors()
    got = batched(vendors, asked("a", "b", "c"))
    assert {k: v.text for k, v in got.values.items()} == {k: f"QUESTION {k.upper()}" for k in "abc"}
    assert (got.usd, got.saved, got.missing) == (Decimal("0.15"), Decimal("0.15"), {})
    assert (len(vendors.orders), vendors.alone, vendors.cancelled) == (1, [], [])
    assert [t.batch for t in got.tickets] == ["b0"]
    assert 10 < vendors.looks < 30, "two hours, ever more rarely"


ENDS = {
    "a": ItemEnd.FAILED,
    "b": ItemEnd.EXPIRED,
    "c": ItemEnd.UNUSABLE,
    "d": ItemEnd.ANSWERED,
}


def test_what_has_no_usable_answer_is_asked_alone() -> None:
    vendors = Vendors(ends=ENDS, broken_alone=("b",))
    got = batched(vendors, asked(*"abcd"))
    assert sorted(vendors.alone) == ["a", "b", "b", "c"], "of the whole chain"
    assert list(got.values) == ["a", "c", "d"]
    assert [got.items[k].alone for k in "abcd"] == [True, True, True, False]
    assert [got.items[k].end for k in "abcd"] == list(ENDS.values())
    assert got.missing["b"].startswith("expired: it was expired; alone: ModelUnavailable: role")
    assert got.usd == Decimal("0.25")


def test_or_given_up() -> None:
    vendors = Vendors(ends=ENDS)
    got = batched(vendors, asked(*"abcd"), otherwise="give_up")
    assert (vendors.alone, list(got.values)) == ([], ["d"])
    assert got.missing == {
        "a": "failed: it was failed",
        "b": "expired: it was expired",
        "c": "unusable: it was unusable",
    }


def test_the_next_model_of_the_chain_is_asked_where_a_vendor_takes_no_batches() -> None:
    vendors = Vendors(refusing=("one",))
    got = batched(vendors, asked("a"))
    assert vendors.orders["b0"].questions[0].request.target.vendor == "two"
    assert [(t.target.vendor, t.kind) for t in got.tried] == [("one", "NoBatches")]
    nobody = Vendors(refusing=("one", "two"))
    got = batched(nobody, asked("a", "b"))
    assert (nobody.orders, sorted(nobody.alone), list(got.values)) == ({}, ["a", "b"], ["a", "b"])
    assert [item.end for item in got.items.values()] == [ItemEnd.UNSENT] * 2
    assert batched(nobody, asked("a"), otherwise="give_up").missing == {
        "a": "unsent: m1: NoBatches: takes none; m2: NoBatches: takes none"
    }


def test_at_the_deadline_the_batch_is_cancelled_and_what_arrived_counts() -> None:
    vendors = Vendors(hours=30, ends={"b": ItemEnd.CANCELLED})
    got = batched(vendors, asked("a", "b"), within=5 * HOUR, otherwise="give_up")
    assert vendors.cancelled == ["b0"]
    assert list(got.values) == ["a"]
    assert got.missing == {"b": "cancelled: it was cancelled"}


def test_a_batch_that_does_not_end_when_cancelled_is_left() -> None:
    async def story() -> tuple[Batched[Reading], float]:
        with open_door(vendors.door):
            got = await batch("x", asked("a"), CHAIN, Reading, within=HOUR, otherwise="give_up")
            return got, elapsed()

    vendors = Vendors(hours=30, deaf=True)
    got, took = run(story())
    assert got.missing["a"].startswith("late: DeadlinePassed: collect_batch was not done within")
    assert took <= (HOUR + WIND_UP).total_seconds()


def test_cancelling_the_work_cancels_the_batch() -> None:
    vendors = Vendors()

    async def story() -> None:
        with open_door(vendors.door):
            work = batch("x", asked("a"), CHAIN, Reading, within=DAY)
            task = asyncio.ensure_future(work)
            await asyncio.sleep(60)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(story())
    assert (vendors.cancelled, vendors.alone) == (["b0"], [])


def test_many_questions_make_several_batches_read_in_pages() -> None:
    long = "x" * (MOST_BYTES // 4)
    questions = {f"q{n}": prompt(f"question {n} {long}") for n in range(8)}
    vendors = Vendors(page=2)
    got = batched(vendors, questions)
    sizes = [len(order.model_dump_json()) for order in vendors.orders.values()]
    assert [len(order.questions) for order in vendors.orders.values()] == [3, 3, 2]
    assert max(sizes) < 1.1 * MOST_BYTES
    assert list(got.values) == list(questions)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"questions": {}}, "batch 'x' asks nothing; give at least one question"),
        ({"questions": [1]}, "questions is of type list; use a dict of prompts by key"),
        ({"questions": {"a": "?"}}, "question 'a' is of type str; use Prompt"),
        ({"questions": {"a b": prompt("?")}}, "'a b' is no key: letters, digits and"),
        ({"chain": "analyst"}, "chain is of type str; resolve the role"),
        ({"within": timedelta(0)}, "batch 'x' has no time at all"),
        ({"within": 60}, "batch 'x' has no time at all: within=60"),
        ({"otherwise": "ask"}, "otherwise='ask' is not known; use 'alone' or 'give_up'"),
        ({"every": HOUR}, r"every is of type timedelta; use Interval\(first\)"),
        ({"at_once": 0}, "at_once=0 asks nothing alone; use 1 or more"),
    ],
)
def test_misuse_is_refused_before_anything_runs(change: dict[str, Any], message: str) -> None:
    given = {"questions": asked("a"), "chain": CHAIN, "within": DAY, **change}
    questions, chain = given.pop("questions"), given.pop("chain")
    vendors = Vendors()

    async def story() -> None:
        with open_door(vendors.door):
            await batch("x", questions, chain, Reading, **given)

    with pytest.raises(Misuse, match=message):
        run(story())
    assert vendors.orders == {}


def test_the_looks_are_as_often_as_told() -> None:
    vendors = Vendors(hours=1)
    batched(vendors, asked("a"), every=Interval(timedelta(minutes=20), factor=1))
    assert vendors.looks == 4
