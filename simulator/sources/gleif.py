"""LEI records in the shape of GLEIF's API, version 1 (JSON:API)."""

import re
from collections.abc import Mapping

from simulator.config import Fault, FaultKind
from simulator.exchange import Asked, Reply, Service, retry_after
from simulator.facts.leis import LEIS, Lei

JSON_API = "application/vnd.api+json"
_PATH = re.compile(
    r"^/api/v1/lei-records/([A-Z0-9]{20})"
    r"(?:/(direct|ultimate)-parent(-reporting-exception)?)?$"
)


def answer(asked: Asked) -> Reply:
    """Answer a record, a parent or a reporting exception; 404 is a normal answer."""
    found = _PATH.match(asked.path)
    record = LEIS.get(found.group(1)) if found and asked.method == "GET" else None
    if found is None or record is None:
        return _error(404, "Not Found", "The requested resource was not found.")
    _, level, exception = found.groups()
    if level is None:
        return _found(record)
    if exception:
        return _exception(record, level)
    if parent := (record.ultimate if level == "ultimate" else "") or record.parent:
        return _found(LEIS[parent])
    return _error(404, "Not Found", f"No {level} parent was found.")


def _exception(record: Lei, level: str) -> Reply:
    if not record.exception:
        return _error(404, "Not Found", f"No {level} parent reporting exception was found.")
    attributes = {
        "category": f"{level.upper()}_ACCOUNTING_CONSOLIDATION_PARENT",
        "reason": record.exception,
        "reference": None,
    }
    data = {"type": "reporting-exceptions", "id": f"{record.lei}-{level}", "attributes": attributes}
    return _reply(record, data)


def _found(record: Lei) -> Reply:
    attributes = {
        "lei": record.lei,
        "entity": _entity(record),
        "registration": _registration(record),
        "ocid": f"gb/{record.registered_as}" if record.authority else None,
        "conformityFlag": "CONFORMING" if record.exception else None,
    }
    base = f"/api/v1/lei-records/{record.lei}"
    part = "lei-record" if record.parent else "reporting-exception"
    ending = "" if record.parent else "-reporting-exception"
    relationships = {
        f"{level}-parent": {"links": {part: f"{base}/{level}-parent{ending}"}}
        for level in ("direct", "ultimate")
        if record.parent or record.exception
    }
    data = {
        "type": "lei-records",
        "id": record.lei,
        "attributes": attributes,
        "relationships": relationships,
        "links": {"self": base},
    }
    return _reply(record, data)


def _entity(record: Lei) -> dict[str, object]:
    address = {
        "language": record.language,
        "addressLines": list(record.lines),
        "city": record.city,
        "region": record.region or None,
        "country": record.country,
        "postalCode": record.postcode,
    }
    return {
        "legalName": {"name": record.name, "language": record.language},
        "otherNames": [],
        "legalAddress": address,
        "headquartersAddress": address,
        "registeredAt": {"id": record.authority or None, "other": None},
        "registeredAs": record.registered_as or None,
        "jurisdiction": record.country,
        "category": "GENERAL",
        "legalForm": {"id": record.legal_form or None, "other": None},
        "status": record.status,
        "creationDate": record.created or None,
        "expiration": {"date": None, "reason": None},
        "successorEntity": {"lei": None, "name": None},
    }


def _registration(record: Lei) -> dict[str, object]:
    return {
        "initialRegistrationDate": record.first_registered or None,
        "lastUpdateDate": record.updated or None,
        "status": record.registration,
        "nextRenewalDate": record.next_renewal or None,
        "managingLou": record.issuer or None,
        "corroborationLevel": "FULLY_CORROBORATED" if record.next_renewal else None,
        "validatedAs": record.registered_as or None,
    }


def _reply(record: Lei, data: Mapping[str, object]) -> Reply:
    meta = {"goldenCopy": {"publishDate": record.published}}
    return Reply(200, {"meta": meta, "data": data}, media_type=JSON_API)


def _error(status: int, title: str, detail: str) -> Reply:
    error = {"status": str(status), "title": title, "detail": detail}
    return Reply(status, {"errors": [error]}, media_type=JSON_API)


def failure(fault: Fault) -> Reply:
    """Word a fault as GLEIF does."""
    match fault.kind:
        case FaultKind.RATE_LIMITED | FaultKind.QUOTA:
            limited = _error(fault.status or 429, "Too Many Requests", "Slow down.")
            return Reply(
                limited.status, limited.body, retry_after(fault, 60.0), media_type=JSON_API
            )
        case FaultKind.OVERLOADED:
            return _error(fault.status or 503, "Service Unavailable", "Try again later.")
        case _:
            return _error(fault.status or 500, "Internal Server Error", "Something went wrong.")


SERVICE = Service(answer, failure)
