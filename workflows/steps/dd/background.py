"""Due diligence, background: bans, bars and insolvencies; directors are handed over as parties."""

from workflows import calls
from workflows.calls import Call
from workflows.data.case_file import Party, Subject
from workflows.data.findings import CheckResult
from workflows.data.registers import (
    DebarmentsQuery,
    DisqualificationsQuery,
    InsolvencyQuery,
    OfficersAnswer,
    OfficersQuery,
)
from workflows.data.sources import Identifier, ScreenAnswer, ScreenQuery, SourceAnswer
from workflows.patterns.together import gather
from workflows.rules.dd import background as rules
from workflows.rules.dd.sheet import answered
from workflows.steps.dd.desk import CheckDesk, nothing
from workflows.steps.dd.sanctions import screen_query

REGISTER = "GB-COH"
"""Scheme of the register that tells of insolvencies and officers."""


async def background(desk: CheckDesk) -> CheckResult:
    """Look up the subject or, in the screening of a party, that party."""
    if isinstance(desk.party, Subject):
        return await _of_subject(desk)
    return await _of_party(desk, desk.party)


async def _of_subject(desk: CheckDesk) -> CheckResult:
    subject = desk.case.subject
    number = subject.number(REGISTER)
    insolvency, officers, debarments = await gather(
        desk.query(calls.INSOLVENCY, InsolvencyQuery(identifier=_ours(number)))
        if number
        else nothing(),
        _directors(desk, number) if number and rules.must_know_directors(desk.case) else nothing(),
        desk.query(calls.DEBARMENTS, DebarmentsQuery(name=subject.name)),
    )
    silent = insolvency is not None and not answered(insolvency)
    instead = rules.Instead(
        screen_query(subject),
        profile=await desk.register() if silent else None,
        copies=await _copies(desk, (debarments, calls.DEBARMENTS_COPY)),
    )
    return rules.of_subject(desk.case, insolvency, officers, debarments, instead)


async def _directors(desk: CheckDesk, number: str) -> OfficersAnswer:
    """Ask who runs the company, and hand each over: their screening starts at once."""
    answer = await desk.query(calls.OFFICERS, OfficersQuery(identifier=_ours(number)))
    for position, officer in enumerate(rules.serving(answer.officers), 1):
        desk.found(rules.as_party(officer, position))
    return answer


async def _of_party(desk: CheckDesk, party: Party) -> CheckResult:
    born = party.birth_date.isoformat() if party.birth_date else party.birth
    bans, debarments = await gather(
        desk.query(calls.DISQUALIFICATIONS, DisqualificationsQuery(name=party.name, birth=born))
        if party.kind == "Person"
        else nothing(),
        desk.query(calls.DEBARMENTS, DebarmentsQuery(name=party.name)),
    )
    copies = await _copies(
        desk, (bans, calls.DISQUALIFICATIONS_COPY), (debarments, calls.DEBARMENTS_COPY)
    )
    instead = rules.Instead(screen_query(party), copies=copies)
    return rules.of_party(party, desk.case.opened, bans, debarments, instead)


async def _copies(
    desk: CheckDesk, *sources: tuple[SourceAnswer | None, Call[ScreenQuery, ScreenAnswer]]
) -> tuple[ScreenAnswer, ...]:
    """Ask a list service for its copy of each list that was silent."""
    query = screen_query(desk.party)
    silent = [copy for answer, copy in sources if answer and not answered(answer)]
    return tuple(await gather(*(desk.query(copy, query) for copy in silent)))


def _ours(number: str) -> Identifier:
    return Identifier(scheme=REGISTER, value=number)
