"""Companies House: who runs a company, who may not, and whether it was insolvent."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from activities.sources.companies_house import ask_register
from activities.sources.connector import NO_RECORD, Connector, Extract, Inquiry, day
from activities.sources.owners import born, listed
from runtime.settings import Endpoint
from workflows import calls
from workflows.data.registers import (
    Disqualification,
    DisqualificationsAnswer,
    DisqualificationsQuery,
    Insolvency,
    InsolvencyAnswer,
    InsolvencyQuery,
    Officer,
    OfficersAnswer,
    OfficersQuery,
)
from workflows.data.sources import SourceState

SERVICE = "companies_house"
LICENCE = "Open Government Licence 3.0"
MOST_PERSONS = 20
"""Persons of a search that are listed."""
MOST_DETAILS = 5
"""Persons of a search whose bans are looked up: those of the same year of birth first."""

BEGAN = frozenset(
    {
        "instrumented-on",
        "petitioned-on",
        "ordered-to-wind-up-on",
        "wound-up-on",
        "administration-started-on",
        "voluntary-arrangement-started-on",
        "moratorium-started-on",
        "declaration-solvent-on",
    }
)
ENDED = frozenset(
    {
        "concluded-winding-up-on",
        "administration-ended-on",
        "administration-discharged-on",
        "case-end-on",
        "voluntary-arrangement-ended-on",
        "moratorium-ended-on",
        "dissolved-on",
    }
)
"""Kinds of dates of an insolvency case."""


class CompaniesHouseOfficers(Connector[OfficersQuery, OfficersAnswer]):
    """Directors and secretaries by company number, those who resigned included."""

    call = calls.OFFICERS
    service, licence = SERVICE, LICENCE
    source = "UK Companies House, officers"

    def inquire(self, query: OfficersQuery, endpoint: Endpoint) -> Inquiry:
        """Ask for the officers, page by page."""
        path = f"/company/{quote(query.identifier.value, safe='')}/officers"
        items, total = yield from listed(path, endpoint)
        if not items:
            return NO_RECORD
        fields = {"officers": tuple(_officer(item) for item in items), "total": total}
        return Extract(SourceState.FOUND, fields)


class DisqualifiedOfficers(Connector[DisqualificationsQuery, DisqualificationsAnswer]):
    """The register of disqualified directors, by name."""

    call = calls.DISQUALIFICATIONS
    service, licence = SERVICE, LICENCE
    source = "UK Companies House, disqualified officers"

    def inquire(self, query: DisqualificationsQuery, endpoint: Endpoint) -> Inquiry:
        """Search by name, then look up the bans of those whose birth does not speak against it."""
        words = quote(query.name, safe="")
        where = f"/search/disqualified-officers?q={words}&items_per_page={MOST_PERSONS}"
        found = yield ask_register(where, endpoint)
        items = (found.json()["items"] or []) if found.found else []
        nearest = sorted(items, key=lambda item: not _may_be(item, query))
        persons = []
        for number, item in enumerate(nearest[:MOST_PERSONS]):
            details: Mapping[str, Any] = {}
            if number < MOST_DETAILS and _may_be(item, query):
                page = yield ask_register(item["links"]["self"], endpoint)
                details = page.json() if page.found else {}
            persons.append(_disqualified(item, details))
        state = SourceState.FOUND if persons else SourceState.NONE
        return Extract(state, {"persons": tuple(persons)})


class CompaniesHouseInsolvency(Connector[InsolvencyQuery, InsolvencyAnswer]):
    """Insolvency cases by company number."""

    call = calls.INSOLVENCY
    service, licence = SERVICE, LICENCE
    source = "UK Companies House, insolvency"

    def inquire(self, query: InsolvencyQuery, endpoint: Endpoint) -> Inquiry:
        """Ask for the cases; 404 is the documented "none on file"."""
        number = quote(query.identifier.value, safe="")
        page = yield ask_register(f"/company/{number}/insolvency", endpoint)
        if not page.found:
            return NO_RECORD
        cases = tuple(_case(item) for item in page.json()["cases"] or [])
        return Extract(SourceState.FOUND if cases else SourceState.NONE, {"cases": cases})


def _officer(item: Mapping[str, Any]) -> Officer:
    role = item.get("officer_role") or ""
    return Officer(
        name=item["name"],
        role=role,
        kind="company" if role.startswith("corporate") else "person",
        birth=born(item.get("date_of_birth")),
        nationality=item.get("nationality") or "",
        appointed=day(item.get("appointed_on")),
        resigned=day(item.get("resigned_on")),
    )


def _may_be(item: Mapping[str, Any], query: DisqualificationsQuery) -> bool:
    theirs = item.get("date_of_birth") or ""
    return not theirs or not query.birth or theirs.startswith(query.birth[:7])


def _disqualified(item: Mapping[str, Any], details: Mapping[str, Any]) -> Disqualification:
    """Read a person; of several bans the one that ends last."""
    bans = details.get("disqualifications") or []
    nothing: Mapping[str, Any] = {}
    last = max(bans, key=lambda ban: ban.get("disqualified_until") or "", default=nothing)
    reason = last.get("reason") or {}
    words = (reason.get("act"), reason.get("description_identifier"))
    return Disqualification(
        name=item["title"],
        birth=item.get("date_of_birth") or "",
        until=day(last.get("disqualified_until")),
        reason=", ".join(str(word) for word in words if word),
    )


def _case(item: Mapping[str, Any]) -> Insolvency:
    dates = {entry["type"]: day(entry["date"]) for entry in item.get("dates") or []}
    began = [when for kind, when in dates.items() if kind in BEGAN and when]
    ended = [when for kind, when in dates.items() if kind in ENDED and when]
    return Insolvency(
        kind=item["type"],
        number=str(item.get("number") or ""),
        began=min(began, default=None),
        ended=max(ended, default=None),
    )
