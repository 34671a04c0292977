"""Due diligence, references: all referees are asked at once, by mail, and answer by signal."""

from functools import partial

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from workflows import calls
from workflows.calls import ask
from workflows.data.case_policy import Referee, ReferencePlan
from workflows.data.due_diligence import ReferenceReply
from workflows.data.effects import MailOrder
from workflows.data.events import Event
from workflows.data.findings import CheckResult, Evidence
from workflows.data.readings import ReferenceReading
from workflows.data.sources import Liveness
from workflows.errors import reason
from workflows.patterns.events import Inbox
from workflows.patterns.join import Branch, join
from workflows.patterns.until import at_least
from workflows.patterns.wanted import named
from workflows.prompts import due_diligence as prompts
from workflows.rules.dd import references as rules
from workflows.steps.dd.desk import CheckDesk

REPLY = "reference.reply"
"""Event that stands for a referee's answer; its sender is the referee."""


async def references(desk: CheckDesk) -> CheckResult:
    """Did enough referees answer, conclusively and by the deadline, and what did they say?"""
    plan = desk.case.references
    joined = await join(
        [Branch(r.party_id, partial(_reference, desk, r)) for r in plan.referees],
        until=at_least(plan.needed),
        deadline=plan.deadline,
    )
    unclear = [f"{o.name}: {reason(o.error)}" for o in joined.failed if o.error]
    return rules.references(joined.values, plan.needed, unclear)


def take_reply(inbox: Inbox, plan: ReferencePlan, reply: ReferenceReply) -> str | None:
    """Remember a referee's first answer. Gives the reason if it cannot count."""
    if reply.party_id not in {r.party_id for r in plan.referees}:
        return f"{reply.party_id} is not a referee of this case"
    body = reply.model_dump(mode="json")
    if not inbox.take(Event(name=REPLY, id="first", sender=reply.party_id, body=body)):
        return f"{reply.party_id} has answered already; the first answer counts"
    return None


async def _reference(desk: CheckDesk, referee: Referee) -> tuple[ReferenceReading, Evidence]:
    """Mail one referee, wait for the answer, have it read. An empty answer is a failure."""
    await ask(calls.MAIL, _enquiry(referee))
    replied = named(REPLY, by=referee.party_id)
    received = await desk.process.inbox.wait(replied, deadline=None)
    reply = ReferenceReply.model_validate(received.events[0].event.body)
    prompt = prompts.reference(referee, reply.text)
    reading = await desk.read("triage", prompt, ReferenceReading)
    if reading is None:
        raise ApplicationError("no model could read the reply", type="Unread")
    if not reading.conclusive:
        raise ApplicationError("the reply is not conclusive", type="Inconclusive")
    evidence = Evidence(
        id="reply",
        source="referee",
        record=referee.party_id,
        liveness=Liveness.SIMULATED if reply.simulated else Liveness.LIVE,
        retrieved_at=workflow.now(),
        excerpt=f"{referee.kind} reference, {reading.days_beyond_terms} days beyond terms",
    )
    return reading, evidence


def _enquiry(referee: Referee) -> MailOrder:
    return MailOrder(
        template="reference_enquiry",
        party_id=referee.party_id,
        to=referee.mail,
        subject="Request for a credit reference",
        body=(
            "You were named as a referee. How long have you dealt with this customer, on what"
            " terms, and how do they pay? Please answer this mail."
        ),
        reply_signal="reference_reply",
    )
