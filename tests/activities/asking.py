"""Questions to sources, and the replies that answer them."""

from activities.sources.doors import SourceActivities
from tests.activities.outside import Canned, Outside, said
from tests.activities.running import SCOPE, run
from workflows import calls
from workflows.data.sources import (
    CompanyAnswer,
    CompanyQuery,
    Identifier,
    LeiAnswer,
    LeiQuery,
    ScreenAnswer,
    ScreenQuery,
)

LEI = "549300MKFYEKVRWML317"
NUMBER = Identifier(scheme="GB-COH", value="01126618")
COMPANY = CompanyQuery(identifier=NUMBER)
PARTY = ScreenQuery(
    party_id="subject",
    kind="Company",
    name="Bank Saderat PLC",
    country="GB",
    identifiers=(NUMBER, Identifier(scheme="LEI", value="2138008KTNTDICZU8L25")),
)
ABSENT = said({"errors": []}, 404)
PAGE = Canned(200, b"<!DOCTYPE html><html>Undeclared Automated Tool</html>")


async def company(sources: SourceActivities, query: CompanyQuery = COMPANY) -> CompanyAnswer:
    return await run(calls.COMPANY, sources.company_register, query)


async def lei(sources: SourceActivities) -> LeiAnswer:
    return await run(calls.LEI, sources.lei_record, LeiQuery(lei=LEI))


async def screen(sources: SourceActivities, query: ScreenQuery = PARTY) -> ScreenAnswer:
    return await run(calls.SCREEN, sources.sanctions_search, query)


async def listed(
    sources: SourceActivities, query: ScreenQuery = PARTY, scope: str = SCOPE
) -> ScreenAnswer:
    return await run(calls.SCREEN_LIST, sources.sanctions_list_file, query, scope=scope)


def asked(world: Outside) -> list[str]:
    return [f"{seen.method} {seen.path}" for seen in world.seen]


PROFILE = said(
    {
        "company_name": "EXAMPLE PLC",
        "company_number": "01126618",
        "company_status": "active",
        "type": "plc",
        "date_of_creation": "1973-08-03",
        "registered_office_address": {"address_line_1": "1 Road", "postal_code": "EC2R 7HD"},
        "accounts": {"overdue": False, "last_accounts": {"made_up_to": "2025-12-31"}},
        "has_insolvency_history": False,
    }
)
CONTROL = said(
    {
        "items": [
            {"kind": "corporate-entity", "natures_of_control": ["significant-influence"]},
            {"kind": "individual", "natures_of_control": ["x"], "ceased_on": "2020-01-01"},
        ]
    }
)
EXCEPTION = said({"data": {"attributes": {"reason": "NO_KNOWN_PERSON"}}})
EXCEPTED = {"direct-parent": {"links": {"reporting-exception": "x"}}}


def record(**relationships: object) -> Canned:
    entity = {
        "legalName": {"name": "EXAMPLE PLC"},
        "status": "ACTIVE",
        "registeredAs": "00041424",
        "legalAddress": {"country": "GB", "postalCode": "CH62 4ZD"},
    }
    attributes = {"lei": LEI, "entity": entity, "registration": {"status": "LAPSED"}}
    data = {"attributes": attributes, "relationships": relationships}
    return said({"meta": {"goldenCopy": {"publishDate": "2026-11-20T08:00:00Z"}}, "data": data})


def matched(*results: object, status: int = 200) -> Canned:
    return said({"responses": {"q1": {"status": status, "results": list(results)}}, "limit": 5})
