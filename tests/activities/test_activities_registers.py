"""Registers: companies and LEIs over real HTTP, with replies written by hand."""

from datetime import date
from hashlib import sha256

import pytest

from activities.sources.doors import SourceActivities
from tests.activities.asking import (
    ABSENT,
    CONTROL,
    EXCEPTED,
    EXCEPTION,
    PROFILE,
    asked,
    company,
    lei,
    record,
)
from tests.activities.outside import Canned, Outside, said
from workflows.data.sources import (
    CompanyQuery,
    Identifier,
    Liveness,
    SourceState,
)

EXEMPT = {"exempt_as_listed": {"items": [{"exempt_from": "2016-01-01"}]}}


async def test_company_with_a_controller(world: Outside, sources: SourceActivities) -> None:
    world.will(PROFILE, CONTROL)
    answer = await company(sources)
    assert (answer.state, answer.liveness) == (SourceState.FOUND, Liveness.SIMULATED)
    assert answer.raw_sha256 == sha256(PROFILE.body).hexdigest()
    found = answer.company
    assert found is not None
    assert found.controllers == ("corporate-entity: significant-influence",)
    assert (found.control_exempt, found.accounts_overdue) == (None, False)
    assert (found.incorporated, found.postcode) == (date(1973, 8, 3), "EC2R 7HD")
    assert found.accounts_made_up_to == date(2025, 12, 31)
    base = "GET /companies_house/company/01126618"
    assert asked(world) == [base, f"{base}/persons-with-significant-control"]


@pytest.mark.parametrize(
    ("exemptions", "exempt"),
    [
        (said({"exemptions": EXEMPT}), True),
        (said({"exemptions": {"x": {"items": [{"exempt_to": "2020-01-01"}]}}}), False),
        (ABSENT, None),
    ],
)
async def test_company_without_controllers(
    exemptions: Canned, exempt: bool | None, world: Outside, sources: SourceActivities
) -> None:
    world.will(PROFILE, ABSENT, exemptions)
    found = (await company(sources)).company
    assert found is not None
    assert (found.controllers, found.control_exempt) == ((), exempt)


async def test_company_about_which_little_is_known(
    world: Outside, sources: SourceActivities
) -> None:
    world.will(said({"company_name": "X", "company_number": "1"}), ABSENT, ABSENT)
    found = (await company(sources)).company
    assert found is not None
    assert (found.accounts_overdue, found.insolvency_history) == (None, None)


async def test_no_such_company(world: Outside, sources: SourceActivities) -> None:
    world.will(ABSENT)
    answer = await company(sources)
    assert (answer.state, answer.company, answer.error) == (SourceState.NONE, None, None)


async def test_a_scheme_without_register_is_rejected(sources: SourceActivities) -> None:
    query = CompanyQuery(identifier=Identifier(scheme="VAT", value="1"))
    answer = await company(sources, query)
    assert answer.state is SourceState.REJECTED
    assert answer.error is not None
    assert answer.error.code == "unknown_scheme"


PARENT = {"direct-parent": {"links": {"lei-record": "x"}}}


@pytest.mark.parametrize(
    ("replies", "reason"),
    [
        ((record(**EXCEPTED), EXCEPTION), "NO_KNOWN_PERSON"),
        ((record(), ABSENT, EXCEPTION), "NO_KNOWN_PERSON"),
        ((record(), ABSENT, ABSENT), ""),
        ((record(), record()), ""),
        ((record(**PARENT),), ""),
    ],
    ids=["linked exception", "404 then exception", "404 on both", "parent", "linked parent"],
)
async def test_lei(
    replies: tuple[Canned, ...], reason: str, world: Outside, sources: SourceActivities
) -> None:
    world.will(*replies)
    answer = await lei(sources)
    assert answer.entry is not None
    assert (answer.entry.parent_exception, answer.entry.registration) == (reason, "LAPSED")
    assert (answer.entry.registered_as, answer.entry.postcode) == ("00041424", "CH62 4ZD")
    assert (answer.as_of, answer.licence) == (date(2026, 11, 20), "CC0")
    assert (len(world.seen), len(world.script)) == (len(replies), 0)


async def test_no_such_lei(world: Outside, sources: SourceActivities) -> None:
    world.will(ABSENT)
    assert (await lei(sources)).state is SourceState.NONE
