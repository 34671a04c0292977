"""Due diligence, references: all referees are asked at once, by mail, and answer by signal."""

from datetime import timedelta
from functools import partial

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

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
from workflows.scope import told
from workflows.steps.dd.desk import CheckDesk

REPLY = "reference.reply"
"""Event that stands for a referee's answer; its sender is the referee."""
REMIND_AFTER = (timedelta(days=2), timedelta(days=5))
"""When a referee who has not answered is reminded, counted from the enquiry."""


async def references(desk: CheckDesk) -> CheckResult:
    """Did enough referees answer, conclusively and by the deadline, and what did they say?"""
    plan = desk.case.references
    asked, unasked = rules.independent(desk.case)
    if not asked:
        return rules.references({}, plan.needed, (), unasked)
    joined = await join(
        [Branch(r.party_id, partial(_reference, desk, r)) for r in asked],
        until=at_least(min(plan.needed, len(asked))),
        deadline=plan.deadline,
    )
    unclear = [f"{o.name}: {reason(o.error)}" for o in joined.failed if o.error]
    currency = desk.case.product.currency
    return rules.references(joined.values, plan.needed, unclear, unasked, currency)


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
    reply = await _answer(desk, referee)
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
        excerpt=rules.excerpt(referee, reading),
    )
    return reading, evidence


async def _answer(desk: CheckDesk, referee: Referee) -> ReferenceReply:
    """Wait for a referee's answer, reminding them of it until the check's deadline."""
    replied = named(REPLY, by=referee.party_id)
    waited = timedelta(0)
    reminders = [due for due in REMIND_AFTER if due < desk.case.references.deadline]
    for number, due in enumerate(reminders, 1):
        received = await desk.process.inbox.wait(replied, deadline=due - waited)
        if received.complete:
            return ReferenceReply.model_validate(received.events[0].event.body)
        waited = due
        await _remind(referee, number)
    received = await desk.process.inbox.wait(replied, deadline=None)
    return ReferenceReply.model_validate(received.events[0].event.body)


async def _remind(referee: Referee, number: int) -> None:
    """Remind a referee; a reminder that cannot be sent does not end the waiting."""
    first = _enquiry(referee)
    changes = {"template": f"reference_reminder_{number}", "subject": f"Reminder: {first.subject}"}
    try:
        await ask(calls.MAIL, first.model_copy(update=changes))
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        workflow.logger.warning("not reminded", extra=told(why=reason(error)))


def _enquiry(referee: Referee) -> MailOrder:
    return MailOrder(
        template="reference_enquiry",
        party_id=referee.party_id,
        to=referee.mail,
        subject="Request for a credit reference",
        body=(
            "You were named as a referee. How long have you dealt with this customer, on what"
            " terms? What is the most they owed you, what is past due now, and how many days"
            " beyond terms do they pay on average? Please answer this mail."
        ),
        reply_signal="reference_reply",
    )
