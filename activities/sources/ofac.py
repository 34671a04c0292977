"""OFAC: the US list of specially designated nationals, as its own files (no key).

A party is searched by identifier (exact) and by name, in two stages. Aliases count as names; weak
ones are told apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from activities.sources.connector import (
    Connector,
    Extract,
    Inquire,
    Inquiry,
    Nonsense,
    Reckoning,
)
from activities.sources.ofac_files import COLUMNS, ENTRIES, Entry, SanctionsList, read_list
from activities.wire import HttpRequest
from runtime.settings import Endpoint
from workflows import calls
from workflows.data.sources import ListHit, ScreenAnswer, ScreenQuery, SourceState

PATH = "/api/PublicationPreview/exports/"
MOST_HITS = 25
"""Entries of one answer. A name so common that more are alike has its likest here."""
LONGEST_REMARKS = 4000


class Ofac(Connector[ScreenQuery, ScreenAnswer]):
    """The list of specially designated nationals, downloaded and searched here."""

    call = calls.SCREEN_LIST
    service = "ofac"
    source = "OFAC SDN list"
    licence = "public domain"

    def __init__(self) -> None:
        self._entries = 0
        """How many the list held at this worker's last look."""

    def inquire(self, query: ScreenQuery, endpoint: Endpoint) -> Inquiry:  # noqa: ARG002
        """Fetch the files and search them."""
        pages = []
        for name in COLUMNS:
            wanted = HttpRequest("GET", PATH + name, headers={"accept": "text/csv"})
            asked = Inquire(wanted, wants_json=False, absent=frozenset(), large=True)
            pages.append((yield asked))
        stamp = pages[0].headers.get("last-modified")

        def told(found: Screened) -> Extract:
            self._refuse_half(found.entries)
            return Extract(
                SourceState.FOUND if found.hits else SourceState.NONE,
                {"hits": found.hits, "list_version": found.version},
                parsedate_to_datetime(stamp).date() if stamp else None,
            )

        return Reckoning(screened, tuple(page.body for page in pages), (query,), told)

    def _refuse_half(self, entries: int) -> None:
        """A list that lost half its entries since the last look would clear those it lost."""
        if entries < self._entries / 2:
            raise Nonsense(f"{ENTRIES} holds {entries} entries, {self._entries} at the last look")
        self._entries = entries


@dataclass(frozen=True)
class Screened:
    """What a list of so many entries holds of a party; `version` is the list's."""

    hits: tuple[ListHit, ...]
    entries: int
    version: str


def screened(files: tuple[bytes, ...], query: ScreenQuery) -> Screened:
    """Search the files for a party. Raises Nonsense."""
    listed = read_list(files)
    hits = tuple(search(listed, query))[:MOST_HITS]
    return Screened(hits, len(listed.entries), listed.version)


def search(listed: SanctionsList, query: ScreenQuery) -> Iterator[ListHit]:
    """Find the entries that may be the party: those with its identifiers, then the likest names."""
    scores: dict[str, float] = {}
    found: dict[str, Entry] = {}
    for entry in listed.entries:
        if set(query.identifiers) & set(entry.numbers):
            found[entry.number] = entry
    for likely in listed.names[query.kind].search(query.name):
        entry = likely.listed.entry
        found.setdefault(entry.number, entry)
        scores.setdefault(entry.number, likely.match.score)
    for number, entry in found.items():
        yield _hit(entry, scores.get(number, 0.0))


def _hit(entry: Entry, score: float) -> ListHit:
    return ListHit(
        entry_id=entry.number,
        caption=entry.name,
        score=score,
        dataset="us_ofac_sdn",
        programs=entry.programs,
        identifiers=entry.numbers,
        remarks=entry.remarks[:LONGEST_REMARKS],
        kind=entry.kind,
        names=entry.aliases,
        weak_names=entry.weak,
        births=entry.births,
        countries=entry.countries,
    )
