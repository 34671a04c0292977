"""EDGAR: registrants, filings and figures, with replies written by hand."""

from datetime import date

import pytest

from activities.sources.doors import SourceActivities
from tests.activities.asking import ABSENT, PAGE, company
from tests.activities.outside import Canned, Outside, said
from tests.activities.running import fails, run
from workflows import calls
from workflows.data.sources import (
    CompanyQuery,
    FactsQuery,
    FilingsQuery,
    Identifier,
    SourceState,
)

CIK = "0001009672"


def submissions(*filings: tuple[str, str, str]) -> Canned:
    recent = {
        "form": [form for form, _, _ in filings],
        "filingDate": [filed for _, filed, _ in filings],
        "accessionNumber": [f"a-{n}" for n, _ in enumerate(filings)],
        "items": [items for _, _, items in filings],
    }
    return said(
        {
            "cik": "1009672",
            "name": "EXAMPLE INC",
            "entityType": "operating",
            "stateOfIncorporation": "DE",
            "addresses": {"business": {"street1": "1 Road", "zipCode": "77079"}},
            "filings": {"recent": recent},
        }
    )


GONE = submissions(
    ("4", "2020-07-01", ""),
    ("8-K", "2020-03-30", "1.01,1.03,2.04"),
    ("15-12B", "2020-12-30", ""),
    ("EFFECT", "2020-05-19", "POS AM,1"),
    ("10-K", "2020-05-15", ""),
)


async def test_filings_newest_first_without_trades(
    world: Outside, sources: SourceActivities
) -> None:
    world.will(GONE)
    answer = await run(calls.FILINGS, sources.filings, FilingsQuery(cik=CIK))
    assert [f.form for f in answer.filings] == ["15-12B", "10-K", "8-K"]
    assert answer.filings[-1].items == ("1.01", "1.03", "2.04")
    assert (answer.name, answer.jurisdiction) == ("EXAMPLE INC", "DE")
    assert world.seen[0].path == f"/edgar/submissions/CIK{CIK}.json"
    assert "@" in world.seen[0].headers["user-agent"]


@pytest.mark.parametrize(
    ("page", "status"),
    [
        (GONE, "deregistered"),
        (submissions(("15-15D", "2020-06-22", ""), ("10-K", "2021-01-01", "")), "active"),
        (submissions(("4", "2020-06-22", "")), "active"),
    ],
)
async def test_a_registrant(
    page: Canned, status: str, world: Outside, sources: SourceActivities
) -> None:
    world.will(page)
    query = CompanyQuery(identifier=Identifier(scheme="CIK", value=CIK))
    found = (await company(sources, query)).company
    assert found is not None
    assert (found.number, found.status, found.postcode) == (CIK, status, "77079")


def value(end: str, val: float, filed: str, start: str | None = None) -> dict[str, object]:
    return {"end": end, "val": val, "filed": filed} | ({"start": start} if start else {})


async def test_the_latest_filed_value_of_each_period_counts(
    world: Outside, sources: SourceActivities
) -> None:
    assets = [
        value("2025-12-31", 2, "2026-02-01"),
        value("2025-12-31", 3, "2026-08-01"),
        value("2024-12-31", 1, "2025-02-01"),
    ]
    flows = [
        value("2025-12-31", 40, "2026-02-01", "2025-01-01"),
        value("2025-12-31", 10, "2026-02-01", "2025-10-01"),
    ]
    concepts = {
        "Assets": {"units": {"USD": assets}},
        "Revenues": {"units": {"USD": flows}},
        "TrademarksOwned": {"units": {"pure": assets}},
    }
    world.will(said({"facts": {"us-gaap": concepts, "dei": {}}}))
    answer = await run(calls.FACTS, sources.company_facts, FactsQuery(cik=CIK))
    told = [(fact.concept, fact.end.year, fact.value) for fact in answer.facts]
    assert told == [("Assets", 2025, 3), ("Assets", 2024, 1), ("Revenues", 2025, 40)]
    assert answer.as_of == date(2026, 8, 1)


async def test_no_figures_at_all(world: Outside, sources: SourceActivities) -> None:
    world.will(ABSENT)
    answer = await run(calls.FACTS, sources.company_facts, FactsQuery(cik=CIK))
    assert (answer.state, answer.facts) == (SourceState.NONE, ())


async def test_a_block_page_under_200_is_nonsense(
    world: Outside, sources: SourceActivities
) -> None:
    world.will(PAGE)
    error = await fails(calls.FACTS, sources.company_facts, FactsQuery(cik=CIK))
    assert (error.type, error.non_retryable) == ("SourceNonsense", False)
