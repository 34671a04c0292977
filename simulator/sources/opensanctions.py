"""Sanctions search in the shape of the open `/match` API (OpenSanctions, yente).

The search and its scores are ours; the rows are those of the list file.
"""

import re

from pydantic import BaseModel, Field, ValidationError

from simulator.brain.names import number, similarity
from simulator.config import Fault, FaultKind
from simulator.exchange import Asked, Reply, Service, retry_after
from simulator.facts.sanctions import AS_OF, ROWS, Row

DATASETS = ("default", "sanctions", "us_ofac_sdn")
CUTOFF = 0.5
"""Candidates below this score are not shown."""
IDENTIFIED = 0.97
"""Score of an equal identifier, whatever the name."""
_ENTITY = re.compile(r"^/entities/ofac-(\d+)$")
_NUMBERS = ("registrationNumber", "taxNumber", "leiCode", "idNumber", "swiftBic", "cik")


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
        row = next((row for row in ROWS if row.entry == int(found.group(1))), None)
        return _detail(404, "No such entity.") if row is None else Reply(200, _entity(row))
    if asked.method != "POST" or not asked.path.startswith("/match/"):
        return _detail(404, "Not Found")
    if asked.path.removeprefix("/match/") not in DATASETS:
        return _detail(404, "No such dataset.")
    try:
        batch = _Batch.model_validate_json(asked.body)
        options = _Options.model_validate(dict(asked.query))
    except ValidationError as wrong:
        where = ".".join(str(part) for part in wrong.errors()[0]["loc"])
        return _detail(400, f"{where}: {wrong.errors()[0]['msg']}")
    responses = {name: _matched(query, options) for name, query in batch.queries.items()}
    body = {"responses": responses, "limit": options.limit}
    return Reply(200, body, {"x-batch-size": str(len(responses))})


def _matched(query: _Query, options: _Options) -> dict[str, object]:
    scored = [(_score(query, row), row) for row in ROWS] if query.query_schema != "Person" else []
    kept = [(score, row) for score, row in scored if score >= options.cutoff]
    kept.sort(key=lambda pair: (-pair[0], pair[1].entry))
    results = [
        {
            **_entity(row),
            "score": round(score, 3),
            "match": score >= options.threshold,
            "explanations": _explained(query, row),
        }
        for score, row in kept[: options.limit]
    ]
    return {
        "status": 200,
        "results": results,
        "total": {"value": len(kept), "relation": "eq"},
        "query": {"schema": query.query_schema, "properties": query.properties},
    }


def _score(query: _Query, row: Row) -> float:
    by_number = IDENTIFIED if query.numbers() & {number(n) for n in row.registrations} else 0.0
    return max(by_number, _name_score(query, row))


def _name_score(query: _Query, row: Row) -> float:
    names = query.properties.get("name", ())
    pairs = ((name, listed) for name in names for listed in (row.name, *row.aliases))
    return max((similarity(name, listed) for name, listed in pairs), default=0.0)


def _explained(query: _Query, row: Row) -> dict[str, object]:
    same = sorted(query.numbers() & {number(n) for n in row.registrations})
    return {
        "name_match": {"score": round(_name_score(query, row), 3)},
        "identifier_match": {"score": IDENTIFIED if same else 0.0, "detail": ", ".join(same)},
    }


def _entity(row: Row) -> dict[str, object]:
    properties = {
        "name": [row.name],
        "previousName": list(row.aliases),
        "registrationNumber": list(row.registrations),
        "program": list(row.programs),
        "notes": [row.remark],
        "jurisdiction": [row.country] if row.country else [],
        "topics": ["sanction"],
    }
    return {
        "id": f"ofac-{row.entry}",
        "caption": row.name,
        "schema": "Company",
        "properties": {name: values for name, values in properties.items() if values},
        "datasets": ["us_ofac_sdn"],
        "referents": [],
        "target": True,
        "first_seen": None,
        "last_seen": f"{AS_OF}T00:00:00",
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
