"""Read ownership graphs in the Beneficial Ownership Data Standard (BODS) 0.4, from JSON lines."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cli.errors import BadInput
from workflows.data.registers import Holder, Interest, InterestKind
from workflows.data.sources import Identifier
from workflows.rules.ownership.graph import Graph

LARGEST = 64 * 2**20
"""Bytes of a file that are read at most; a hundred times the largest real one we know."""
MOST = 200_000
"""Statements of a file."""
_CUT = "cut the file, for example to the statements of one group"
_KINDS = {
    "shareholding": InterestKind.SHARES,
    "votingRights": InterestKind.VOTES,
    "appointmentOfBoard": InterestKind.APPOINTMENTS,
}
"""Interests of BODS by their type; every other one is influence of some kind."""
_NO_CONTROL = {"rightsToSurplusAssetsOnDissolution", "rightsToProfitOrIncome"}
"""Rights to money without a say, which are no control and are left out."""
_IN_TRUST = {"settlor", "trustee", "protector", "beneficiaryOfLegalArrangement"}
_ENTITIES = {
    "registeredEntity": "company",
    "legalEntity": "company",
    "arrangement": "trust",
    "state": "state",
    "stateBody": "state",
}


@dataclass
class BodsFile:
    """A graph with the record ids of the file. `left_out` says what was passed over, and why."""

    graph: Graph = field(default_factory=Graph)
    records: dict[str, str] = field(default_factory=dict)
    """Record id and statement id -> the party's key in the graph."""
    left_out: dict[str, int] = field(default_factory=dict)

    def skip(self, why: str) -> None:
        """Count what is passed over."""
        self.left_out[why] = self.left_out.get(why, 0) + 1


def read_file(path: Path) -> BodsFile:
    """Read a file. Raises BadInput with line, field and mend."""
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise BadInput(f"{path}: {size} bytes, {LARGEST} are read at most; {_CUT}")
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); give a JSONL file") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: byte {error.start} is not UTF-8; save it as UTF-8") from error
    return read_lines(text.split("\n"), str(path))


def read_lines(lines: Iterable[str], name: str) -> BodsFile:
    """Read statements, one a line, in any order. Raises BadInput as `read_file` does."""
    found = BodsFile()
    links = []
    for number, line in enumerate(lines, 1):
        where = f"{name}, line {number}"
        if not line.strip():
            continue
        if number > MOST:
            raise BadInput(f"{where}: more than {MOST} statements; {_CUT}")
        statement = _parsed(line, where)
        kind = _word(statement, "recordType", where)
        if kind == "relationship":
            links.append((where, statement))
        elif kind in ("entity", "person"):
            _take_party(found, statement, kind, where)
        else:
            raise BadInput(
                f"{where}, recordType: {kind!r} is unknown; BODS 0.4 has entity, person and"
                " relationship (a file of version 0.3 must be converted first)"
            )
    for where, statement in links:
        _take_link(found, statement, where)
    if not found.graph.parties:
        raise BadInput(f"{name}: no statement of an entity or person; give a BODS 0.4 file")
    return found


def _parsed(line: str, where: str) -> dict[str, Any]:
    try:
        statement = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where}: no JSON ({error}); write one statement a line") from error
    if not isinstance(statement, dict):
        raise BadInput(f"{where}: no object; write one BODS statement a line")
    return statement


def _take_party(found: BodsFile, statement: Mapping[str, Any], kind: str, where: str) -> None:
    record = _word(statement, "recordId", where)
    details = _inner(statement, "recordDetails", where)
    key = found.graph.party(_holder(details, kind, where), near=record)
    found.records[record] = key
    if isinstance(statement.get("statementId"), str):
        found.records[statement["statementId"]] = key


def _holder(details: Mapping[str, Any], kind: str, where: str) -> Holder:
    if kind == "person":
        said = "person" if details.get("personType", "knownPerson") == "knownPerson" else "unknown"
        names = [n.get("fullName") for n in _objects(details, "names", where)]
    else:
        said = _ENTITIES.get(_inner(details, "entityType", where).get("type", ""), "unknown")
        names = [details.get("name")]
    name = next((n for n in names if isinstance(n, str) and n), None)
    if name is None and said != "unknown":
        raise BadInput(f"{where}, name: there is none; name the party or mark it as unknown")
    fields = {
        "kind": said,
        "name": (name or "(not named)")[:300],
        "country": _country(details.get("incorporatedInJurisdiction")),
        "birth": str(details.get("birthDate") or "")[:10],
        "identifiers": tuple(
            Identifier(scheme=i["scheme"], value=i["id"])
            for i in _objects(details, "identifiers", where)
            if isinstance(i.get("scheme"), str) and isinstance(i.get("id"), str) and i["id"]
        ),
        "nationality": tuple(_country(n) for n in _objects(details, "nationalities", where)),
    }
    return Holder.model_validate(fields)


