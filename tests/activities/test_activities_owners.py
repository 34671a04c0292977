"""Owners, officers, bans, insolvencies, parents and VAT numbers, with replies written by hand."""

from collections.abc import Mapping
from datetime import date

import pytest

from activities.sources.doors import SourceActivities
from activities.sources.owners import interest
from tests.activities.asking import ABSENT, EXCEPTION, LEI, NUMBER, asked, record
from tests.activities.outside import Canned, Outside, said
from tests.activities.running import fails, run
from workflows import calls
from workflows.data.registers import (
    DebarmentsQuery,
    DisqualificationsAnswer,
    DisqualificationsQuery,
    InsolvencyQuery,
    InterestKind,
    OfficersQuery,
    OwnersAnswer,
    OwnersQuery,
    ParentsAnswer,
    ParentsQuery,
    VatAnswer,
    VatQuery,
)
from workflows.data.sources import Identifier, Retry, SourceState

BASE = "GET /companies_house/company/01126618"
PAGED = "items_per_page=100&start_index"
EXEMPT = said({"exemptions": {"listed": {"items": [{"exempt_from": "2016-04-06"}]}}})


async def owners(sources: SourceActivities, number: Identifier = NUMBER) -> OwnersAnswer:
    return await run(calls.OWNERS, sources.owners, OwnersQuery(identifier=number))


def items(*entries: Mapping[str, object], total: int | None = None) -> Canned:
    return said({"items": entries, "total_results": len(entries) if total is None else total})


PERSON = {
    "kind": "individual-person-with-significant-control",
    "name": "Mr Invented Person",
    "country_of_residence": "Jersey",
    "nationality": "British",
    "date_of_birth": {"year": 1967, "month": 5},
    "notified_on": "2016-05-11",
    "natures_of_control": ["voting-rights-75-to-100-percent-as-trust"],
}
COMPANY = {
    "kind": "corporate-entity-person-with-significant-control",
    "name": "HOLDINGS LIMITED",
    "identification": {"country_registered": "England", "registration_number": "1693108"},
    "notified_on": "2016-04-06",
    "natures_of_control": [
        "ownership-of-shares-25-to-50-percent",
        "right-to-appoint-and-remove-directors-as-firm",
    ],
    "ceased_on": "2020-01-01",
}
FOREIGN = {
    "kind": "legal-person-person-with-significant-control",
    "name": "STATE FUND",
    "identification": {"country_registered": "Jersey", "registration_number": "41260"},
    "natures_of_control": ["significant-influence-or-control"],
}
HIDDEN = {"kind": "super-secure-person-with-significant-control", "ceased": False}


async def test_controllers_with_bands_trusts_and_numbers(
    world: Outside, sources: SourceActivities
) -> None:
    world.will(items(PERSON, COMPANY, FOREIGN, HIDDEN), ABSENT)
    answer = await owners(sources)
    assert (answer.state, answer.exempt, answer.statements) == (SourceState.FOUND, None, ())
    person, company, state, hidden = answer.holdings
    assert (person.holder.kind, person.holder.country, person.holder.birth) == (
        "person",
        "JE",
        "1967-05",
    )
    (votes,) = person.interests
    assert (votes.kind, votes.min_pct, votes.max_pct) == (InterestKind.VOTES, 75, 100)
    assert (votes.trust, votes.as_of) == (True, date(2016, 5, 11))
    assert company.holder.identifiers == (Identifier(scheme="GB-COH", value="01693108"),)
    assert company.ceased == date(2020, 1, 1)
    assert [i.kind for i in company.interests] == [InterestKind.SHARES, InterestKind.APPOINTMENTS]
    assert (state.holder.kind, state.holder.identifiers[0].scheme) == ("state", "OTHER")
    assert (hidden.holder.kind, hidden.ceased) == ("unknown", None)
    path = f"{BASE}/persons-with-significant-control"
    assert asked(world) == [f"{path}?{PAGED}=0", f"{path}-statements?{PAGED}=0"]


@pytest.mark.parametrize(
    ("nature", "low", "high", "kind"),
    [
        ("ownership-of-shares-50-to-75-percent-as-firm", 50, 75, InterestKind.SHARES),
        (
            "voting-rights-more-than-25-percent-registered-overseas-entity",
            25,
            100,
            InterestKind.VOTES,
        ),
        (
            "right-to-share-surplus-assets-75-to-100-percent-as-trust-limited-liability-partnership",
            75,
            100,
            InterestKind.SHARES,
        ),
        ("significant-influence-or-control-as-trust", None, None, InterestKind.INFLUENCE),
        ("a-nature-nobody-knows", None, None, InterestKind.INFLUENCE),
    ],
)
def test_natures_of_control(
    nature: str, low: float | None, high: float | None, kind: InterestKind
) -> None:
    read = interest(nature)
    assert (read.kind, read.min_pct, read.max_pct) == (kind, low, high)
    assert read.trust == ("as-trust" in nature)


