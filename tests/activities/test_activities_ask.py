"""Asking a model: journal, wire, one repair, and named failures."""

import asyncio
import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from activities.journalled import CallDesk
from activities.llm.ask import ModelActivities
from activities.llm.sending import UNUSABLE
from runtime.catalogue import load, read
from runtime.settings import ROOT, Settings
from store.database import Store
from store.estimates import EstimateRow, Estimates, Snapshot
from store.journal import ClaimState, Journal
from tests.activities.outside import Canned, Outside, said
from tests.activities.running import SCOPE, fails, run
from workflows import calls
from workflows.data.llm import ModelRef, ModelRequest, Prompt, RoleQuery, Vendor
from workflows.data.readings import ReferenceReading

FITTING = {"conclusive": True, "favourable": True, "days_beyond_terms": None, "confidence": 0.9}


def openai(text: str, status: str = "completed", **more: object) -> Canned:
    message = {"type": "message", "content": [{"type": "output_text", "text": text}]}
    usage = {"input_tokens": 1000, "output_tokens": 100}
    reply = {"object": "response", "status": status, "output": [message], "usage": usage}
    return said(reply | more)


FINE = openai(json.dumps(FITTING))
UNFIT = openai('{"conclusive": "perhaps"}')
COST = Decimal("0.0015")
"""1,000 tokens in at $1 and 100 out at $5 a million."""


def question(vendor: Vendor = Vendor.OPENAI, sample: int = 0) -> ModelRequest:
    model = {"openai": "gpt-6.1-terra", "anthropic": "claude-sonnet-5-5"}[vendor]
    prompt = Prompt(
        name="reference", version=1, system="Read.", user="It pays.", answer="ReferenceReading"
    )
    return ModelRequest(target=ModelRef(vendor=vendor, model=model), prompt=prompt, sample=sample)


@dataclass
class Desk:
    models: ModelActivities
    journal: Journal
    world: Outside


@pytest.fixture
async def desk(world: Outside, settings: Settings, store: Store, desk_of_calls: CallDesk) -> Desk:
    return Desk(models(settings, desk_of_calls), Journal(store), world)


def models(settings: Settings, calls: CallDesk) -> ModelActivities:
    answers = {"ReferenceReading": ReferenceReading}
    return ModelActivities(settings, load(ROOT / "llm.toml"), calls, answers)


async def test_an_answer_is_validated_priced_and_marked(desk: Desk) -> None:
    desk.world.will(FINE)
    answer = await run(calls.ASK_MODEL, desk.models.ask_model, question())
    assert ReferenceReading.model_validate_json(answer.text).favourable
    assert (answer.usd, answer.simulated, answer.reused) == (COST, True, False)
    assert answer.usage.input_tokens == 1000
    rows = await desk.journal.calls(SCOPE)
    assert [(r.state, r.usd, r.vendor) for r in rows] == [(ClaimState.SETTLED, COST, "openai")]


async def test_an_answer_that_tells_no_tokens_is_not_free(desk: Desk) -> None:
    desk.world.will(openai(json.dumps(FITTING), usage=None))
    answer = await run(calls.ASK_MODEL, desk.models.ask_model, question())
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0
    assert answer.usd > 0
    assert [row.usd for row in await desk.journal.calls(SCOPE)] == [answer.usd]


async def test_a_retry_reads_back_what_was_paid(desk: Desk) -> None:
    desk.world.will(FINE)
    await run(calls.ASK_MODEL, desk.models.ask_model, question())
    again = await run(calls.ASK_MODEL, desk.models.ask_model, question(), attempt=2)
    assert (again.reused, again.usd) == (True, COST)
    assert len(desk.world.seen) == 1
    assert await desk.journal.repeated_paid(SCOPE) == 0


async def test_the_same_question_asked_twice_at_once_is_paid_once(desk: Desk) -> None:
    desk.world.will(FINE)
    asking = (run(calls.ASK_MODEL, desk.models.ask_model, question()) for _ in range(3))
    answers = await asyncio.gather(*asking)
    assert sorted(answer.reused for answer in answers) == [False, True, True]
    assert len(desk.world.seen) == 1


async def test_another_sample_is_another_question(desk: Desk) -> None:
    desk.world.will(FINE, FINE)
    for sample in (0, 1):
        await run(calls.ASK_MODEL, desk.models.ask_model, question(sample=sample))
    assert [seen.headers["x-braid-sample"] for seen in desk.world.seen] == ["0", "1"]
    assert desk.world.seen[0].body == desk.world.seen[1].body


async def test_an_unfit_answer_is_repaired_once(desk: Desk) -> None:
    desk.world.will(UNFIT, FINE)
    answer = await run(calls.ASK_MODEL, desk.models.ask_model, question())
    assert (answer.usd, answer.usage.output_tokens) == (2 * COST, 200)
    second = desk.world.seen[1]
    assert second.headers["x-braid-sample"] == "1000"
    asked = second.json()["input"]
    assert isinstance(asked, str)
    assert asked.startswith("It pays.")
    assert "could not be used" in asked


