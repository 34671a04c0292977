"""The sending of an answer, at most once; what is unclear or failed is a task for a person."""

from functools import partial

from workflows.calls import MAIL, ask
from workflows.data.common import Verdict
from workflows.data.effects import EffectState, MailOrder
from workflows.data.email_triage import IncomingMail, SupportDesk, TriageOutcome
from workflows.patterns.tasks import Tasks
from workflows.rules import email_triage as rules
from workflows.steps.triage.notes import Notes


class Sending:
    """Sends one answer."""

    def __init__(self, notes: Notes, tasks: Tasks, mail: IncomingMail, desk: SupportDesk) -> None:
        self.notes, self.tasks, self.mail, self.desk = notes, tasks, mail, desk

    async def send(self, text: str) -> None:
        """Send the answer; note what came of it."""
        self.notes.know(answer=text)
        order = MailOrder(
            template="answer",
            party_id="writer",
            to=self.mail.sender,
            subject=rules.subject(self.mail),
            body=f"{text}\n\n{self.desk.signature}\n",
            in_reply_to=self.mail.message_id,
        )
        receipt = await self.notes.noted("sending", partial(ask, MAIL, order))
        if receipt is None:
            await self._by_hand("answer: not sent", TriageOutcome.NOT_ANSWERED)
        elif receipt.state is EffectState.UNCLEAR:
            await self._by_hand("answer: unclear whether it was sent", TriageOutcome.UNCLEAR)
        else:
            self.notes.know(outcome=TriageOutcome.ANSWERED)

    async def _by_hand(self, task: str, outcome: TriageOutcome) -> None:
        """Ask a person; until one said what became of it, the task stands open."""
        self.notes.know(outcome=outcome, open_tasks=(task,))
        question = f"{task}. Look, send it by hand if need be: done, or skip?"
        said = await self.tasks.ask("sending", question, (Verdict.DONE, Verdict.SKIP))
        self.notes.decided(said)
        if said is not None:
            by_hand = said.verdict is Verdict.DONE
            ended = TriageOutcome.ANSWERED_BY_HAND if by_hand else outcome
            self.notes.know(open_tasks=(), outcome=ended)
