"""The UK company register, in the shape of the Companies House public data API."""

import re

from simulator.config import Fault, FaultKind
from simulator.exchange import Asked, Reply, Service, retry_after
from simulator.facts.companies import CONTROLLERS, EXEMPTIONS, PROFILES

_PATH = re.compile(r"^/company/([A-Z0-9]{8})(|/persons-with-significant-control|/exemptions)$")
_LIMITS = {
    "x-ratelimit-limit": "600",
    "x-ratelimit-remain": "599",
    "x-ratelimit-window": "5m",
}


def answer(asked: Asked) -> Reply:
    """Answer a profile, its controllers or its exemptions; 404 where there is no such record."""
    found = _PATH.match(asked.path)
    if not found or asked.method != "GET":
        return _error(404, "not-found")
    number, part = found.groups()
    if number not in PROFILES:
        return _error(404, "company-profile-not-found")
    if not part:
        return Reply(200, PROFILES[number], _LIMITS)
    if part == "/exemptions":
        return _exemptions(number)
    return _controllers(number)


def _exemptions(number: str) -> Reply:
    if number not in EXEMPTIONS:
        return _error(404, "company-exemptions-not-found")
    body = {
        "kind": "exemptions",
        "links": {"self": f"/company/{number}/exemptions"},
        "exemptions": EXEMPTIONS[number],
    }
    return Reply(200, body, _LIMITS)


def _controllers(number: str) -> Reply:
    items = CONTROLLERS.get(number)
    if not items:
        return _error(404, "company-persons-with-significant-control-not-found")
    ceased = sum(bool(item["ceased"]) for item in items)
    body = {
        "items_per_page": 25,
        "start_index": 0,
        "total_results": len(items),
        "active_count": len(items) - ceased,
        "ceased_count": ceased,
        "items": items,
        "links": {"self": f"/company/{number}/persons-with-significant-control"},
    }
    return Reply(200, body, _LIMITS)


def _error(status: int, word: str) -> Reply:
    return Reply(status, {"errors": [{"error": word, "type": "ch:service"}]}, _LIMITS)


def failure(fault: Fault) -> Reply:
    """Word a fault as the register does."""
    match fault.kind:
        case FaultKind.RATE_LIMITED | FaultKind.QUOTA:
            limited = _error(fault.status or 429, "too-many-requests")
            return Reply(limited.status, limited.body, {**_LIMITS, **retry_after(fault, 300.0)})
        case FaultKind.OVERLOADED:
            return _error(fault.status or 503, "service-unavailable")
        case _:
            return _error(fault.status or 500, "internal-server-error")


SERVICE = Service(answer, failure)
