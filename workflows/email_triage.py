"""Email triage: readings at once, an answer by urgency, a fact check, and one sending."""

from temporalio import workflow

from workflows.calls import RESOLVE_ROLES, ask
from workflows.data.budget import BudgetOrder
from workflows.data.email_triage import (
    Checks,
    FactCheck,
    MailReading,
    Path,
    PointsReading,
    ToneReading,
    TriageCase,
    TriageResult,
    UrgencyReading,
)
from workflows.data.llm import RoleQuery
from workflows.patterns.process import Process
from workflows.patterns.reminders import by_chat
from workflows.patterns.route import RouteLog
from workflows.patterns.tasks import Tasks
from workflows.patterns.together import gather
from workflows.prompts import email_triage as prompts
from workflows.rules import email_triage as rules
from workflows.steps.triage.answering import Answering
from workflows.steps.triage.approval import Approval
from workflows.steps.triage.notes import Notes
from workflows.steps.triage.sending import Sending

READERS = ("triage", "analyst", "reviewer")
"""Roles whose first choices are models of three vendors."""
JUDGE = "judge"
"""Who checks the facts of a mail."""


@workflow.defn(name="email-triage")
class EmailTriage(Process):
    """One mail, from its arrival to its answer."""

    @workflow.init
    def __init__(self, case: TriageCase) -> None:
        super().__init__("email-triage", case.case, keys=case.desk.keys)
        self.mail, self.team = case.mail, case.desk
        self.checks_mail = case.desk.checks is Checks.MAIL
        self.notes = Notes(self, case.case)
        self.routes = RouteLog()
        self.answering = Answering(self.notes, case.mail, case.desk)
        self.approval = Approval(self.notes, self.desk, case.desk)
        remind = by_chat(f"mail {case.case}")
        tasks = Tasks(self.desk.open, rules.people(case.desk), remind=remind)
        self.sending = Sending(self.notes, tasks, case.mail, case.desk)

    @workflow.run
    async def run(self, case: TriageCase) -> TriageResult:
        """Read the mail in several ways at once, answer by its urgency, send the answer once."""
        roles = (*READERS, JUDGE) if self.checks_mail else READERS
        self.roles = await ask(RESOLVE_ROLES, RoleQuery(roles=roles))
        if case.desk.models.budget_usd is not None:
            await self.pay_from(BudgetOrder(name="models", usd=case.desk.models.budget_usd))
        self.enter("reading")
        read = await self.read()
        path = await self.routes.take(rules.choose(read.urgency, case.desk.review))
        self.notes.know(path=path)
        self.enter("writing")
        answer = await self.answering.write(path, read)
        if (approved := await self.approved(path, answer)) is not None:
            self.enter("sending")
            await self.sending.send(approved)
        self.enter("closed", self.notes.known.outcome)
        await self.finish()
        return self.so_far()

    async def read(self) -> MailReading:
        """Ask three vendors at once; what one does not answer stays unknown.

        Where the desk has mails checked, their facts are checked beside.
        """
        note = self.notes.reading
        tone, points, urgency, _ = await gather(
            note("tone", "triage", prompts.tone(self.mail), ToneReading),
            note("key points", "analyst", prompts.points(self.mail), PointsReading),
            note("urgency", "reviewer", prompts.urgency(self.mail), UrgencyReading),
            self.check_facts(),
        )
        read = rules.put_together(tone, points, urgency)
        self.notes.know(reading=read)
        return read

    async def check_facts(self) -> None:
        """Check what the mail states, where that is what the desk has checked."""
        if self.checks_mail:
            asked = prompts.facts(self.mail, self.team)
            found = await self.notes.reading("fact check", JUDGE, asked, FactCheck)
            self.answering.found = found.claims if found else None

    async def approved(self, path: Path, answer: str) -> str | None:
        """Ask a person where the path or a failed check wants it; None: no answer goes out."""
        doubt = self.answering.doubt
        if answer and not doubt and path not in rules.APPROVED:
            return answer
        self.enter("approval")
        return await self.approval.of(path, answer, doubt)

    def so_far(self) -> TriageResult:
        """Give what is read, written and sent by now."""
        return self.notes.known.model_copy(update={"usd": self.cost().usd})