async def test_a_repair_is_read_back_too(desk: Desk) -> None:
    desk.world.will(UNFIT, FINE)
    await run(calls.ASK_MODEL, desk.models.ask_model, question())
    again = await run(calls.ASK_MODEL, desk.models.ask_model, question(), attempt=2)
    assert (again.reused, len(desk.world.seen)) == (True, 2)


async def test_an_answer_unfit_twice_is_final(desk: Desk) -> None:
    desk.world.will(UNFIT, UNFIT)
    error = await fails(calls.ASK_MODEL, desk.models.ask_model, question())
    assert (error.type, error.non_retryable) == ("ModelAnswerUnusable", True)
    assert error.details[0]["usd"] == str(2 * COST)
    assert "conclusive" in error.message


def test_the_page_lists_every_way_a_question_ends() -> None:
    told = (ROOT / "docs/replies.md").read_text(encoding="utf-8")
    table = told.split("## What a process sees")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    listed = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    said = re.findall(r"\b[A-Z][a-z]+[A-Z]\w+", ModelActivities.ask_model.__doc__ or "")
    assert listed == set(said)
    assert listed >= set(UNUSABLE.values())


NAMED = [
    (
        openai("a", "incomplete", incomplete_details={"reason": "max_output_tokens"}),
        "ModelTruncated",
    ),
    (openai("a", "incomplete", incomplete_details={"reason": "content_filter"}), "ModelBlocked"),
    (
        openai("", output=[{"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}]),
        "ModelRefused",
    ),
    (openai("", output=[{"type": "function_call"}]), "ModelAnswerUnusable"),
]


@pytest.mark.parametrize(("canned", "name"), NAMED, ids=[n for _, n in NAMED])
async def test_outcomes_that_end_the_call(canned: Canned, name: str, desk: Desk) -> None:
    desk.world.will(canned)
    error = await fails(calls.ASK_MODEL, desk.models.ask_model, question())
    assert (error.type, error.non_retryable) == (name, True)
    assert len(desk.world.seen) == 1
    assert (await desk.journal.calls(SCOPE))[0].usd == COST


BUSY = said({"error": {"code": "rate_limit_exceeded"}}, 429, retry_after="0.2")
REFUSALS = [
    (BUSY, "ModelUnavailable", False, 0.2),
    (said({"error": {"code": "server_error"}}, 500), "ModelUnavailable", False, 0.5),
    (said({"error": {"code": "insufficient_quota"}}, 429), "ModelQuotaSpent", True, None),
    (said({"error": {"code": "model_not_found"}}, 404), "ModelRequestRefused", True, None),
    (said({"error": {"code": "content_filter"}}, 400), "ModelBlocked", True, None),
    (said({}, 429, retry_after="86400"), "ModelBusy", True, None),
]


@pytest.mark.parametrize(("canned", "name", "final", "wait"), REFUSALS, ids=range(len(REFUSALS)))
async def test_error_answers_are_not_stored(
    canned: Canned, name: str, final: bool, wait: float | None, desk: Desk
) -> None:
    desk.world.will(canned, FINE)
    error = await fails(calls.ASK_MODEL, desk.models.ask_model, question(), attempt=3)
    assert (error.type, error.non_retryable) == (name, final)
    assert wait == (error.next_retry_delay.total_seconds() if error.next_retry_delay else None)
    assert await desk.journal.uncertain(SCOPE) == []
    await run(calls.ASK_MODEL, desk.models.ask_model, question())
    states = [row.state for row in await desk.journal.calls(SCOPE)]
    assert states == [ClaimState.REFUSED, ClaimState.SETTLED]
    assert await desk.journal.repeated_paid(SCOPE) == 0


@pytest.mark.parametrize(
    ("canned", "name"),
    [
        (Canned(cut=0), "ModelUnavailable"),
        (Canned(body=b"<html></html>"), "ModelNonsense"),
        (said({"result": "OK"}), "ModelNonsense"),
    ],
)
async def test_what_may_have_been_billed_is_uncertain(
    canned: Canned, name: str, desk: Desk
) -> None:
    desk.world.will(canned)
    error = await fails(calls.ASK_MODEL, desk.models.ask_model, question())
    assert (error.type, error.non_retryable) == (name, False)
    assert [row.state for row in await desk.journal.uncertain(SCOPE)] == [ClaimState.LOST]


async def test_a_broken_reply_is_stored_before_it_is_judged(desk: Desk) -> None:
    desk.world.will(openai("no JSON at all"), openai("again none"))
    await fails(calls.ASK_MODEL, desk.models.ask_model, question())
    assert [row.usd for row in await desk.journal.calls(SCOPE)] == [COST, COST]


async def test_a_call_given_up_in_flight_is_uncertain(desk: Desk) -> None:
    desk.world.will(Canned(hang=True))
    asking = asyncio.ensure_future(run(calls.ASK_MODEL, desk.models.ask_model, question()))
    await desk.world.asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert [row.state for row in await desk.journal.uncertain(SCOPE)] == [ClaimState.LOST]


async def test_a_real_vendor_gets_the_key_and_no_sample(
    world: Outside, keyed: Settings, desk_of_calls: CallDesk
) -> None:
    world.will(FINE)
    live = models(keyed, desk_of_calls)
    answer = await run(calls.ASK_MODEL, live.ask_model, question(sample=2))
    assert answer.simulated is False
    assert world.seen[0].headers["authorization"] == "Bearer me@x.example"
    assert "x-braid-sample" not in world.seen[0].headers
    written = b"".join(file.read_bytes() for file in keyed.data.iterdir())
    assert b"It pays." not in written
    assert b"me@x.example" not in written


async def test_roles_resolve_to_chains(desk: Desk) -> None:
    book = await run(calls.RESOLVE_ROLES, desk.models.resolve_roles, RoleQuery(roles=("analyst",)))
    assert book.chain("analyst").models[0].queue == "llm-openai"
    error = await fails(calls.RESOLVE_ROLES, desk.models.resolve_roles, RoleQuery(roles=("x",)))
    assert (error.type, error.non_retryable) == ("UnknownRole", True)


async def test_unknown_names_are_final(desk: Desk) -> None:
    stranger = question().model_copy(
        update={"target": ModelRef(vendor=Vendor.OPENAI, model="other")}
    )
    error = await fails(calls.ASK_MODEL, desk.models.ask_model, stranger)
    assert (error.type, error.non_retryable) == ("UnknownModel", True)
    twisted = question().model_copy(
        update={"target": ModelRef(vendor=Vendor.GEMINI, model="gpt-6.1-terra")}
    )
    error = await fails(calls.ASK_MODEL, desk.models.ask_model, twisted)
    assert (error.type, error.non_retryable) == ("UnknownModel", True)
    prompt = question().prompt.model_copy(update={"answer": "Nothing"})
    unknown = question().model_copy(update={"prompt": prompt})
    error = await fails(calls.ASK_MODEL, desk.models.ask_model, unknown)
    assert (error.type, error.non_retryable) == ("UnknownAnswer", True)


async def test_no_address_is_final(settings: Settings, desk_of_calls: CallDesk) -> None:
    lost = models(Settings(data=settings.data), desk_of_calls)
    error = await fails(calls.ASK_MODEL, lost.ask_model, question())
    assert (error.type, error.non_retryable) == ("NotConfigured", True)


LOCAL = """
[vendors.local]
dialect = "openai-chat"
base_url = "http://localhost:11434/v1"
[models.own]
vendor = "local"
name = "Own"
window = 4_096
[roles]
triage = ["own"]
"""


async def test_what_a_server_might_cut_silently_is_not_sent(
    world: Outside, settings: Settings, desk_of_calls: CallDesk
) -> None:
    """Servers that speak chat like the large vendors may cut; those say so themselves."""
    answers = {"ReferenceReading": ReferenceReading}
    local = ModelActivities(settings, read(LOCAL.encode(), "x.toml"), desk_of_calls, answers)
    long = question().prompt.model_copy(update={"user": "It pays on time. " * 600})
    asked = ModelRequest(target=ModelRef(vendor="local", model="own"), prompt=long)
    error = await fails(calls.ASK_MODEL, local.ask_model, asked)
    assert (error.type, error.non_retryable) == ("ContextTooLarge", True)
    assert "own holds 4096 tokens, question and answer may take" in error.message
    assert world.seen == []


async def test_a_learned_p95_takes_the_place_of_the_catalogues(desk: Desk, store: Store) -> None:
    kept, query = Estimates(store), RoleQuery(roles=("reviewer",))
    before = await run(calls.RESOLVE_ROLES, desk.models.resolve_roles, query)
    head, other = (f.target for f in before.facts[:2])
    row = EstimateRow("", "", head.vendor, head.model, True, n=30, p95=3.25, body="{}")
    few = replace(row, vendor=other.vendor, model=other.model, n=29)
    live = replace(row, simulated=False, n=200, p95=30)
    now = datetime(2026, 11, 21, tzinfo=UTC)
    await kept.keep(Snapshot(4, now, 0, 30), [row, few, live], [])
    book = await run(calls.RESOLVE_ROLES, desk.models.resolve_roles, query)
    assert (book.facts_of(head).p95, book.facts_of(head).p95_snapshot) == (3.25, 4)
    assert book.facts_of(other) == before.facts_of(other), "too few calls: as the catalogue says"
    assert before.facts_of(head).p95_snapshot == 0
