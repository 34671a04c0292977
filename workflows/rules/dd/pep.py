"""Due diligence: Is a person politically exposed, or family or close to somebody who is? Pure."""

from datetime import date

from workflows.data.findings import Check, CheckOutcome, CheckResult, FindingCode
from workflows.data.sources import ScreenAnswer, ScreenQuery
from workflows.rules.dd.list_hits import Look, Standing, entry_of, look, looked_through
from workflows.rules.dd.sheet import Sheet, at_hand

FAMILY = "role.rca"
NAMED_ONLY, BORN_TOO = 0.8, 0.97
"""Confidence of a finding by name alone, and by name and date of birth."""


def no_person(party: str) -> CheckResult:
    """A company holds no office."""
    plain = Sheet(Check.PEP, party).result(1.0)
    return plain.model_copy(update={"outcome": CheckOutcome.NOT_APPLICABLE})


def pep(
    query: ScreenQuery, answer: ScreenAnswer, opened: date, office: str | None = None
) -> CheckResult:
    """Judge what the search of exposed persons said of one person, and the form (`office`).

    With the date of birth the person is exposed; by the name alone only possibly so. An office the
    form declares counts as it is. That it declares none clears nobody where the search is silent
    (fallback `declaration`).
    """
    sheet = Sheet(Check.PEP, query.party_id)
    if office is not None:
        _declared(sheet, office, opened)
    if sheet.unanswered(answer, "exposed persons"):
        if office is None:
            sheet.gap(f"exposed persons: ask which public offices {query.name} holds or held")
        return sheet.result(0.5, "" if office is None else "declaration", silent=office is None)
    looks = [look(query, hit) for hit in answer.hits]
    alike = [seen for seen in looks if seen.standing is not Standing.UNLIKE]
    listed = looked_through(len(alike), len(answer.hits))
    searched = sheet.note(answer, answer.list_version or "exposed persons", listed)
    sheet.unread_name(query.name)
    sure = 1.0
    for seen in alike:
        sure = min(sure, _entry(sheet, answer, seen, searched))
    return sheet.result(sure)


def _declared(sheet: Sheet, office: str, opened: date) -> None:
    seen = sheet.note(at_hand("case file", opened), "office", office or "declared: none")
    if office:
        sheet.find(FindingCode.POLITICALLY_EXPOSED, f"declared by the form: {office}", seen)


def _entry(sheet: Sheet, answer: ScreenAnswer, seen: Look, searched: str) -> float:
    hit = seen.hit
    offices = "; ".join(hit.positions) or "office not stated"
    if seen.standing is Standing.SET_ASIDE:
        aside = f"looked at and set aside because {seen.why}; {seen.name} {seen.told}. {offices}"
        sheet.note(answer, hit.entry_id, aside)
        return 1.0
    row = sheet.note(answer, hit.entry_id, f"{hit.caption}: {offices}. {hit.remarks}")
    exposed = seen.sure or seen.standing is Standing.CONFIRMED
    role = "family or close associate" if FAMILY in hit.topics else "exposed person"
    sheet.find(
        FindingCode.POLITICALLY_EXPOSED if exposed else FindingCode.POSSIBLE_PEP,
        f"{role}, {entry_of(hit)}: {offices} ({seen.told})",
        (row, searched),
        seen.strength,
        score=seen.match.score,
        matched_on=seen.matched_on,
    )
    return BORN_TOO if exposed else NAMED_ONLY
