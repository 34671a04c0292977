"""Due diligence: compare country and industry with the dated lists. Asks nobody."""

from workflows.data.case_file import Subject
from workflows.data.findings import CheckResult
from workflows.rules.dd.geography import geography as judged
from workflows.rules.dd.geography import located
from workflows.steps.dd.desk import CheckDesk


async def geography(desk: CheckDesk) -> CheckResult:
    """Judge the desk's party: every owner and director is looked at in a screening of its own."""
    party = desk.party
    industry = party.industry if isinstance(party, Subject) else ""
    return judged([located(party)], desk.case.opened, industry, party=party.party_id)
