"""Due diligence, sanctions: the lists are searched for one party; a model reads what is like it."""

from workflows import calls
from workflows.data.case_file import Party, Subject
from workflows.data.findings import CheckResult
from workflows.data.readings import HitReading
from workflows.data.sources import Identifier, ScreenQuery, SourceState
from workflows.patterns.together import gather
from workflows.prompts import due_diligence as prompts
from workflows.rules.dd import sanctions as rules
from workflows.rules.dd.sanctions import Screened
from workflows.steps.dd.desk import CheckDesk


async def sanctions(desk: CheckDesk) -> CheckResult:
    """Is the desk's party on a sanctions list? When the search is down, the list file is looked
    through (`ofac_list`). A confirmed hit is told at once, before any model reads it.
    """
    query, fallback = screen_query(desk.party), ""
    answer = await desk.query(calls.SCREEN, query)
    if answer.state is SourceState.UNAVAILABLE:
        answer, fallback = await desk.query(calls.SCREEN_LIST, query), "ofac_list"
    screened = Screened(query, answer, fallback)
    hits = screened.worth_reading()
    if any(rules.confirmed(query, hit) for hit in hits):
        desk.confirmed_hit()
    readings = await gather(
        *(desk.read("reviewer", prompts.hit(query, hit), HitReading) for hit in hits)
    )
    for hit, reading in zip(hits, readings, strict=True):
        if reading is not None:
            screened.readings[hit.entry_id] = reading
    return rules.sanctions([screened], [], query.party_id)


def screen_query(party: Subject | Party) -> ScreenQuery:
    """Ask for a party by all that is known of it."""
    return ScreenQuery(
        party_id=party.party_id,
        kind=party.kind if isinstance(party, Party) else "Company",
        name=party.name,
        country=party.country,
        birth_date=party.birth_date if isinstance(party, Party) else None,
        birth=party.birth if isinstance(party, Party) else "",
        identifiers=tuple(Identifier(**i.model_dump()) for i in party.identifiers),
    )
