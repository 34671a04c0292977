"""Due diligence, existence: register and LEI system at once, compared with the form by a model."""

from workflows import calls
from workflows.data.findings import CheckResult
from workflows.data.readings import IdentityReading
from workflows.data.sources import LeiQuery
from workflows.patterns.together import gather
from workflows.prompts import due_diligence as prompts
from workflows.rules.dd import existence as rules
from workflows.steps.dd.desk import CheckDesk, nothing


async def existence(desk: CheckDesk) -> CheckResult:
    """Does the company exist, is it active, and is it the one on the form?"""
    lei = desk.case.subject.number("LEI")
    register, record = await gather(
        desk.register(),
        desk.query(calls.LEI, LeiQuery(lei=lei)) if lei else nothing(),
    )
    company = register.company if register else None
    entry = record.entry if record else None
    reading = None
    if company or entry:
        prompt = prompts.identity(desk.case, company, entry)
        reading = await desk.read("triage", prompt, IdentityReading)
    return rules.existence(desk.case, register, record, reading)
