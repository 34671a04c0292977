"""Due diligence: Is a party on a sanctions list? Pure."""

import re
from collections.abc import Sequence

from workflows.data.findings import Check, CheckResult, FindingCode, Strength
from workflows.data.readings import HitReading
from workflows.data.sources import (
    ListHit,
    ScreenAnswer,
    ScreenQuery,
)
from workflows.rules.dd.sheet import SUBJECT, UNREAD, Sheet, folded

POSSIBLE_MATCH = 0.85
"""Name similarity from which a list entry without an equal identifier needs a person."""
_MARKS = re.compile(r"[\s;,():=/#|.]+")


def confirmed(query: ScreenQuery, candidate: ListHit) -> bool:
    """Say whether the entry holds one of the party's own identifiers, exactly."""
    own = {folded(i.value) for i in query.identifiers} - {""}
    listed = {folded(i.value) for i in candidate.identifiers}
    # Twice, because "No.01126618" has to be cut at the dot and "01.126.618" must not be.
    words = re.split(r"[\s;,()]+", candidate.remarks) + re.split(_MARKS, candidate.remarks)
    return bool(own & (listed | {folded(word) for word in words}))


class Screened:
    """One party's screening: the query, the answer, and a model's reading of each hit."""

    def __init__(self, query: ScreenQuery, answer: ScreenAnswer, fallback: str = "") -> None:
        self.query, self.answer, self.fallback = query, answer, fallback
        self.readings: dict[str, HitReading] = {}

    def worth_reading(self) -> list[ListHit]:
        """Give the entries a person will have to look at."""
        return [
            h for h in self.answer.hits if h.score >= POSSIBLE_MATCH or confirmed(self.query, h)
        ]


def sanctions(
    screens: Sequence[Screened], unscreened: Sequence[tuple[str, str]], party: str = SUBJECT
) -> CheckResult:
    """Is any party on a sanctions list? `unscreened` names parties nobody could screen, and why.

    An equal identifier is a confirmed hit; a similar name is a possible one, never less.
    """
    sheet = Sheet(Check.SANCTIONS, party)
    for name, why in unscreened:
        sheet.gap(f"sanctions: {name} was not screened ({why})")
    sure = 1.0
    if not screens and not unscreened:
        sheet.gap("sanctions: nobody was screened")
    for screen in screens:
        if sheet.unanswered(screen.answer, f"sanctions, {screen.query.party_id}"):
            continue
        hits = screen.worth_reading()
        listed = f"{len(hits)} of {len(screen.answer.hits)} entries to look at"
        seen = sheet.note(screen.answer, screen.answer.list_version or "list", listed)
        for hit in hits:
            sure = min(sure, _judge(sheet, screen, hit, seen))
    fallback = next((s.fallback for s in screens if s.fallback), "")
    if fallback:
        sheet.gap("sanctions: the search was down; only the list file was looked through")
    return sheet.result(sure, fallback, silent=not sheet.evidence)


def _judge(sheet: Sheet, screen: Screened, hit: ListHit, searched: str) -> float:
    row = sheet.note(screen.answer, hit.entry_id, f"{hit.caption}: {hit.remarks}")
    reading = screen.readings.get(hit.entry_id)
    party = screen.query.party_id
    if confirmed(screen.query, hit):
        sheet.find(
            FindingCode.SANCTIONED,
            f"its identifier stands in entry {hit.entry_id} of {hit.dataset}",
            (row, searched),
            Strength.IDENTIFIER,
            party,
        )
        return 1.0
    sheet.find(
        FindingCode.POSSIBLE_SANCTIONS_MATCH,
        f"name like entry {hit.entry_id} of {hit.dataset} ({hit.score:.2f})",
        (row, searched),
        Strength.NAME,
        party,
    )
    return reading.confidence if reading else UNREAD
