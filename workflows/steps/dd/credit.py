"""Due diligence, the credit check: accounts, filings and figures at once, then a model reads."""

import asyncio

from workflows import calls
from workflows.data.findings import CheckResult
from workflows.data.readings import CreditReading
from workflows.data.sources import FactsQuery, FilingsQuery
from workflows.prompts import due_diligence as prompts
from workflows.rules.dd import credit as rules
from workflows.steps.dd.desk import CheckDesk, nothing


async def credit(desk: CheckDesk) -> CheckResult:
    """Ask register, filings and figures at once; a model reads them and the worksheet."""
    cik = desk.case.subject.number("CIK")
    british = desk.case.subject.number("GB-COH")
    register, filings, facts = await asyncio.gather(
        desk.register() if british or not cik else nothing(),
        desk.query(calls.FILINGS, FilingsQuery(cik=cik)) if cik else nothing(),
        desk.query(calls.FACTS, FactsQuery(cik=cik)) if cik else nothing(),
    )
    company = register.company if register else None
    listed = filings.filings if filings else ()
    newest = sorted(facts.facts if facts else (), key=lambda f: f.end, reverse=True)
    work = rules.work_out(desk.case, filings, facts)
    reading = None
    if company or listed or newest or work:
        prompt = prompts.credit(company, listed[:40], newest[:60], work)
        reading = await desk.read("analyst", prompt, CreditReading)
    return rules.credit(desk.case, register, filings, facts, reading)
