"""Due diligence, exposure: is a person politically exposed, or family or close to one who is?"""

from workflows import calls
from workflows.data.case_file import Party
from workflows.data.findings import CheckResult
from workflows.rules.dd import pep as rules
from workflows.steps.dd.desk import CheckDesk
from workflows.steps.dd.sanctions import screen_query


async def pep(desk: CheckDesk) -> CheckResult:
    """Search for the desk's party, if it is a person, among politically exposed persons.

    There is no second collection: what the form declares has to do where this one is silent.
    """
    party, query = desk.party, screen_query(desk.party)
    if not isinstance(party, Party) or party.kind != "Person":
        return rules.no_person(query.party_id)
    answer = await desk.query(calls.PEP_SEARCH, query)
    return rules.pep(query, answer, desk.case.opened, party.office)
