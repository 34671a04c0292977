"""All doors against the simulator: the same client code that calls the real services."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from activities.effects.doors import EffectActivities
from activities.journalled import CallDesk
from activities.llm.ask import ModelActivities
from activities.sources.doors import SourceActivities
from activities.wire import Wire
from runtime.catalogue import load
from runtime.settings import ROOT, Settings
from simulator.config import REFUSING, Fault, FaultKind, SimulatorConfig
from simulator.server import running
from store.admission import Admission
from store.database import Store
from store.journal import Journal
from tests.activities.running import SCOPE, fails, run
from tests.support.control import Control
from workflows import calls
from workflows.data.effects import AccountAction, AccountOrder, ChatOrder, EffectState
from workflows.data.limits import Limits
from workflows.data.llm import ModelAnswer, ModelRef, ModelRequest, Prompt, Vendor
from workflows.data.news import DomainQuery, PressSubject
from workflows.data.readings import ReferenceReading
from workflows.data.sources import (
    CompanyQuery,
    FactsQuery,
    FilingsQuery,
    Identifier,
    LeiQuery,
    ScreenAnswer,
    ScreenQuery,
    SourceState,
)
from workflows.rules.dd.press_search import news_query

pytestmark = pytest.mark.server

MODELS: dict[str, str] = {
    Vendor.OPENAI: "gpt-6.1-terra",
    Vendor.ANTHROPIC: "claude-sonnet-5-5",
    Vendor.GEMINI: "gemini-3.8-flash",
    "groq": "groq/gpt-oss-120b",
}
SADERAT = Identifier(scheme="GB-COH", value="01126618")
PARTY = ScreenQuery(
    party_id="subject",
    kind="Company",
    name="Bank Saderat PLC",
    country="GB",
    identifiers=(SADERAT,),
)


@dataclass
class Desk(Control):
    """All doors, a store of their own, and the simulator behind its control address."""

    control: httpx.AsyncClient
    store: Store
    models: ModelActivities
    sources: SourceActivities
    effects: EffectActivities

    async def billed(self, vendor: str) -> int:
        return int((await self.book())["billed"].get(vendor, 0))

    async def ask(self, vendor: str) -> ModelAnswer:
        return await run(calls.ASK_MODEL, self.models.ask_model, question(vendor))

    async def screen(self) -> ScreenAnswer:
        return await run(calls.SCREEN, self.sources.sanctions_search, PARTY)


@pytest.fixture(scope="module")
async def control() -> AsyncIterator[httpx.AsyncClient]:
    """One simulator for all: each test has its own store, so its own journal and ledger."""
    config = SimulatorConfig(seed=7, speed=100_000, error_rate=0)
    async with running(config) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


@pytest.fixture
def settings(control: httpx.AsyncClient, tmp_path: Path) -> Settings:
    url = str(control.base_url)
    return Settings(data=tmp_path, simulator=url, source_timeout=30, model_timeout=30)


@pytest.fixture
async def desk(
    control: httpx.AsyncClient,
    settings: Settings,
    store: Store,
    wire: Wire,
    desk_of_calls: CallDesk,
) -> AsyncIterator[Desk]:
    answers = {"ReferenceReading": ReferenceReading}
    desk = Desk(
        control,
        store,
        ModelActivities(settings, load(ROOT / "llm.toml"), desk_of_calls, answers),
        SourceActivities(settings, store, desk_of_calls),
        EffectActivities(settings, store, wire),
    )
    yield desk
    await desk.faults()


def question(vendor: str) -> ModelRequest:
    documents = {
        "referee": {"party_id": "ref-1", "kind": "trade"},
        "reply": "We have traded with them for years. They pay promptly, within terms.",
    }
    prompt = Prompt(
        name="reference",
        version=1,
        system="Read the reference.",
        user=f"What does it say?\n<documents>\n{json.dumps(documents)}\n</documents>",
        answer="ReferenceReading",
    )
    return ModelRequest(target=ModelRef(vendor=vendor, model=MODELS[vendor]), prompt=prompt)


@pytest.mark.parametrize("vendor", MODELS)
async def test_each_vendor_answers_and_bills_once(vendor: str, desk: Desk) -> None:
    before = await desk.billed(vendor)
    answer = await desk.ask(vendor)
    reading = ReferenceReading.model_validate_json(answer.text)
    assert (reading.conclusive, reading.favourable) == (True, True)
    assert answer.simulated
    assert answer.usd > 0
    assert (await desk.ask(vendor)).reused
    assert await desk.billed(vendor) == before + 1


@pytest.mark.parametrize("vendor", MODELS)
@pytest.mark.parametrize(
    ("kind", "name", "final"),
    [
        (FaultKind.DOWN, "ModelUnavailable", False),
        (FaultKind.ERROR, "ModelUnavailable", False),
        (FaultKind.OVERLOADED, "ModelUnavailable", False),
        (FaultKind.RATE_LIMITED, "ModelUnavailable", False),
        (FaultKind.NONSENSE, "ModelNonsense", False),
        (FaultKind.SPEND_LIMIT, "ModelQuotaSpent", True),
        (FaultKind.HTML, "ModelUnavailable", False),
        (FaultKind.ERROR_UNDER_200, "ModelUnavailable", False),
        (FaultKind.DROP, "ModelUnavailable", False),
        (FaultKind.CUT, "ModelUnavailable", False),
        (FaultKind.UNFINISHED, "ModelNonsense", False),
        (FaultKind.ERROR_IN_STREAM, "ModelUnavailable", False),
        (FaultKind.REFUSAL, "ModelRefused", True),
        (FaultKind.BLOCKED, "ModelRefused", True),
        (FaultKind.TRUNCATED, "ModelTruncated", True),
    ],
)
async def test_each_fault_of_a_vendor_has_its_name(
    vendor: str, kind: FaultKind, name: str, final: bool, desk: Desk
) -> None:
    before = await desk.billed(vendor)
    await desk.faults(Fault(service=vendor, kind=kind, times=1))
    error = await fails(calls.ASK_MODEL, desk.models.ask_model, question(vendor))
    refused = {"ModelRefused", "ModelBlocked"} if name == "ModelRefused" else {name}
    assert error.type in refused
    assert error.non_retryable is final
    billed = await desk.billed(vendor) - before
    if kind in REFUSING - {FaultKind.DOWN}:
        assert (billed, await Journal(desk.store).uncertain(SCOPE)) == (0, [])
    elif not final and kind is not FaultKind.ERROR_IN_STREAM:
        assert len(await Journal(desk.store).uncertain(SCOPE)) == 1


@pytest.mark.parametrize("vendor", MODELS)
@pytest.mark.parametrize("kind", [FaultKind.WRONG_JSON, FaultKind.BAD_TOOL])
async def test_an_answer_that_stays_unusable_is_final(
    vendor: str, kind: FaultKind, desk: Desk
) -> None:
    await desk.faults(Fault(service=vendor, kind=kind))
    error = await fails(calls.ASK_MODEL, desk.models.ask_model, question(vendor))
    assert (error.type, error.non_retryable) == ("ModelAnswerUnusable", True)


@pytest.mark.parametrize("vendor", MODELS)
@pytest.mark.parametrize("kind", [FaultKind.HANG, FaultKind.DRIP])
async def test_an_answer_that_never_ends_is_given_up(
    vendor: str, kind: FaultKind, settings: Settings, desk: Desk, store: Store
) -> None:
    hasty = replace(settings, model_timeout=0.3, model_idle_timeout=0.2)
    wire = Wire(hasty)
    hasty_desk = CallDesk(store, wire, Admission(store, lambda *_: Limits(), "hasty"))
    answers = {"ReferenceReading": ReferenceReading}
    models = ModelActivities(hasty, load(ROOT / "llm.toml"), hasty_desk, answers)
    await desk.faults(Fault(service=vendor, kind=kind, seconds=0.02, times=1))
    try:
        error = await fails(calls.ASK_MODEL, models.ask_model, question(vendor))
    finally:
        await hasty_desk.close()
        await wire.close()
    assert (error.type, error.non_retryable) == ("ModelUnavailable", False)
    assert len(await Journal(store).uncertain(SCOPE)) == 1, "it may have been billed"


@pytest.mark.parametrize("vendor", [Vendor.OPENAI, Vendor.ANTHROPIC])
async def test_a_spent_quota_is_final(vendor: Vendor, desk: Desk) -> None:
    await desk.faults(Fault(service=vendor, kind=FaultKind.QUOTA))
    error = await fails(calls.ASK_MODEL, desk.models.ask_model, question(vendor))
    assert (error.type, error.non_retryable) == ("ModelQuotaSpent", True)


async def test_a_dropped_reply_was_billed_and_is_uncertain(desk: Desk) -> None:
    before = await desk.billed("openai")
    await desk.faults(Fault(service="openai", kind=FaultKind.DROP, times=1))
    await fails(calls.ASK_MODEL, desk.models.ask_model, question(Vendor.OPENAI))
    assert await desk.billed("openai") == before + 1
    assert len(await Journal(desk.store).uncertain(SCOPE)) == 1
    assert not (await desk.ask(Vendor.OPENAI)).reused
    assert await Journal(desk.store).repeated_paid(SCOPE) == 0


async def test_unilever_is_active_and_exempt(desk: Desk) -> None:
    query = CompanyQuery(identifier=Identifier(scheme="GB-COH", value="00041424"))
    answer = await run(calls.COMPANY, desk.sources.company_register, query)
    assert answer.company is not None
    assert (answer.company.status, answer.company.control_exempt) == ("active", True)
    assert answer.company.accounts_made_up_to == date(2025, 12, 31)
    lei = await run(calls.LEI, desk.sources.lei_record, LeiQuery(lei="549300MKFYEKVRWML317"))
    assert lei.entry is not None
    assert (lei.entry.registered_as, lei.entry.registration) == ("00041424", "ISSUED")
    assert lei.entry.parent_exception


async def test_bank_saderat_is_on_the_list_by_number(desk: Desk) -> None:
    listed = await run(calls.SCREEN_LIST, desk.sources.sanctions_list_file, PARTY)
    for answer in (await desk.screen(), listed):
        assert answer.state is SourceState.FOUND
        assert answer.list_version
        assert SADERAT in answer.hits[0].identifiers
        assert "IRAN" in answer.hits[0].programs
    company = await run(
        calls.COMPANY, desk.sources.company_register, CompanyQuery(identifier=SADERAT)
    )
    assert company.company is not None
    assert len(company.company.controllers) == 1


async def test_carbo_filed_for_bankruptcy_and_reports_no_figures(desk: Desk) -> None:
    cik = "0001009672"
    filings = await run(calls.FILINGS, desk.sources.filings, FilingsQuery(cik=cik))
    items = {item for filing in filings.filings for item in filing.items}
    assert {"1.03", "2.04"} <= items
    facts = await run(calls.FACTS, desk.sources.company_facts, FactsQuery(cik=cik))
    assert facts.state is SourceState.NONE
    query = CompanyQuery(identifier=Identifier(scheme="CIK", value=cik))
    registrant = await run(calls.COMPANY, desk.sources.company_register, query)
    assert registrant.company is not None
    assert registrant.company.status == "deregistered"


async def test_snowflake_reports_figures(desk: Desk) -> None:
    facts = await run(calls.FACTS, desk.sources.company_facts, FactsQuery(cik="0001640147"))
    assert "Assets" in {fact.concept for fact in facts.facts}


async def test_the_press_is_searched_by_name_and_words(desk: Desk) -> None:
    about = PressSubject(party_id="p1", kind="Company", name="Calder Vale Trading Ltd", company="")
    query = news_query(about)
    found = await run(calls.NEWS, desk.sources.news_search, query)
    assert len(query.terms) > 30, "more than one request holds"
    assert (found.state, found.total) == (SourceState.FOUND, len(found.items))
    told = {i.title: i.text for i in found.items}
    assert told["Wholesaler guilty of VAT fraud"].endswith("2.4 million pounds.")
    assert [i.published for i in found.items] == sorted(
        (i.published for i in found.items), key=str, reverse=True
    )
    nobody = query.model_copy(update={"names": ("Nobody At All Ltd",)})
    none = await run(calls.NEWS, desk.sources.news_search, nobody)
    assert (none.state, none.items) == (SourceState.NONE, ())
    await desk.faults(Fault(service="news", kind=FaultKind.QUOTA))
    spent = query.model_copy(update={"names": ("Another Ltd",)})
    answer = await run(calls.NEWS, desk.sources.news_search, spent)
    assert answer.state is SourceState.UNAVAILABLE, "never asked again"


@pytest.mark.parametrize(
    ("domain", "state", "mail"),
    [
        ("unilever.example", SourceState.FOUND, ("mail.unilever.example",)),
        ("nomail.example", SourceState.FOUND, (".",)),
        ("nowhere.example", SourceState.NONE, ()),
        ("broken.example", SourceState.UNAVAILABLE, ()),
    ],
)
async def test_domains_are_looked_up(
    domain: str, state: SourceState, mail: tuple[str, ...], desk: Desk
) -> None:
    answer = await run(calls.DOMAIN, desk.sources.domain_name, DomainQuery(domain=domain))
    assert (answer.state, answer.mail_servers) == (state, mail)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (FaultKind.DOWN, "SourceUnavailable"),
        (FaultKind.ERROR, "SourceUnavailable"),
        (FaultKind.OVERLOADED, "SourceUnavailable"),
        (FaultKind.RATE_LIMITED, "SourceUnavailable"),
        (FaultKind.DROP, "SourceUnavailable"),
        (FaultKind.NONSENSE, "SourceNonsense"),
    ],
)
@pytest.mark.parametrize("service", ["opensanctions", "ofac"])
async def test_a_faulty_list_is_never_a_pass(
    service: str, kind: FaultKind, name: str, desk: Desk
) -> None:
    await desk.faults(Fault(service=service, kind=kind, times=1))
    if service == "ofac":
        error = await fails(calls.SCREEN_LIST, desk.sources.sanctions_list_file, PARTY)
    else:
        error = await fails(calls.SCREEN, desk.sources.sanctions_search, PARTY)
    assert (error.type, error.non_retryable) == (name, False)


async def test_a_used_up_month_is_unavailable(desk: Desk) -> None:
    await desk.faults(Fault(service="opensanctions", kind=FaultKind.QUOTA))
    assert (await desk.screen()).state is SourceState.UNAVAILABLE


def order(action: AccountAction, case: str) -> AccountOrder:
    limit = Decimal(10_000) if action is AccountAction.SET_LIMIT else None
    return AccountOrder(action=action, case=case, customer_name="Acme", limit=limit, currency="EUR")


async def test_an_order_cut_off_after_it_was_done_is_done_once(desk: Desk) -> None:
    create = order(AccountAction.CREATE_CUSTOMER, "acme")
    await desk.faults(Fault(service="accounts", kind=FaultKind.DROP, times=1))
    before = (await desk.book())["effects"]["total"]
    await fails(calls.ACCOUNT, desk.effects.account_service, create)
    receipt = await run(calls.ACCOUNT, desk.effects.account_service, create, attempt=2)
    assert receipt.state is EffectState.DONE
    assert (await desk.book())["effects"]["total"] == before + 1


async def test_an_impossible_order_is_refused(desk: Desk) -> None:
    error = await fails(
        calls.ACCOUNT, desk.effects.account_service, order(AccountAction.OPEN_ACCOUNT, "nobody")
    )
    assert (error.type, error.non_retryable) == ("EffectRefused", True)


async def test_a_message_reaches_the_channel(desk: Desk) -> None:
    chat = ChatOrder(template="review", number=1, text="A case waits.")
    receipt = await run(calls.CHAT, desk.effects.chat_message, chat)
    assert receipt.state is EffectState.DONE
