"""Filings and figures in the shape of the SEC's EDGAR data API."""

import re

from simulator.config import Fault, FaultKind
from simulator.exchange import Asked, Reply, Service, page, retry_after
from simulator.facts.registrants import ANNUAL, FIGURES, REGISTRANTS, Figure, Registrant

_SUBMISSIONS = re.compile(r"^/submissions/CIK(\d{10})\.json$")
_FACTS = re.compile(r"^/api/xbrl/companyfacts/CIK(\d{10})\.json$")
_CONTACT = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_BLOCKED = "Your Request Originates from an Undeclared Automated Tool"


def answer(asked: Asked) -> Reply:
    """Answer submissions or figures; 403 unless the User-Agent holds a contact address."""
    if not _CONTACT.search(asked.headers.get("user-agent", "")):
        return page(403, _BLOCKED, "Declare your traffic by a User-Agent with a contact mail.")
    found = _SUBMISSIONS.match(asked.path)
    if asked.method == "GET" and found and (known := REGISTRANTS.get(found.group(1))):
        return Reply(200, _submissions(known))
    found = _FACTS.match(asked.path)
    if asked.method == "GET" and found and found.group(1) in FIGURES:
        return Reply(200, _facts(REGISTRANTS[found.group(1)]))
    return Reply(404, b"<Error><Code>NoSuchKey</Code></Error>", media_type="application/xml")


def _submissions(known: Registrant) -> dict[str, object]:
    return {
        "cik": known.cik,
        "entityType": known.kind,
        "sic": known.sic,
        "sicDescription": known.sic_text,
        "name": known.name,
        "tickers": [],
        "exchanges": [],
        "ein": known.ein or None,
        "lei": None,
        "category": known.category,
        "fiscalYearEnd": known.fiscal_year_end,
        "stateOfIncorporation": known.state,
        "stateOfIncorporationDescription": known.state,
        "addresses": {"mailing": _address(known), "business": _address(known)},
        "phone": known.phone,
        "formerNames": [],
        "filings": {"recent": _recent(known), "files": []},
    }


def _address(known: Registrant) -> dict[str, object]:
    return {
        "street1": known.street[0] or None,
        "street2": known.street[1] or None,
        "city": known.city or None,
        "stateOrCountry": known.region or None,
        "zipCode": known.zip_code or None,
    }


def _recent(known: Registrant) -> dict[str, list[str]]:
    """Lay the filings out in parallel arrays, as EDGAR does."""
    return {
        "accessionNumber": [f.accession for f in known.filings],
        "filingDate": [f.filed for f in known.filings],
        "reportDate": [f.report for f in known.filings],
        "form": [f.form for f in known.filings],
        "items": [f.items for f in known.filings],
        "primaryDocument": [f.document for f in known.filings],
    }


def _facts(known: Registrant) -> dict[str, object]:
    concepts: dict[str, list[dict[str, object]]] = {}
    for figure in FIGURES[known.cik]:
        concepts.setdefault(figure.concept, []).append(_reported(figure))
    gaap = {name: {"label": name, "units": {"USD": rows}} for name, rows in concepts.items()}
    return {"cik": int(known.cik), "entityName": known.name, "facts": {"us-gaap": gaap}}


def _reported(figure: Figure) -> dict[str, object]:
    accession, (form, filed, year) = next(
        (a, report) for a, report in ANNUAL.items() if figure.end.startswith(str(report[2]))
    )
    start = {"start": figure.start} if figure.start else {}
    return {
        **start,
        "end": figure.end,
        "val": figure.value,
        "accn": accession,
        "fy": year,
        "fp": "FY",
        "form": form,
        "filed": filed,
    }


def failure(fault: Fault) -> Reply:
    """Word a fault as EDGAR does: pages, whatever was asked for."""
    match fault.kind:
        case FaultKind.RATE_LIMITED | FaultKind.QUOTA:
            title = "Request Rate Threshold Exceeded"
            shown = page(fault.status or 429, title, "Reduce your rate and try again.")
            return Reply(shown.status, shown.body, retry_after(fault, 600.0), shown.media_type)
        case FaultKind.OVERLOADED:
            return page(fault.status or 503, "Service Unavailable", "Try again later.")
        case _:
            return page(fault.status or 500, "Internal Server Error", "Something went wrong.")


SERVICE = Service(answer, failure)
