"""Due diligence: ask the name servers about the domains the case file gives."""

import asyncio

from workflows import calls
from workflows.data.findings import CheckResult
from workflows.data.news import DomainQuery
from workflows.rules.dd.contact import contact as judged
from workflows.rules.dd.contact import domains
from workflows.steps.dd.desk import CheckDesk


async def contact(desk: CheckDesk) -> CheckResult:
    """Ask about the domains of mail and website at once, each once."""
    subject = desk.case.subject
    asked = list(dict.fromkeys(filter(None, domains(subject))))
    answers = await asyncio.gather(
        *(desk.query(calls.DOMAIN, DomainQuery(domain=domain)) for domain in asked)
    )
    return judged(subject, desk.case.opened, dict(zip(asked, answers, strict=True)))
