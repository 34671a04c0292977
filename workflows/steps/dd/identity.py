"""Due diligence, the identity check: documents of a person, by rules alone."""

from workflows.data.findings import CheckResult
from workflows.rules.dd import identity as rules
from workflows.steps.dd.desk import CheckDesk


async def identity(desk: CheckDesk) -> CheckResult:
    """Compare a person's documents with the form and with one another. Asks nobody."""
    return rules.identity(desk.case, desk.party)
