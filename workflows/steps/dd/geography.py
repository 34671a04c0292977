"""Due diligence: compare countries and industry with the dated lists. Asks nobody."""

from workflows.data.case_file import Subject
from workflows.data.findings import CheckResult
from workflows.rules.dd.geography import Located, of_case
from workflows.rules.dd.geography import geography as judged
from workflows.steps.dd.desk import CheckDesk


async def geography(desk: CheckDesk) -> CheckResult:
    """Judge subject and named parties at once; in the screening of a party, that party."""
    party, opened = desk.party, desk.case.opened
    if isinstance(party, Subject):
        return judged(of_case(desk.case), opened, party.industry)
    located = Located(party.party_id, party.name, party.country or "")
    return judged([located], opened, party=party.party_id)
