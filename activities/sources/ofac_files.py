"""OFAC: its list as four files (entries, aliases, addresses, long remarks), read into one list.

The files have no header and write `-0-` for nothing. A file that is empty, cut short, oversized or
in another layout is refused with its name: a list that lost its rows would clear everybody.
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256

from activities.sources.connector import Nonsense
from activities.sources.countries import country_of
from activities.sources.remarks import births, identifiers, nationalities, weak_names
from workflows.data.names.search import Listed, NameList
from workflows.data.sources import Identifier

ENTRIES, ALIASES, ADDRESSES, LONGER = "SDN.CSV", "ALT.CSV", "ADD.CSV", "SDN_COMMENTS.CSV"
COLUMNS = {ENTRIES: 12, ALIASES: 5, ADDRESSES: 6, LONGER: 2}
"""The files, in the order they are fetched, and how many columns each has."""
NOTHING = "-0-"
MOST_BYTES, MOST_ROWS, LONGEST_FIELD = 64_000_000, 500_000, 32_000
"""Ten times the real list. What is larger is no list, and is not read."""
STRANGERS = 0.02
"""Most of the other files' rows that may belong to no entry, before entries must be missing."""
KINDS = {"individual": "Person", "": "Company"}


@dataclass(frozen=True)
class Entry:
    """One entry of the list with all that the files say of it."""

    number: str
    name: str
    kind: str
    """`Person`, `Company`, or what else is listed: vessel, aircraft."""
    programs: tuple[str, ...]
    remarks: str
    aliases: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    """Countries of its addresses, in two letters."""

    @cached_property
    def numbers(self) -> tuple[Identifier, ...]:
        """Its identifiers of known schemes."""
        return identifiers(self.remarks)

    @cached_property
    def weak(self) -> tuple[str, ...]:
        """Its weak aliases."""
        return weak_names(self.remarks)

    @property
    def births(self) -> tuple[str, ...]:
        """Its dates of birth."""
        return births(self.remarks)

    @property
    def countries(self) -> tuple[str, ...]:
        """Nationalities, then countries of addresses."""
        return tuple(dict.fromkeys((*nationalities(self.remarks), *self.places)))


class SanctionsList:
    """The whole list, ready to be searched. `version` is the sha256 over its files."""

    def __init__(self, entries: Iterable[Entry], version: str) -> None:
        self.entries, self.version = tuple(entries), version
        self.names = {kind: NameList(self._listed(kind), kind) for kind in KINDS.values()}

    def _listed(self, kind: str) -> Iterator[Listed[Entry]]:
        for entry in self.entries:
            if entry.kind == kind:
                yield from (Listed(entry, name) for name in (entry.name, *entry.aliases))
                yield from (Listed(entry, name, weak=True) for name in entry.weak)


@lru_cache(maxsize=2)
def read_list(bodies: tuple[bytes, ...]) -> SanctionsList:
    """Read the files, in the order of `COLUMNS`. Raises Nonsense, naming the file.

    The list read last is remembered: a case screens many parties against the same one.
    """
    tables = {
        name: _table(name, body, columns)
        for (name, columns), body in zip(COLUMNS.items(), bodies, strict=True)
    }
    if not tables[ENTRIES]:
        raise Nonsense(f"{ENTRIES} holds no entry")
    known = {row[0] for row in tables[ENTRIES]}
    for name in (ALIASES, ADDRESSES):
        strange = sum(row[0] not in known for row in tables[name])
        if strange > STRANGERS * len(tables[name]):
            raise Nonsense(f"{ENTRIES} is cut short: {strange} rows of {name} belong to no entry")
    return SanctionsList(_entries(tables), _version(bodies))


def _version(bodies: Iterable[bytes]) -> str:
    return sha256(b"".join(sha256(body).digest() for body in bodies)).hexdigest()


def _table(name: str, body: bytes, columns: int) -> list[list[str]]:
    if len(body) > MOST_BYTES:
        raise Nonsense(f"{name} has {len(body)} bytes; at most {MOST_BYTES} are read")
    text = _text(body).rstrip("\x1a\r\n \0")
    rows: list[list[str]] = []
    try:
        for line, fields in enumerate(csv.reader(io.StringIO(text), strict=True), 1):
            if len(rows) == MOST_ROWS:
                raise Nonsense(f"{name} has over {MOST_ROWS} rows")
            if fields:
                rows.append(_row(name, line, fields, columns))
    except csv.Error as wrong:
        raise Nonsense(f"{name} is cut short or no list: {wrong}") from wrong
    return rows


def _text(body: bytes) -> str:
    """Decode a file; one that is not UTF-8 is Windows-1252, so that no letter is lost."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", errors="replace")


def _row(name: str, line: int, fields: list[str], columns: int) -> list[str]:
    if len(fields) != columns or not fields[0].strip().isdigit():
        raise Nonsense(f"{name}, row {line}: not in the layout of that file")
    if any(len(field) > LONGEST_FIELD for field in fields):
        raise Nonsense(f"{name}, row {line}: a field of over {LONGEST_FIELD} characters")
    return ["" if (plain := field.strip()) == NOTHING else plain for field in fields]


def _entries(tables: Mapping[str, list[list[str]]]) -> Iterator[Entry]:
    aliases, places, longer = (defaultdict[str, list[str]](list) for _ in range(3))
    for row in tables[ALIASES]:
        aliases[row[0]].append(row[3])
    for row in tables[ADDRESSES]:
        if code := country_of(row[4]):
            places[row[0]].append(code)
    for number, more in tables[LONGER]:
        longer[number].append(more)
    for number, name, kind, programs, *_, remarks in tables[ENTRIES]:
        yield Entry(
            number=number,
            name=name,
            kind=KINDS.get(kind, kind),
            programs=tuple(filter(None, re.split(r"\]\s*\[", programs))),
            remarks="".join([remarks, *longer[number]]),
            aliases=tuple(dict.fromkeys(filter(None, aliases[number]))),
            places=tuple(dict.fromkeys(places[number])),
        )
