"""Sanctions search in the shape of the open `/match` API (OpenSanctions, yente).

The search and its scores are ours; the sanctioned are those of the list file, the exposed and the
barred are invented.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from simulator.brain.names import number, similarity
from simulator.config import Fault, FaultKind
from simulator.exchange import Asked, Reply, Service, retry_after
from simulator.facts import exposed
from simulator.facts.barred import BARRED
from simulator.facts.control import BANNED
from simulator.facts.exposed import Exposed
from simulator.facts.sanctions import AS_OF, CODES, ROWS, Row

CUTOFF = 0.5
"""Candidates below this score are not shown."""
IDENTIFIED = 0.97
"""Score of an equal identifier, whatever the name."""
_ENTITY = re.compile(r"^/entities/([a-z]+-\d+)$")
_NUMBERS = ("registrationNumber", "taxNumber", "leiCode", "idNumber", "swiftBic", "cik")


@dataclass(frozen=True)
class _Listed:
    """One entity of a dataset, its properties as the API names them."""

    id: str
    schema: str
    dataset: str
    seen: str
    properties: dict[str, list[str]]

    @property
    def names(self) -> list[str]:
        """All names it is known by."""
        named = ("name", "alias", "previousName", "weakAlias")
        return [value for name in named for value in self.properties.get(name, ())]

    @property
    def numbers(self) -> set[str]:
        """Its identifiers, in a plain form."""
        return {number(v) for name in _NUMBERS for v in self.properties.get(name, ())} - {""}


def _sanctioned(row: Row) -> _Listed:
    places = [CODES[country] for country in row.countries if country in CODES]
    properties = {
        "name": [row.name],
        "alias" if row.person else "previousName": list(row.aliases),
        "weakAlias": list(row.weak),
        "registrationNumber": list(row.registrations),
        "leiCode": list(row.lei),
        "program": list(row.programs),
        "notes": [row.remark] if row.remark else [],
        "jurisdiction": [row.country] if row.country else [],
        "country": places,
        "birthDate": list(row.born),
        "nationality": list(row.nationalities),
        "topics": ["sanction"],
    }
    kept = {name: values for name, values in properties.items() if values}
    schema = "Person" if row.person else "Company"
    return _Listed(f"ofac-{row.entry}", schema, "us_ofac_sdn", AS_OF, kept)


def _exposed(person: Exposed) -> _Listed:
    properties = {
        "name": [person.name],
        "alias": list(person.aliases),
        "birthDate": [person.born],
        "nationality": [person.country],
        "position": list(person.positions),
        "topics": [person.topic],
    }
    kept = {name: values for name, values in properties.items() if values}
    return _Listed(person.entry, "Person", "invented_peps", exposed.AS_OF, kept)


def _disqualified(number: str, person: Mapping[str, Any]) -> _Listed:
    properties = {
        "name": [f"{person['forename']} {person['surname']}"],
        "birthDate": [person["date_of_birth"]],
        "topics": ["corp.disqual"],
    }
    return _Listed(f"gb-{number}", "Person", "gb_coh_disqualified", exposed.AS_OF, properties)


def _debarred(row: Mapping[str, str]) -> _Listed:
    schema = "Person" if row["SUPP_TYPE_CODE"] == "I" else "Company"
    properties = {
        "name": [row["SUPP_NAME"]],
        "country": [row["LAND1"].lower()],
        "topics": ["debarment"],
        "notes": [f"until {row['DEBAR_TO_DATE']}"],
    }
    return _Listed(f"wb-{row['SUPP_ID']}", schema, "worldbank_debarred", exposed.AS_OF, properties)


SANCTIONS = tuple(_sanctioned(row) for row in ROWS)
PEPS = tuple(_exposed(person) for person in exposed.EXPOSED)
BARS = tuple(_debarred(row) for row in BARRED)
BANS = tuple(_disqualified(number, person) for number, person in BANNED.items())
DATASETS = {
    "default": (*SANCTIONS, *PEPS, *BARS, *BANS),
    "sanctions": SANCTIONS,
    "us_ofac_sdn": SANCTIONS,
    "peps": PEPS,
    "debarment": BARS,
    "gb_coh_disqualified": BANS,
}


class _Query(BaseModel):
    query_schema: str = Field(alias="schema")
    properties: dict[str, list[str]] = {}

    def numbers(self) -> set[str]:
        return {number(v) for name in _NUMBERS for v in self.properties.get(name, ())} - {""}


class _Batch(BaseModel):
    queries: dict[str, _Query] = Field(min_length=1, max_length=100)


class _Options(BaseModel):
    limit: int = Field(default=5, ge=1, le=500)
    threshold: float = Field(default=0.7, ge=0, le=1)
    cutoff: float = Field(default=CUTOFF, ge=0, le=1)


def answer(asked: Asked) -> Reply:
    """Answer a batch of queries by example, or one entity."""
    if asked.method == "GET" and (found := _ENTITY.match(asked.path)):
        known = (one for one in DATASETS["default"] if one.id == found.group(1))
        entity = next(known, None)
        return Reply(200, _entity(entity)) if entity else _detail(404, "No such entity.")
    if asked.method != "POST" or not asked.path.startswith("/match/"):
        return _detail(404, "Not Found")
    dataset = DATASETS.get(asked.path.removeprefix("/match/"))
    if dataset is None:
        return _detail(404, "No such dataset.")
    try:
        batch = _Batch.model_validate_json(asked.body)
        options = _Options.model_validate(dict(asked.query))
    except ValidationError as wrong:
        where = ".".join(str(part) for part in wrong.errors()[0]["loc"])
        return _detail(400, f"{where}: {wrong.errors()[0]['msg']}")
    responses = {n: _matched(query, options, dataset) for n, query in batch.queries.items()}
    body = {"responses": responses, "limit": options.limit}
    return Reply(200, body, {"x-batch-size": str(len(responses))})


def _matched(query: _Query, options: _Options, dataset: Iterable[_Listed]) -> dict[str, object]:
    person = query.query_schema == "Person"
    scored = [(_score(query, one), one) for one in dataset if (one.schema == "Person") is person]
    kept = [(score, one) for score, one in scored if score >= options.cutoff]
    kept.sort(key=lambda pair: (-pair[0], pair[1].id))
    results = [
        {
            **_entity(one),
            "score": round(score, 3),
            "match": score >= options.threshold,
            "explanations": _explained(query, one),
        }
        for score, one in kept[: options.limit]
    ]
    return {
        "status": 200,
        "results": results,
        "total": {"value": len(kept), "relation": "eq"},
        "query": {"schema": query.query_schema, "properties": query.properties},
    }


def _score(query: _Query, one: _Listed) -> float:
    by_number = IDENTIFIED if query.numbers() & one.numbers else 0.0
    return max(by_number, _name_score(query, one))


def _name_score(query: _Query, one: _Listed) -> float:
    names = query.properties.get("name", ())
    pairs = ((name, listed) for name in names for listed in one.names)
    return max((similarity(name, listed) for name, listed in pairs), default=0.0)


def _explained(query: _Query, one: _Listed) -> dict[str, object]:
    same = sorted(query.numbers() & one.numbers)
    return {
        "name_match": {"score": round(_name_score(query, one), 3)},
        "identifier_match": {"score": IDENTIFIED if same else 0.0, "detail": ", ".join(same)},
    }


def _entity(one: _Listed) -> dict[str, object]:
    return {
        "id": one.id,
        "caption": one.names[0],
        "schema": one.schema,
        "properties": one.properties,
        "datasets": [one.dataset],
        "referents": [],
        "target": True,
        "first_seen": None,
        "last_seen": f"{one.seen}T00:00:00",
        "last_change": None,
    }


def _detail(status: int, text: str) -> Reply:
    return Reply(status, {"detail": text})


def failure(fault: Fault) -> Reply:
    """Word a fault as the API does: a used-up month is a 429 without a waiting time."""
    match fault.kind:
        case FaultKind.QUOTA:
            return _detail(fault.status or 429, "Your monthly API quota has been exceeded.")
        case FaultKind.RATE_LIMITED:
            limited = _detail(fault.status or 429, "Too many requests.")
            return Reply(limited.status, limited.body, retry_after(fault, 1.0))
        case FaultKind.OVERLOADED:
            return _detail(fault.status or 503, "Search service is not available.")
        case _:
            return _detail(fault.status or 500, "Internal server error.")


SERVICE = Service(answer, failure)
