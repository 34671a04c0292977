"""Due diligence, existence: register, LEI system and VIES at once, and a model to compare them."""

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
    vat = rules.vat_query(desk.case)
    register, record, number = await gather(
        desk.register(),
        desk.query(calls.LEI, LeiQuery(lei=lei)) if lei else nothing(),
        desk.query(calls.VAT, vat) if vat else nothing(),
    )
    company = register.company if register else None
    entry = record.entry if record else None
    reading = None
    if company or entry:
        prompt = prompts.identity(desk.case, company, entry)
        reading = await desk.read("triage", prompt, IdentityReading)
    return rules.existence(desk.case, register, record, reading, number)
