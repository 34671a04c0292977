"""Due diligence: look through everything on file, last of all. Asks nobody."""

from temporalio import workflow

from workflows.data.findings import CheckResult
from workflows.rules.dd.dossier import Filed
from workflows.rules.dd.dossier import dossier as judged
from workflows.steps.dd.desk import CheckDesk


async def dossier(desk: CheckDesk) -> CheckResult:
    """Judge whether what all other checks left is complete."""
    return judged(Filed(desk.case, desk.parties(), desk.results(), workflow.now()))
