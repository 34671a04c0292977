"""Due diligence, exposure: is a person politically exposed, or family or close to one who is?"""

from workflows import calls
from workflows.data.findings import CheckResult
from workflows.rules.dd import pep as rules
from workflows.steps.dd.desk import CheckDesk
from workflows.steps.dd.sanctions import screen_query


async def pep(desk: CheckDesk) -> CheckResult:
    """Search for the desk's party, if it is a person, among politically exposed persons.

    There is no second source: silence is a gap.
    """
    query = screen_query(desk.party)
    if query.kind != "Person":
        return rules.no_person(query.party_id)
    return rules.pep(query, await desk.query(calls.PEP_SEARCH, query))
