"""Due diligence: bans, bars and insolvencies of a company and of those who run it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from workflows.data.case_file import CaseFile, Party
from workflows.data.findings import Check, CheckResult, FindingCode, MatchedOn, Strength
from workflows.data.names.compare import NameMatch, compare
from workflows.data.registers import (
    DebarmentsAnswer,
    Disqualification,
    DisqualificationsAnswer,
    InsolvencyAnswer,
    Officer,
    OfficersAnswer,
)
from workflows.data.sources import CompanyAnswer, ScreenAnswer, ScreenQuery
from workflows.rules.dd.list_hits import Look, Standing, entry_of, look
from workflows.rules.dd.sheet import Sheet, answered, fits

SURE = 0.95
"""Confidence of a check that reads registers by plain rules, on names at best."""
SAME = 0.95
"""Likeness of names from which they count as one name."""
RUNS_IT = ("director", "member", "manager", "general-partner")
"""Words in the roles of officers who run a company; secretaries do not."""


@dataclass(frozen=True)
class Instead:
    """What was asked where a source was silent: the register's entry for its insolvencies, a list
    service's copies of bans and bars by `query`.
    """

    query: ScreenQuery
    profile: CompanyAnswer | None = None
    copies: tuple[ScreenAnswer, ...] = ()


def of_subject(
    case: CaseFile,
    insolvency: InsolvencyAnswer | None,
    officers: OfficersAnswer | None,
    debarments: DebarmentsAnswer,
    instead: Instead | None = None,
) -> CheckResult:
    """Was the company insolvent or barred, and is it known who runs it?

    None of `insolvency` and `officers`: there is no register here to ask. Of a listed company
    nobody has to know the directors. Fallbacks, none of which closes the gap: `register_entry`,
    `named_directors` (those of the case file), `list_copy`.
    """
    sheet = Sheet(Check.BACKGROUND)
    if insolvency is not None:
        _insolvency(sheet, insolvency)
    if officers is not None:
        _officers(sheet, officers)
    elif must_know_directors(case) and not any(p.role == "director" for p in case.parties):
        sheet.gap("directors: no register tells of them, and the case names none")
    sheet.unread_name(case.subject.name)
    _debarred(sheet, case.subject.name, debarments, case.opened)
    named = any(p.role == "director" for p in case.parties)
    used = ["named_directors"] if officers and not answered(officers) and named else []
    used += _instead(sheet, instead)
    return sheet.result(SURE, ", ".join(used), silent=not sheet.evidence)


def of_party(
    party: Party,
    opened: date,
    bans: DisqualificationsAnswer | None,
    debarments: DebarmentsAnswer,
    instead: Instead | None = None,
) -> CheckResult:
    """Is a party barred, and, being a person (`bans` given), disqualified as a director?

    Fallback, which closes no gap: `list_copy`.
    """
    sheet = Sheet(Check.BACKGROUND, party.party_id)
    if bans is not None:
        _banned(sheet, party, bans, opened)
    sheet.unread_name(party.name)
    _debarred(sheet, party.name, debarments, opened)
    used = _instead(sheet, instead)
    return sheet.result(SURE, ", ".join(used), silent=not sheet.evidence)


def must_know_directors(case: CaseFile) -> bool:
    """Say whether the directors have to be known: not of a listed company (JMLSG I, 5.3)."""
    return not case.subject.listed


def serving(officers: Iterable[Officer]) -> list[Officer]:
    """Give those who run the company now."""
    return [o for o in officers if o.resigned is None and any(word in o.role for word in RUNS_IT)]


def as_party(officer: Officer, number: int) -> Party:
    """Make a party of an officer, `SURNAME, Given` put in the order names are spoken in."""
    last, comma, first = officer.name.partition(",")
    name = f"{first.strip()} {last.strip().title()}" if comma else officer.name
    return Party(
        party_id=f"officer-{number}",
        kind="Company" if officer.kind == "company" else "Person",
        name=name,
        role="director",
        birth=officer.birth,
        nationality=(officer.nationality,) if officer.nationality else (),
    )


def _insolvency(sheet: Sheet, answer: InsolvencyAnswer) -> None:
    if sheet.unanswered(answer, "insolvency"):
        return
    if not answer.cases:
        sheet.note(answer, "insolvency", "no case on file")
    for case in answer.cases:
        since = case.began or "an unknown day"
        until = f"to {case.ended}" if case.ended else "not ended by the register"
        told = f"{case.kind.replace('-', ' ')} from {since}, {until}"
        seen = sheet.note(answer, f"insolvency case {case.number or case.kind}", told)
        sheet.find(FindingCode.INSOLVENCY_HISTORY, told, seen)


def _officers(sheet: Sheet, answer: OfficersAnswer) -> None:
    if not fits(sheet, answer, "directors", answer.officers):
        return
    now = serving(answer.officers)
    sheet.note(answer, "officers", f"{len(now)} of {len(answer.officers)} run the company now")
    if not now:
        sheet.gap("directors: the register names none who serves now")
    if answer.total > len(answer.officers):
        sheet.gap(f"directors: only {len(answer.officers)} of {answer.total} officers were read")


def _banned(sheet: Sheet, party: Party, answer: DisqualificationsAnswer, opened: date) -> None:
    if sheet.unanswered(answer, "disqualifications"):
        return
    born = party.birth_date.isoformat() if party.birth_date else party.birth
    alike = [(p, compare(party.name, p.name, "Person")) for p in answer.persons]
    same = [(person, match) for person, match in alike if match.matched]
    likely = [(person, match) for person, match in same if _may_be_born(person.birth, born)]
    others = f"{len(same) - len(likely)} of that name born at another time"
    sheet.note(answer, "disqualified officers", f"{len(same)} alike in name, {others}")
    for person, match in likely:
        until = person.until or "an unknown day"
        told = f"{person.name}, born {person.birth or 'unknown'}: disqualified until {until}"
        seen = sheet.note(answer, person.name, f"{told} ({person.reason or 'no reason given'})")
        if person.until is None or person.until >= opened:
            sheet.find(
                FindingCode.DISQUALIFIED,
                told,
                seen,
                _strength(person, born, match),
                score=match.score,
                matched_on=_on_name(party.name, person.name, match),
            )


def _strength(person: Disqualification, born: str, match: NameMatch) -> Strength:
    """A name alone is no more than a name; the same one with the month of birth is a record."""
    told = match.score >= SAME and min(len(born), len(person.birth)) >= len("YYYY-MM")
    return Strength.RECORD if told else Strength.NAME


def _on_name(asked: str, found: str, match: NameMatch) -> MatchedOn:
    return MatchedOn(field="name", query=asked, candidate=found, parts=match.parts)


def _debarred(sheet: Sheet, name: str, answer: DebarmentsAnswer, opened: date) -> None:
    if sheet.unanswered(answer, "debarments"):
        return
    listed = f"{len(answer.entries)} alike in name"
    searched = sheet.note(answer, answer.list_version or "list", listed)
    for entry in answer.entries:
        until = entry.until or "without end"
        told = f"name like {entry.name} ({entry.country or 'no country'}), barred until {until}"
        seen = sheet.note(answer, entry.name, f"{told}: {entry.grounds}")
        if entry.until is None or entry.until >= opened:
            match = compare(name, entry.name)
            sheet.find(
                FindingCode.DISQUALIFIED,
                told,
                (seen, searched),
                Strength.NAME,
                score=match.score,
                matched_on=_on_name(name, entry.name, match),
            )


def _instead(sheet: Sheet, asked: Instead | None) -> list[str]:
    """Judge what was asked instead of silent sources; give the names of what answered."""
    if asked is None:
        return []
    used = ["register_entry"] if _by_entry(sheet, asked.profile) else []
    for copy in asked.copies:
        if sheet.unanswered(copy, "bars, by a copy of the list"):
            continue
        used.append("list_copy")
        looks = [look(asked.query, hit) for hit in copy.hits]
        alike = [one for one in looks if one.standing is not Standing.UNLIKE]
        searched = sheet.note(copy, copy.source, f"{len(alike)} alike in name")
        for one in alike:
            _copied(sheet, copy, one, searched)
    return list(dict.fromkeys(used))


def _by_entry(sheet: Sheet, answer: CompanyAnswer | None) -> bool:
    """Judge insolvencies by the register's entry; say whether it tells of them."""
    if answer is None or answer.company is None or answer.company.insolvency_history is None:
        return False
    held = answer.company.insolvency_history
    told = f"the register's entry holds {'' if held else 'no '}insolvency history"
    seen = sheet.note(answer, answer.company.number, told)
    if held:
        sheet.find(FindingCode.INSOLVENCY_HISTORY, told, seen)
    return True


def _copied(sheet: Sheet, copy: ScreenAnswer, seen: Look, searched: str) -> None:
    told = f"{entry_of(seen.hit)}: {seen.hit.caption}"
    row = sheet.note(copy, seen.hit.entry_id, f"{told} ({seen.why or seen.told})")
    if seen.standing is not Standing.SET_ASIDE:
        sheet.find(
            FindingCode.DISQUALIFIED,
            f"{told}; until when, the copy does not tell",
            (row, searched),
            seen.strength,
            score=seen.match.score,
            matched_on=seen.matched_on,
        )


def _may_be_born(theirs: str, ours: str) -> bool:
    shorter = min(len(theirs), len(ours))
    return theirs[:shorter] == ours[:shorter]