async def test_an_exempt_company_names_nobody(world: Outside, sources: SourceActivities) -> None:
    world.will(ABSENT, ABSENT, EXEMPT)
    answer = await owners(sources)
    assert (answer.state, answer.holdings, answer.exempt) == (SourceState.FOUND, (), True)


async def test_statements_are_the_registers_words(
    world: Outside, sources: SourceActivities
) -> None:
    world.will(ABSENT, items({"statement": "psc-exists-but-not-identified"}), ABSENT)
    answer = await owners(sources)
    assert answer.statements == ("psc-exists-but-not-identified",)
    world.will(ABSENT, ABSENT, ABSENT)
    other = Identifier(scheme="GB-COH", value="01126619")
    assert (await owners(sources, other)).state is SourceState.NONE, "nothing is on file"


async def test_a_list_too_long_is_cut_and_says_so(
    world: Outside, sources: SourceActivities
) -> None:
    pages = [items(*[PERSON] * 100, total=10_000)] * 5
    world.will(*pages, ABSENT)
    answer = await owners(sources)
    assert len(answer.holdings) == 500
    assert answer.unread == 9_500
    assert f"{PAGED}=400" in asked(world)[4]


async def test_a_page_without_items_is_nonsense(world: Outside, sources: SourceActivities) -> None:
    world.will(said({"total_results": 3}))
    query = OwnersQuery(identifier=NUMBER)
    assert (await fails(calls.OWNERS, sources.owners, query)).type == "SourceNonsense"


async def test_registers_of_other_countries_are_not_known(sources: SourceActivities) -> None:
    answer = await owners(sources, Identifier(scheme="CIK", value="0001009672"))
    assert answer.state is SourceState.REJECTED
    assert answer.error is not None
    assert "use one of GB-COH" in answer.error.detail


async def test_officers(world: Outside, sources: SourceActivities) -> None:
    director = {
        "name": "PERSON, Invented",
        "officer_role": "director",
        "date_of_birth": {"year": 1970},
        "appointed_on": "2015-01-01",
    }
    secretary = {
        "name": "SECRETARIES LTD",
        "officer_role": "corporate-secretary",
        "resigned_on": "2020-01-01",
    }
    world.will(items(director, secretary))
    answer = await run(calls.OFFICERS, sources.officers, OfficersQuery(identifier=NUMBER))
    first, second = answer.officers
    assert (first.kind, first.birth, first.resigned) == ("person", "1970", None)
    assert (second.kind, second.resigned, answer.total) == ("company", date(2020, 1, 1), 2)


def banned(title: str, born: str, number: int) -> dict[str, object]:
    path = f"/disqualified-officers/natural/{number}"
    return {"title": title, "date_of_birth": born, "links": {"self": path}}


async def test_bans_are_looked_up_where_the_birth_may_fit(
    world: Outside, sources: SourceActivities
) -> None:
    found = items(banned("Ann OTHER", "1950-01-01", 1), banned("Ann PERSON", "1970-03-02", 2))
    reason = {"act": "company-directors-disqualification-act-1986"}
    bans = [{"disqualified_until": "2024-01-01"}, {"disqualified_until": "2030-01-01"}]
    bans[1]["reason"] = reason  # type: ignore[assignment]
    world.will(found, said({"disqualifications": bans}))
    query = DisqualificationsQuery(name="Ann Person", birth="1970-03")
    answer: DisqualificationsAnswer = await run(
        calls.DISQUALIFICATIONS, sources.disqualifications, query
    )
    likely, other = answer.persons
    assert (likely.name, likely.until) == ("Ann PERSON", date(2030, 1, 1))
    assert likely.reason == reason["act"]
    assert (other.birth, other.until) == ("1950-01-01", None)
    assert asked(world)[1].endswith("/disqualified-officers/natural/2")
    assert len(asked(world)) == 2


async def test_nobody_of_that_name_is_banned(world: Outside, sources: SourceActivities) -> None:
    world.will(items())
    query = DisqualificationsQuery(name="Ann Person")
    answer = await run(calls.DISQUALIFICATIONS, sources.disqualifications, query)
    assert (answer.state, answer.persons) == (SourceState.NONE, ())


async def test_insolvency_cases(world: Outside, sources: SourceActivities) -> None:
    dates = [
        {"type": "administration-started-on", "date": "2020-02-01"},
        {"type": "administration-ended-on", "date": "2021-02-01"},
        {"type": "due-to-be-dissolved-on", "date": "2022-02-01"},
    ]
    world.will(said({"cases": [{"type": "in-administration", "number": 1, "dates": dates}]}))
    query = InsolvencyQuery(identifier=NUMBER)
    (case,) = (await run(calls.INSOLVENCY, sources.insolvency, query)).cases
    assert (case.kind, case.began, case.ended) == (
        "in-administration",
        date(2020, 2, 1),
        date(2021, 2, 1),
    )