def _take_link(found: BodsFile, statement: Mapping[str, Any], where: str) -> None:
    details = _inner(statement, "recordDetails", where)
    company = _party(found, details, "subject", where)
    holder = _party(found, details, "interestedParty", where)
    interests = [
        _interest(i, where)
        for i in _objects(details, "interests", where)
        if not i.get("endDate") and i.get("type") not in _NO_CONTROL and _counts(i)
    ]
    if statement.get("recordStatus") == "closed":
        found.skip("relationships that are closed")
    elif company is None or holder is None:
        found.skip("relationships with a side that is not in the file")
    elif not interests:
        found.skip("relationships without an interest that counts and goes on")
    else:
        found.graph.link(company, holder, interests)


def _counts(interest: Mapping[str, Any]) -> bool:
    """A branch is the same legal person, and a fund's manager does not own it."""
    return not any(w in str(interest.get("details")) for w in ("INTERNATIONAL_BRANCH", "FUND-"))


def _party(found: BodsFile, details: Mapping[str, Any], side: str, where: str) -> str | None:
    """Give the party on one side. An unspecified holder counts as one that is not known."""
    given = details.get(side)
    if isinstance(given, str):
        return found.records.get(given)
    if isinstance(given, dict):
        named = next((v for k, v in given.items() if k.startswith("describedBy")), None)
        if isinstance(named, str):
            return found.records.get(named)
        if side == "interestedParty" and given.get("reason"):
            name = f"(not named: {given['reason']})"[:300]
            return found.graph.party(Holder(kind="unknown", name=name), near=where)
    raise BadInput(f"{where}, {side}: {given!r} is no reference; write a recordId")


def _interest(given: Mapping[str, Any], where: str) -> Interest:
    kind, words = given.get("type"), str(given.get("details") or "")
    if not isinstance(kind, str):
        raise BadInput(f"{where}, interests.type: {kind!r}; write a type of BODS 0.4")
    share = given.get("share") or {}
    if not isinstance(share, dict):
        raise BadInput(f"{where}, interests.share: {share!r}; write minimum and maximum")
    low, high = _percent(share, "minimum", where), _percent(share, "maximum", where)
    if share.get("exact") not in (None, ""):
        low = high = _percent(share, "exact", where)
    if low is not None and high is not None and low > high:
        raise BadInput(f"{where}, interests.share: minimum {low} is above maximum {high}")
    is_parent = "CONSOLIDATED_BY" in words
    try:
        return Interest(
            kind=InterestKind.CONSOLIDATION
            if is_parent
            else _KINDS.get(kind, InterestKind.INFLUENCE),
            min_pct=low,
            max_pct=high,
            trust=kind in _IN_TRUST or "as-trust" in words,
            nominee="nominee" in (kind + words).lower(),
            ultimate="ULTIMATELY" in words,
        )
    except ValidationError as error:
        raise BadInput(f"{where}, interests.share: write per cent from 0 to 100") from error


def _percent(share: Mapping[str, Any], name: str, where: str) -> float | None:
    """Read a bound; an empty text stands for none in files of some publishers."""
    value = share.get(name, share.get(f"exclusive{name.capitalize()}"))
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput(f"{where}, interests.share.{name}: {value!r}; write a number from 0 to 100")
    return float(value)


def _country(given: Any) -> str:
    code = given.get("code") if isinstance(given, dict) else given
    return code[:2].upper() if isinstance(code, str) else ""


def _word(holder: Mapping[str, Any], name: str, where: str) -> str:
    value = holder.get(name)
    if not isinstance(value, str) or not value:
        raise BadInput(f"{where}, {name}: {value!r}; every statement of BODS 0.4 has one")
    return value


def _inner(holder: Mapping[str, Any], name: str, where: str) -> dict[str, Any]:
    value = holder.get(name)
    if not isinstance(value, dict):
        raise BadInput(f"{where}, {name}: {value!r} is no object; see BODS 0.4")
    return value


def _objects(holder: Mapping[str, Any], name: str, where: str) -> Iterator[dict[str, Any]]:
    value = holder.get(name) or []
    if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
        raise BadInput(f"{where}, {name}: no list of objects; see BODS 0.4")
    yield from value
