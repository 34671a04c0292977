"""OFAC: the US list of specially designated nationals, as its own file (SDN.CSV, no key).

The file has no header, `-0-` for nothing, and identifiers only inside the remarks. A party is
searched by identifier (exact) and by folded name (nearly equal).
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from hashlib import sha256

from anyascii import anyascii
from rapidfuzz import fuzz

from activities.sources.connector import Connector, Extract, Inquire, Inquiry, Nonsense
from activities.wire import HttpRequest
from runtime.settings import Endpoint
from workflows import calls
from workflows.data.sources import (
    Identifier,
    ListHit,
    ScreenAnswer,
    ScreenQuery,
    SourceState,
)

PATH = "/api/PublicationPreview/exports/SDN.CSV"
NEARLY_EQUAL = 0.9
COLUMNS = 12
NOTHING = "-0-"

REMARKED = {
    "GB-COH": re.compile(r"UK Company Number\s+([A-Z0-9]+)"),
    "LEI": re.compile(r"Legal Entity (?:Number|Identifier)\s+([A-Z0-9]{20})"),
}
"""How the remarks write identifiers of the schemes we know."""

LEGAL_FORMS = frozenset(
    {"plc", "ltd", "limited", "llc", "llp", "inc", "incorporated", "corp", "corporation"}
    | {"co", "company", "sa", "ag", "gmbh"}
)


@dataclass(frozen=True)
class Row:
    """One row of the list."""

    number: str
    name: str
    kind: str
    programs: tuple[str, ...]
    remarks: str


class Ofac(Connector[ScreenQuery, ScreenAnswer]):
    """The list of specially designated nationals, downloaded and searched here."""

    call = calls.SCREEN_LIST
    service = "ofac"
    source = "OFAC SDN list"
    licence = "public domain"

    def inquire(self, query: ScreenQuery, endpoint: Endpoint) -> Inquiry:  # noqa: ARG002
        """Fetch the list and search it; its sha256 is its version."""
        wanted = HttpRequest("GET", PATH, headers={"accept": "text/csv"})
        page = yield Inquire(wanted, wants_json=False, absent=frozenset())
        rows = read(page.body)
        hits = tuple(search(rows, query))
        stamp = page.headers.get("last-modified")
        return Extract(
            SourceState.FOUND if hits else SourceState.NONE,
            {"hits": hits, "list_version": sha256(page.body).hexdigest()},
            parsedate_to_datetime(stamp).date() if stamp else None,
        )


def read(body: bytes) -> list[Row]:
    """Read the file. Raises Nonsense when it is none: an empty list would clear everybody."""
    lines = csv.reader(io.StringIO(body.decode("utf-8", errors="replace")))
    # The file ends with a lone control character.
    records = [line for line in lines if len(line) > 1]
    if not records or any(len(r) != COLUMNS or not r[0].strip().isdigit() for r in records):
        raise Nonsense("the list is not in the layout of SDN.CSV")
    return [_row([field.strip() for field in record]) for record in records]


def _row(fields: list[str]) -> Row:
    number, name, kind, programs, *_, remarks = ["" if f == NOTHING else f for f in fields]
    return Row(number, name, kind, tuple(filter(None, re.split(r"\]\s*\[", programs))), remarks)


def search(rows: Iterable[Row], query: ScreenQuery) -> Iterator[ListHit]:
    """Find the rows that may be the party, best name first."""
    folded = fold(query.name)
    found = []
    for row in rows:
        score = fuzz.token_sort_ratio(folded, fold(row.name)) / 100
        if _names(row, query, score) or _identifies(row, query):
            found.append((score, row))
    for score, row in sorted(found, key=lambda each: (-each[0], each[1].number)):
        yield ListHit(
            entry_id=row.number,
            caption=row.name,
            score=round(score, 4),
            dataset="us_ofac_sdn",
            programs=row.programs,
            identifiers=identifiers(row.remarks),
            remarks=row.remarks,
        )


def _names(row: Row, query: ScreenQuery, score: float) -> bool:
    same_kind = row.kind == ("individual" if query.kind == "Person" else "")
    return same_kind and score >= NEARLY_EQUAL


def _identifies(row: Row, query: ScreenQuery) -> bool:
    return any(_stands(identifier, row.remarks) for identifier in query.identifiers)


def _stands(identifier: Identifier, remarks: str) -> bool:
    """Say whether the identifier stands in the remarks as a whole word, under its own label."""
    return identifier in identifiers(remarks)


def identifiers(remarks: str) -> tuple[Identifier, ...]:
    """Read the identifiers of known schemes out of remarks."""
    return tuple(
        Identifier(scheme=scheme, value=value)
        for scheme, pattern in REMARKED.items()
        for value in pattern.findall(remarks)
    )


def fold(name: str) -> str:
    """Reduce a name to what is compared: plain lower-case words without the legal form."""
    words = re.findall(r"[a-z0-9]+", anyascii(name).lower().replace(".", ""))
    return " ".join([word for word in words if word not in LEGAL_FORMS] or words)