async def parents(sources: SourceActivities) -> ParentsAnswer:
    return await run(calls.PARENTS, sources.parents, ParentsQuery(lei=LEI))


async def test_parents_of_both_levels(world: Outside, sources: SourceActivities) -> None:
    world.will(record(), ABSENT, EXCEPTION)
    answer = await parents(sources)
    assert answer.direct is not None
    assert (answer.direct.lei, answer.ultimate) == (LEI, None)
    assert (answer.direct_exception, answer.ultimate_exception) == ("", "NO_KNOWN_PERSON")
    assert answer.as_of == date(2026, 11, 20)


async def test_a_pair_of_404_means_unknown(world: Outside, sources: SourceActivities) -> None:
    world.will(ABSENT, ABSENT, ABSENT, ABSENT)
    answer = await parents(sources)
    assert (answer.state, answer.direct, answer.direct_exception) == (SourceState.NONE, None, "")


VAT = VatQuery(country="DE", number="123456789")


async def vat(sources: SourceActivities) -> VatAnswer:
    return await run(calls.VAT, sources.vat_number, VAT)


async def test_a_valid_vat_number_whose_name_is_withheld(
    world: Outside, sources: SourceActivities
) -> None:
    world.will(said({"isValid": True, "userError": "VALID", "name": "---", "address": "---"}))
    answer = await vat(sources)
    assert (answer.state, answer.valid, answer.name) == (SourceState.FOUND, True, "")
    assert asked(world) == ["GET /vies/ms/DE/vat/123456789"]


async def test_only_invalid_is_invalid(world: Outside, sources: SourceActivities) -> None:
    world.will(said({"isValid": False, "userError": "INVALID"}))
    assert (await vat(sources)).valid is False


SILENT = [
    said({"isValid": False, "userError": word})
    for word in ("MS_UNAVAILABLE", "MS_MAX_CONCURRENT_REQ", "TIMEOUT", "A_NEW_WORD", "VALID", "")
]
SILENT += [
    said({"actionSucceed": False, "errorWrappers": [{"error": "GLOBAL_MAX_CONCURRENT_REQ"}]}),
    said({"actionSucceed": False}),
    said({}),
    said({"isValid": True, "userError": "INVALID"}),
]


@pytest.mark.parametrize("reply", SILENT, ids=lambda reply: reply.body.decode()[:60])
async def test_what_vies_cannot_say_is_no_answer_and_asked_anew(
    reply: Canned, world: Outside, sources: SourceActivities
) -> None:
    world.will(reply, said({"isValid": False, "userError": "INVALID"}))
    error = await fails(calls.VAT, sources.vat_number, VAT)
    assert (error.type, error.non_retryable) == ("SourceUnavailable", False)
    assert (await vat(sources)).valid is False, "the reply without answer was not kept"


async def test_a_number_vies_cannot_read_is_not_asked_again(
    world: Outside, sources: SourceActivities
) -> None:
    world.will(said({"isValid": False, "userError": "INVALID_INPUT"}))
    answer = await vat(sources)
    assert (answer.state, answer.valid) == (SourceState.REJECTED, None)
    assert answer.error is not None
    assert answer.error.retry is Retry.NEVER


def listed(*names: str) -> Canned:
    rows = [
        {
            "SUPP_NAME": name,
            "LAND1": "KE",
            "DEBAR_FROM_DATE": "2024-03-01",
            "DEBAR_TO_DATE": "2999-12-31",
            "DEBAR_REASON": "Procurement Guidelines",
        }
        for name in names
    ]
    return said({"response": {"ZPROCSUPP": rows}})


async def test_the_barred_of_a_like_name(world: Outside, sources: SourceActivities) -> None:
    world.will(listed("OSTVALE CIVIL WORKS LTD.", "SOMEBODY ELSE SA"))
    query = DebarmentsQuery(name="Ostvale Civil Works Limited")
    (entry,) = (await run(calls.DEBARMENTS, sources.debarments, query)).entries
    assert (entry.name, entry.since) == ("OSTVALE CIVIL WORKS LTD.", date(2024, 3, 1))
    assert entry.until is None, "2999 means without end"


async def test_an_empty_list_would_clear_everybody(
    world: Outside, sources: SourceActivities
) -> None:
    world.will(listed())
    query = DebarmentsQuery(name="Ostvale")
    error = await fails(calls.DEBARMENTS, sources.debarments, query)
    assert error.type == "SourceNonsense"
