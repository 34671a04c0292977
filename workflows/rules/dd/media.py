"""Due diligence: What does the press say against a party? Pure.

A model reads, these rules decide: only a reading whose quote stands in the item counts, only the
parts of a suspect or perpetrator are held against a party, and every finding tells its stage.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from workflows.data.findings import Check, CheckResult, FindingCode, MatchedOn, Strength
from workflows.data.media import Offence, PressRole, Stage
from workflows.data.news import NewsAnswer, NewsItem, PressSubject
from workflows.data.readings import MediaReading
from workflows.rules.dd.press_search import (
    Candidate,
    candidates,
    names_company,
    words_of,
)
from workflows.rules.dd.sheet import UNREAD, Sheet

MOST_READ = 25
"""So many items are read for one party; how many more there are is a gap."""
AGAINST = (PressRole.PERPETRATOR, PressRole.SUSPECT)

# House policy. A score is from 0 to 1: category x stage x severity x publisher x age.
WORTH = 0.15
"""Score from which an item is a finding; below, it is evidence that was looked at."""
UNCLEAR_AT_MOST = 0.3
"""Score of an item that may be about somebody of the same name."""
CATEGORY = {
    Offence.NONE: 0.0,
    Offence.REGULATORY_ACTION: 0.7,
    Offence.ENVIRONMENT: 0.8,
    Offence.COUNTERFEIT_GOODS: 0.8,
    Offence.CORRUPTION: 1.0,
    Offence.FRAUD: 1.0,
    Offence.LAUNDERING: 1.0,
    Offence.ORGANISED_CRIME: 1.0,
    Offence.SANCTIONS_EVASION: 1.0,
    Offence.TERRORISM: 1.0,
}
"""Weight of a category; 0.9 of those not named."""
STAGE = {
    Stage.CONVICTION: 1.0,
    Stage.CHARGE: 0.8,
    Stage.SETTLEMENT: 0.8,
    Stage.INVESTIGATION: 0.6,
    Stage.ALLEGATION: 0.4,
    Stage.NONE: 0.4,
    Stage.ACQUITTAL: 0.0,
}
AGE = ((2, 1.0), (5, 0.8), (10, 0.5))
"""Weights up to so many years; beyond 0.3, and 0.6 where no date is known."""
PUBLISHER, SEVERAL = 0.7, 0.9
"""Weight of one publisher, and of several who brought the item."""

_TO_MACHINES = re.compile(
    r"(ignore|disregard|forget)\s+(all\s+|any\s+)?(the\s+|your\s+)?(previous|prior|above|earlier)"
    r"|</?documents>|\bsystem prompt\b|\byou are an? (ai|assistant|language model)\b"
    r"|note to (automatic|ai|machine)",
    re.IGNORECASE,
)
_AGED = re.compile(r"\b(?:aged?\s+)?(\d{2})(?:-year-old|\s+years\s+old|(?=,\s))")


@dataclass
class Reader:
    """The press about one party: what was found, what is worth reading, and what was read."""

    about: PressSubject
    answer: NewsAnswer
    opened: date

    def __post_init__(self) -> None:
        found = candidates(self.about, self.answer.items)
        self.worth, self.beyond = found[:MOST_READ], len(found[MOST_READ:])


def media(reader: Reader, readings: Mapping[str, MediaReading], late: bool = False) -> CheckResult:
    """What does the press say against the party? `readings` are by URL; `late` says that those
    missing were not finished in time.
    """
    about, answer = reader.about, reader.answer
    sheet = Sheet(Check.MEDIA, about.party_id)
    if sheet.unanswered(answer, f"media, {about.name}"):
        return sheet.result(UNREAD, silent=True)
    worth = reader.worth
    items = "1 item" if answer.total == 1 else f"{answer.total} items"
    told = f"{items} found, {len(worth) + reader.beyond} of them name the party near crime"
    sheet.note(answer, "search", f"{about.name}: {told}")
    if unsent := answer.total - len(answer.items):
        sheet.gap(f"media: {unsent} more items about {about.name} were not sent by the search")
    if reader.beyond:
        sheet.gap(f"media: {reader.beyond} more items about {about.name} were not read")
    unread = [c for c in worth if c.item.url not in readings]
    for candidate in unread:
        item = candidate.item
        sheet.note(answer, item.url, f"not read: {_headline(item)}")
        sheet.gap(f"media: nobody read {item.url} ({_headline(item)})")
    sure = UNREAD if unread else 0.95
    for candidate in worth:
        if reading := readings.get(candidate.item.url):
            sure = min(sure, _judge(sheet, reader, candidate, reading))
    fallback = ("deadline" if late else "keywords_only") if unread else ""
    return sheet.result(sure, fallback)


def _judge(sheet: Sheet, reader: Reader, candidate: Candidate, reading: MediaReading) -> float:
    """Hold a reading against the item it is of; give how sure it makes the check."""
    about, item = reader.about, candidate.item
    if not quoted(reading.quote, item):
        sheet.note(reader.answer, item.url, f"reading dropped: {_headline(item)}")
        sheet.gap(f"media: the reading of {item.url} was dropped, its quote does not stand there")
        return UNREAD
    clear = same_party(about, candidate, reading)
    points = score(candidate, reading, reader.opened, clear=clear)
    verdict = f"{reading.role} of {reading.category}, stage: {reading.stage}".replace("_", " ")
    excerpt = f'{_headline(item)}: "{reading.quote}" (read as {verdict}; score {points:.2f})'
    seen = sheet.note(reader.answer, item.url, excerpt)
    against = reading.about_subject != "no" and reading.role in AGAINST
    if against and points >= WORTH:
        unsure = "" if clear else ", perhaps of somebody of the same name"
        sheet.find(
            FindingCode.ADVERSE_MEDIA,
            f"{reading.stage} of {reading.category} ({reading.role}){unsure}:".replace("_", " ")
            + f" {item.publisher}, {item.published or 'undated'}",
            seen,
            Strength.OPINION if clear else Strength.NAME,
            score=points,
            matched_on=MatchedOn(
                field="name", query=about.name, candidate=reading.quote[:300], parts=(item.url,)
            ),
        )
    elif speaks_to_machines(item):
        sheet.gap(f"media: {item.url} speaks to machines; a person has to read it")
    elif reading.about_subject == "unclear" and reading.role in AGAINST:
        sheet.gap(f"media: it is not clear whether {item.url} is about {about.name}")
    return reading.confidence


def quoted(quote: str, item: NewsItem) -> bool:
    """Say whether a quote of three words or more stands in an item, spaces aside."""
    wanted = " ".join(quote.split())
    text = " ".join(f"{item.title}\n{item.text}".split())
    return len(wanted.split()) >= 3 and wanted in text


def same_party(about: PressSubject, candidate: Candidate, reading: MediaReading) -> bool:
    """Say whether an item is about the party beyond doubt.

    Of a person a name alone never is enough: the item must tell the company or a fitting age too.
    """
    if reading.about_subject != "yes" or not candidate.full:
        return False
    if about.kind == "Company":
        return True
    item = candidate.item
    text = f"{item.title} {item.text}"
    if about.birth_date and item.published and (ages := _AGED.findall(text)):
        age = (item.published - about.birth_date).days / 365.25 - 0.5
        return any(abs(age - int(said)) <= 1.5 for said in ages)
    return names_company(about.company, words_of(text))


def score(candidate: Candidate, reading: MediaReading, opened: date, *, clear: bool) -> float:
    """Weigh an item, from 0 to 1. Every factor is house policy in this module."""
    item = candidate.item
    when = reading.date or item.published
    years = (opened - when).days / 365.25 if when else None
    age = 0.6 if years is None else next((w for limit, w in AGE if years <= limit), 0.3)
    publisher = SEVERAL if candidate.copies else PUBLISHER
    severity = 0.5 + reading.severity / 10
    points = CATEGORY.get(reading.category, 0.9) * STAGE[reading.stage] * severity * publisher * age
    return round(points if clear else min(points, UNCLEAR_AT_MOST), 3)


def speaks_to_machines(item: NewsItem) -> bool:
    """Say whether an item's text tries to tell its automatic reader what to answer."""
    return bool(_TO_MACHINES.search(f"{item.title}\n{item.text}"))


def _headline(item: NewsItem) -> str:
    return f"{item.publisher}, {item.published or 'undated'}: {item.title}"
