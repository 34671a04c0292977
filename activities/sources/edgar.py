"""EDGAR of the US Securities and Exchange Commission: registrants, filings, reported figures.

No key, but a User-Agent with a contact address; without one it answers 403 or a web page.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import zip_longest
from typing import Any

from activities.sources.connector import (
    NO_RECORD,
    Connector,
    Extract,
    Inquire,
    Inquiry,
    Page,
    Reckoning,
    get,
)
from runtime.settings import Endpoint
from workflows import calls
from workflows.data.sources import (
    Company,
    CompanyAnswer,
    CompanyQuery,
    Fact,
    FactsAnswer,
    FactsQuery,
    Filing,
    FilingsAnswer,
    FilingsQuery,
    SourceState,
)
from workflows.data.statements import CONCEPTS

SERVICE = "edgar"
SOURCE = "SEC EDGAR"
LICENCE = "public domain"
DEMO_CONTACT = "braid@example.com"

FORMS = ("8-K", "10-K", "10-Q", "20-F", "40-F", "6-K", "NT ", "15-", "15F", "25")
"""Beginnings of the forms that speak about a company's state; trades of insiders do not."""
PERIODIC = ("8-K", "10-K", "10-Q", "20-F", "40-F", "6-K")
MOST_FILINGS = 200
PERIODS = 3
"""Period ends kept per concept, the latest ones."""
YEAR = range(350, 381)
"""Days of a fiscal year: 52 or 53 weeks and all between, not several years in a sum."""

ANNUAL = ("10-K", "20-F", "40-F")
"""Beginnings of the forms whose figures count: the others' balances are of quarters."""
NAMES = frozenset(name for names in CONCEPTS.values() for name in names)


class Registrants(Connector[CompanyQuery, CompanyAnswer]):
    """Companies registered with the SEC, by CIK."""

    call = calls.COMPANY
    service, source, licence = SERVICE, SOURCE, LICENCE

    def inquire(self, query: CompanyQuery, endpoint: Endpoint) -> Inquiry:
        """Ask for the registrant's record."""
        page = yield _submissions(query.identifier.value, endpoint)
        if not page.found:
            return NO_RECORD
        return Extract(SourceState.FOUND, {"company": _registrant(page.json())})


class Filings(Connector[FilingsQuery, FilingsAnswer]):
    """A registrant's filings on its own state, newest first, at most 200 of the recent list."""

    call = calls.FILINGS
    service, source, licence = SERVICE, SOURCE, LICENCE

    def inquire(self, query: FilingsQuery, endpoint: Endpoint) -> Inquiry:
        """Ask for the registrant's submissions."""
        page = yield _submissions(query.cik, endpoint)
        if not page.found:
            return NO_RECORD
        record = page.json()
        told = [filing for filing in _filings(record) if filing.form.startswith(FORMS)]
        fields = {
            "name": record["name"],
            "jurisdiction": record.get("stateOfIncorporation") or "",
            "industry": str(record.get("sic") or ""),
            "filings": tuple(told[:MOST_FILINGS]),
        }
        return Extract(SourceState.FOUND, fields)


class CompanyFacts(Connector[FactsQuery, FactsAnswer]):
    """A registrant's yearly figures of the concepts that credit ratios need."""

    call = calls.FACTS
    service, source, licence = SERVICE, SOURCE, LICENCE

    def inquire(self, query: FactsQuery, endpoint: Endpoint) -> Inquiry:
        """Ask for the figures; 404 means that none were ever reported in XBRL."""
        page = yield _get(f"/api/xbrl/companyfacts/CIK{query.cik}.json", endpoint)
        if not page.found:
            return NO_RECORD
        return Reckoning(reported, (page.body,), (), _told)


def _told(facts: tuple[Fact, ...]) -> Extract:
    latest = max((fact.filed for fact in facts), default=None)
    state = SourceState.FOUND if facts else SourceState.NONE
    return Extract(state, {"facts": facts}, latest)


def _get(path: str, endpoint: Endpoint) -> Inquire:
    contact = endpoint.key or DEMO_CONTACT
    return get(path, {"user-agent": f"braid {contact}"})


def _submissions(cik: str, endpoint: Endpoint) -> Inquire:
    return _get(f"/submissions/CIK{cik}.json", endpoint)


def _registrant(record: Mapping[str, Any]) -> Company:
    office = (record.get("addresses") or {}).get("business") or {}
    names = ("street1", "street2", "city", "stateOrCountry", "zipCode")
    return Company(
        name=record["name"],
        number=str(record["cik"]).zfill(10),
        status=_status(_filings(record)),
        kind=record.get("entityType") or "",
        address=", ".join(str(office[name]) for name in names if office.get(name)),
        postcode=office.get("zipCode") or "",
    )


def _status(filings: list[Filing]) -> str:
    """Say `deregistered` after a form 15 that no periodic report followed, else `active`."""
    for filing in filings:
        if filing.form.startswith(PERIODIC):
            return "active"
        if filing.form.startswith("15"):
            return "deregistered"
    return "active"


def _filings(record: Mapping[str, Any]) -> list[Filing]:
    """Read the parallel arrays of recent filings, newest first."""
    recent = record["filings"]["recent"]
    forms, filed, numbers = recent["form"], recent["filingDate"], recent["accessionNumber"]
    items = recent.get("items") or []
    rows = zip_longest(forms, filed, numbers, items)
    filings = [
        Filing(form=form, filed=day, accession=number, items=_items(form, text))
        for form, day, number, text in rows
    ]
    return sorted(filings, key=lambda filing: filing.filed, reverse=True)


def _items(form: str, text: str | None) -> tuple[str, ...]:
    """Read the item numbers of an 8-K; other forms use the field for something else."""
    if not text or not form.startswith("8-K"):
        return ()
    return tuple(item.strip() for item in text.split(",") if item.strip())


def reported(pages: tuple[bytes]) -> tuple[Fact, ...]:
    """Read what a registrant ever reported: megabytes. Raises Nonsense and what JSON brings."""
    return tuple(_facts(Page(pages[0], found=True).json()))


def _facts(record: Mapping[str, Any]) -> Iterator[Fact]:
    """Give the latest filed value per concept and period end, latest ends first."""
    for taxonomy in record["facts"].values():
        for concept in sorted(NAMES & taxonomy.keys()):
            for unit, values in taxonomy[concept]["units"].items():
                latest = {}
                for value in sorted(values, key=lambda v: v["filed"]):
                    if _yearly(value):
                        latest[value["end"]] = value
                for end in sorted(latest, reverse=True)[:PERIODS]:
                    yield Fact(
                        concept=concept,
                        unit=unit,
                        end=end,
                        value=latest[end]["val"],
                        filed=latest[end]["filed"],
                    )


def _yearly(value: Mapping[str, Any]) -> bool:
    """Keep figures of annual reports: balances, and flows over one whole year."""
    if not str(value.get("form", ANNUAL[0])).startswith(ANNUAL):
        return False
    if not value.get("start"):
        return True
    time = date.fromisoformat(value["end"]) - date.fromisoformat(value["start"])
    return time.days in YEAR
