"""The UK company register, in the shape of the Companies House public data API."""

import re
from collections.abc import Sequence

from simulator.config import Fault, FaultKind
from simulator.exchange import Asked, Reply, Service, retry_after
from simulator.facts.companies import PROFILES
from simulator.facts.control import BANNED, CONTROLLERS, EXEMPTIONS, OFFICERS, Entry

_COMPANY = re.compile(r"^/company/([A-Z0-9]{8})((?:/[a-z-]+)?)$")
_BANNED = re.compile(r"^/disqualified-officers/natural/(\w+)$")
_SEARCH = "/search/disqualified-officers"
_LIMITS = {
    "x-ratelimit-limit": "600",
    "x-ratelimit-remain": "599",
    "x-ratelimit-window": "5m",
}


def answer(asked: Asked) -> Reply:
    """Answer about a company or a ban; 404 where there is no such record."""
    if asked.method != "GET":
        return _error(404, "not-found")
    if asked.path == _SEARCH:
        return _banned_like(asked)
    if found := _BANNED.match(asked.path):
        known = BANNED.get(found.group(1))
        return Reply(200, known, _LIMITS) if known else _error(404, "not-found")
    found = _COMPANY.match(asked.path)
    if not found:
        return _error(404, "not-found")
    number, part = found.groups()
    if number not in PROFILES:
        return _error(404, "company-profile-not-found")
    return _about(number, part, asked)


def _about(number: str, part: str, asked: Asked) -> Reply:
    """Answer one part of what is known of a company. No company here was ever insolvent, and
    none has statements instead of controllers.
    """
    match part:
        case "":
            return Reply(200, PROFILES[number], _LIMITS)
        case "/exemptions" if number in EXEMPTIONS:
            links = {"self": f"/company/{number}/exemptions"}
            body = {"kind": "exemptions", "links": links, "exemptions": EXEMPTIONS[number]}
            return Reply(200, body, _LIMITS)
        case "/persons-with-significant-control" if number in CONTROLLERS:
            items = CONTROLLERS[number]
            gone = sum(bool(item["ceased"]) for item in items)
            counts = {"active_count": len(items) - gone, "ceased_count": gone}
            return _listed(items, asked, **counts)
        case "/officers":
            officers = OFFICERS.get(number, [])
            gone = sum("resigned_on" in officer for officer in officers)
            counts = {"active_count": len(officers) - gone, "resigned_count": gone}
            return _listed(officers, asked, **counts)
        case _:
            return _error(404, f"company{part.replace('/', '-')}-not-found")


def _listed(items: Sequence[Entry], asked: Asked, **counts: int) -> Reply:
    """Give one page of a list."""
    size = min(int(asked.query.get("items_per_page") or 25), 100)
    start = int(asked.query.get("start_index") or 0)
    body = {
        "items_per_page": size,
        "start_index": start,
        "total_results": len(items),
        **counts,
        "items": items[start : start + size],
        "links": {"self": asked.path},
    }
    return Reply(200, body, _LIMITS)


def _banned_like(asked: Asked) -> Reply:
    """Search persons who share a word of their name with the query, as the register does."""
    wanted = set(asked.query.get("q", "").casefold().split())
    found = []
    for number, person in BANNED.items():
        title = f"{person['forename']} {person['surname']}"
        if wanted & set(title.casefold().split()):
            links = {"self": f"/disqualified-officers/natural/{number}"}
            born = person["date_of_birth"]
            kind = "searchresults#disqualified-officer"
            found.append({"title": title, "date_of_birth": born, "kind": kind, "links": links})
    return _listed(found, asked)


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
