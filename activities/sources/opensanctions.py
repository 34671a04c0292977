"""OpenSanctions: search of sanctions lists, exposed and barred persons (yente's /match API).

The hosted service bills per query and month: its 429 lasts to the end of the month.
"""

import json
from collections.abc import Mapping
from typing import Any

from activities.sources.connector import Connector, Extract, Inquire, Inquiry, Nonsense
from activities.wire import HttpRequest
from runtime.settings import Endpoint
from workflows import calls
from workflows.data.identifiers import problem
from workflows.data.sources import (
    Identifier,
    ListHit,
    ScreenAnswer,
    ScreenQuery,
    SourceState,
)

THRESHOLD = 0.7
LIMIT = 10
QUERY = "q1"
MOST_VALUES = 40
"""Of one property. An entry merged from many lists has hundreds of spellings."""
KINDS = dict.fromkeys(("Company", "Organization", "LegalEntity", "PublicBody"), "Company") | {
    "Person": "Person"
}
NAMES = ("name", "alias", "previousName")
PLACES = ("nationality", "citizenship", "jurisdiction", "country")
PROPERTIES = {"GB-COH": "registrationNumber", "LEI": "leiCode", "CIK": "cikCode"}


class OpenSanctions(Connector[ScreenQuery, ScreenAnswer]):
    """All sanctions lists OpenSanctions collects, under its own scoring."""

    call = calls.SCREEN
    service = "opensanctions"
    source = "OpenSanctions"
    licence = "CC BY-NC 4.0"
    dataset = "sanctions"
    """Which collection is searched. Its `default` mixes the exposed with the sanctioned."""

    def inquire(self, query: ScreenQuery, endpoint: Endpoint) -> Inquiry:
        """Ask for the entities most like the party, at or above the threshold."""
        page = yield _match(self.dataset, query, endpoint)
        answer = page.json()["responses"][QUERY]
        if answer["status"] != 200:
            raise Nonsense(f"the query inside the batch was answered {answer['status']}")
        results = [r for r in answer["results"] if r.get("match") or r["score"] >= THRESHOLD]
        hits = tuple(_hit(result) for result in results)
        seen = max((r.get("last_seen") or "" for r in results), default="")
        state = SourceState.FOUND if hits else SourceState.NONE
        return Extract(state, {"hits": hits, "list_version": seen})


class ExposedPersons(OpenSanctions):
    """Politically exposed persons, their families and close associates."""

    call = calls.PEP_SEARCH
    source = "OpenSanctions, exposed persons"
    dataset = "peps"


class DisqualifiedCopy(OpenSanctions):
    """A copy of the British register of disqualified directors."""

    call = calls.DISQUALIFICATIONS_COPY
    source = "OpenSanctions, disqualified directors"
    dataset = "gb_coh_disqualified"


class DebarredCopy(OpenSanctions):
    """Copies of the lists of firms and persons that development banks and states have barred."""

    call = calls.DEBARMENTS_COPY
    source = "OpenSanctions, debarred"
    dataset = "debarment"


def _match(dataset: str, query: ScreenQuery, endpoint: Endpoint) -> Inquire:
    body = {"queries": {QUERY: {"schema": query.kind, "properties": _properties(query)}}}
    headers = {"content-type": "application/json", "accept": "application/json"}
    if endpoint.key:
        headers["authorization"] = f"ApiKey {endpoint.key}"
    path = f"/match/{dataset}?limit={LIMIT}&threshold={THRESHOLD}"
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    # A 404 here means an unknown dataset: our mistake, never "no hit".
    return Inquire(HttpRequest("POST", path, content, headers), absent=frozenset())


def _properties(query: ScreenQuery) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"name": [query.name]}
    if query.country:
        place = "nationality" if query.kind == "Person" else "country"
        found[place] = [query.country.lower()]
    if query.birth_date:
        found["birthDate"] = [query.birth_date.isoformat()]
    for identifier in query.identifiers:
        if name := PROPERTIES.get(identifier.scheme):
            found.setdefault(name, []).append(identifier.value)
    return found


def _hit(result: Mapping[str, Any]) -> ListHit:
    properties = result["properties"]
    programs = properties.get("programId") or properties.get("program") or ()
    return ListHit(
        entry_id=result["id"],
        caption=result["caption"],
        score=result["score"],
        dataset=", ".join(result["datasets"]),
        programs=tuple(programs),
        identifiers=tuple(_identifiers(properties)),
        remarks=" ".join(properties.get("notes") or ())[:4000],
        kind=KINDS.get(result.get("schema") or "", ""),
        names=_values(properties, *NAMES),
        weak_names=_values(properties, "weakAlias"),
        births=_values(properties, "birthDate"),
        countries=tuple(code.upper() for code in _values(properties, *PLACES)),
        positions=_values(properties, "position"),
        topics=_values(properties, "topics"),
    )


def _values(properties: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    found = (str(value) for name in names for value in properties.get(name) or ())
    return tuple(dict.fromkeys(found))[:MOST_VALUES]


def _identifiers(properties: Mapping[str, Any]) -> list[Identifier]:
    """Read identifiers; a registration number counts as British only where it can be."""
    places = properties.get("jurisdiction") or properties.get("country") or ["gb"]
    british = any(place.startswith("gb") for place in places)
    found = [Identifier(scheme="LEI", value=v) for v in properties.get("leiCode") or ()]
    for value in properties.get("registrationNumber") or ():
        fits = british and problem("GB-COH", value) is None
        found.append(Identifier(scheme="GB-COH" if fits else "OTHER", value=value))
    return found
