"""Due diligence: Is a party on a sanctions list? Pure."""

from collections.abc import Sequence
from datetime import timedelta

from workflows.data.findings import SUBJECT, Check, CheckResult, FindingCode
from workflows.data.readings import HitReading
from workflows.data.sources import ListHit, ScreenAnswer, ScreenQuery
from workflows.rules.dd.list_hits import (
    Look,
    Standing,
    entry_of,
    look,
    looked_through,
    shared_number,
)
from workflows.rules.dd.sheet import UNREAD, Sheet

STALE = timedelta(days=14)
"""A list that is older clears nobody: lists change several times a week."""


def confirmed(query: ScreenQuery, candidate: ListHit) -> bool:
    """Say whether the entry holds one of the party's own identifiers, exactly."""
    return shared_number(query, candidate) is not None


class Screened:
    """One party's screening: the query, the answer, and a model's reading of each hit."""

    def __init__(self, query: ScreenQuery, answer: ScreenAnswer, fallback: str = "") -> None:
        self.query, self.answer, self.fallback = query, answer, fallback
        self.readings: dict[str, HitReading] = {}
        self.looks = [look(query, hit) for hit in answer.hits]

    def worth_reading(self) -> list[ListHit]:
        """Give the entries a person will have to look at."""
        found = (Standing.CONFIRMED, Standing.POSSIBLE)
        return [seen.hit for seen in self.looks if seen.standing in found]


def sanctions(
    screens: Sequence[Screened], unscreened: Sequence[tuple[str, str]], party: str = SUBJECT
) -> CheckResult:
    """Is any party on a sanctions list? `unscreened` names parties nobody could screen, and why.

    An equal identifier is a confirmed hit; a similar name is a possible one, never less, unless
    birth date or kind speak against it: then it is told as set aside.
    """
    sheet = Sheet(Check.SANCTIONS, party)
    for name, why in unscreened:
        sheet.gap(f"sanctions: {name} was not screened ({why})")
    sure = 1.0
    if not screens and not unscreened:
        sheet.gap("sanctions: nobody was screened")
    for screen in screens:
        if not sheet.unanswered(screen.answer, f"sanctions, {screen.query.party_id}"):
            sure = min(sure, _judge(sheet, screen))
    fallback = next((s.fallback for s in screens if s.fallback), "")
    if fallback:
        sheet.gap("sanctions: the search was down; only the list file was looked through")
    return sheet.result(sure, fallback, silent=not sheet.evidence)


def _judge(sheet: Sheet, screen: Screened) -> float:
    """Write down what the list said of one party; give the confidence."""
    answer = screen.answer
    listed = looked_through(len(screen.worth_reading()), len(answer.hits))
    searched = sheet.note(answer, answer.list_version or "list", listed)
    if answer.as_of and answer.retrieved_at.date() - answer.as_of > STALE:
        sheet.gap(f"sanctions: {answer.source} is stale, of {answer.as_of}")
    sheet.unread_name(screen.query.name)
    sure = 1.0
    for seen in screen.looks:
        if seen.standing is not Standing.UNLIKE:
            sure = min(sure, _entry(sheet, screen, seen, searched))
    return sure


def _entry(sheet: Sheet, screen: Screened, seen: Look, searched: str) -> float:
    hit = seen.hit
    told = f"{hit.caption}: {hit.remarks}"
    if seen.standing is Standing.SET_ASIDE:
        aside = f"looked at and set aside because {seen.why}; {seen.name} {seen.told}. {told}"
        sheet.note(screen.answer, hit.entry_id, aside)
        return 1.0
    row = sheet.note(screen.answer, hit.entry_id, told)
    reading = screen.readings.get(hit.entry_id)
    by_number = seen.standing is Standing.CONFIRMED
    where = entry_of(hit)
    sheet.find(
        FindingCode.SANCTIONED if by_number else FindingCode.POSSIBLE_SANCTIONS_MATCH,
        f"its identifier stands in {where}" if by_number else f"name like {where} ({seen.told})",
        (row, searched),
        seen.strength,
        screen.query.party_id,
        score=None if by_number else seen.match.score,
        matched_on=seen.matched_on,
    )
    if by_number:
        return 1.0
    return reading.confidence if reading else UNREAD
