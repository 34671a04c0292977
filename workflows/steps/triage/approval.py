"""A person's word on an answer, where its path or a failed check wants it."""

from workflows.calls import CHAT, ask
from workflows.data.common import Record, Verdict
from workflows.data.effects import ChatOrder
from workflows.data.email_triage import DraftedAnswer, Path, SupportDesk, TriageOutcome
from workflows.patterns.desk import Desk
from workflows.patterns.gate import ANYBODY, GateSpec, Reminder
from workflows.rules import email_triage as rules
from workflows.steps.triage.notes import Notes


class Approval:
    """Asks the team, any one of whom decides."""

    def __init__(self, notes: Notes, desk: Desk, team: SupportDesk) -> None:
        self.notes, self.desk, self.team = notes, desk, team

    async def of(self, path: Path, answer: str, doubt: str) -> str | None:
        """Give the text that may go out; None if none does."""
        said = (await self.desk.open(self._question(path, answer, doubt), _remind)).last
        self.notes.decided(said)
        if said is None:
            tasks = ("answer: nobody decided in time",)
            self.notes.know(outcome=TriageOutcome.NOT_ANSWERED, open_tasks=tasks)
        elif said.verdict is Verdict.DECLINE:
            self.notes.know(outcome=TriageOutcome.DECLINED)
        elif said.verdict is Verdict.SUPPLY:
            return DraftedAnswer.model_validate(said.value).text
        else:
            return answer
        return None

    def _question(self, path: Path, answer: str, doubt: str) -> GateSpec:
        """Say why a person is asked, with the draft to start from."""
        by_hand = "answer by hand: nobody could tell how urgent it is"
        why = doubt or (by_hand if path is Path.BY_HAND else "")
        barred = {} if answer else {Verdict.APPROVE: "there is no draft to approve; supply a text"}
        return GateSpec(
            name="answer",
            question=f"Send this answer? {why}".strip(),
            proposal=Verdict.APPROVE if answer and not doubt else Verdict.SUPPLY,
            people=rules.people(self.team),
            needs=(ANYBODY,),
            deadline=self.team.deadline,
            remind_every=self.team.remind_every,
            barred=barred,
            verdicts=(Verdict.APPROVE, Verdict.SUPPLY, Verdict.DECLINE),
            supplies=DraftedAnswer,
            suggests=DraftedAnswer(text=answer) if answer else None,
        )


async def _remind(reminder: Reminder) -> Record:
    """Remind the team's channel."""
    text = "a mail waits for its answer"
    return await ask(CHAT, ChatOrder(template="answer", number=reminder.number, text=text))
