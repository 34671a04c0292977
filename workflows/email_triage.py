"""Email triage: three readings at once, an answer by urgency, its check, and one sending."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio import workflow

from workflows.calls import CHAT, MAIL, RESOLVE_ROLES, ask
from workflows.data.budget import BudgetOrder
from workflows.data.common import Decision, Record, Verdict
from workflows.data.effects import ChatOrder, EffectReceipt, EffectState, MailOrder
from workflows.data.email_triage import (
    DraftCheck,
    DraftClaim,
    DraftedAnswer,
    MailReading,
    Path,
    PointsReading,
    ToneReading,
    TriageCase,
    TriageOutcome,
    TriageResult,
    UrgencyReading,
)
from workflows.data.llm import Prompt, RoleQuery
from workflows.patterns.bounds import Bounds
from workflows.patterns.gate import ANYBODY, GateSpec, Reminder
from workflows.patterns.otherwise import take_best
from workflows.patterns.process import Process
from workflows.patterns.refine import Refined, refine
from workflows.patterns.rounds import Draft, Score, Turn
from workflows.patterns.route import RouteLog
from workflows.patterns.tasks import Tasks
from workflows.prompts import email_triage as prompts
from workflows.rules import email_triage as rules

R = TypeVar("R", bound=Record)
READERS = ("triage", "analyst", "reviewer")
"""Roles whose first choices are models of three vendors."""
UNCHECKED = "the fact check gave no answer"


@workflow.defn(name="email-triage")
class EmailTriage(Process):
    """One mail, from its arrival to its answer."""

    @workflow.init
    def __init__(self, case: TriageCase) -> None:
        super().__init__("email-triage", case.case)
        self.mail, self.team = case.mail, case.desk
        self.known = TriageResult(case=case.case)
        self.routes = RouteLog()
        self.checks: dict[str, tuple[DraftClaim, ...]] = {}
        self.sound = True

    @workflow.run
    async def run(self, case: TriageCase) -> TriageResult:
        """Read the mail three ways at once, answer by its urgency, send the answer once."""
        self.roles = await ask(RESOLVE_ROLES, RoleQuery(roles=READERS))
        if case.desk.models.budget_usd is not None:
            await self.pay_from(BudgetOrder(name="models", usd=case.desk.models.budget_usd))
        self.enter("reading")
        read = await self.read()
        path = await self.routes.take(rules.choose(read.urgency, case.desk.review))
        self.know(path=path)
        self.enter("writing")
        answer = await self.write(path, read)
        if (approved := await self.approved(path, answer)) is not None:
            await self.send(approved)
        self.enter("closed", self.known.outcome)
        await self.finish()
        return self.so_far()

    async def read(self) -> MailReading:
        """Ask three vendors at once; what one does not answer stays unknown."""
        tone, points, urgency = await asyncio.gather(
            self.reading("tone", "triage", prompts.tone(self.mail), ToneReading),
            self.reading("key points", "analyst", prompts.points(self.mail), PointsReading),
            self.reading("urgency", "reviewer", prompts.urgency(self.mail), UrgencyReading),
        )
        read = rules.put_together(tone, points, urgency)
        self.know(reading=read)
        return read

    async def reading(self, name: str, role: str, prompt: Prompt, record: type[R]) -> R | None:
        """Ask one role; without an answer there is a gap."""
        return await self.noted(name, lambda: self.value(role, prompt, record))

    async def write(self, path: Path, read: MailReading) -> str:
        """Fill in a template, or draft, check the draft and mend it once; empty if that fails."""
        if path not in rules.DRAFTED:
            answer = rules.template(read.category, self.team)
        else:
            drafted = await self.noted("draft", lambda: self.drafted(read))
            answer = drafted.text if drafted else ""
            self.know(checked=self.checks.get(answer, ()))
        self.know(answer=answer)
        return answer

    async def drafted(self, read: MailReading) -> DraftedAnswer:
        """Draft until every statement is borne out, twice at most; the check reads the draft."""

        async def write(turn: Turn[DraftedAnswer]) -> Draft[DraftedAnswer]:
            before, why = (
                (turn.previous.value.text, turn.previous.reason) if turn.previous else ("", "")
            )
            asked = prompts.draft(self.mail, self.team, read, before, why)
            drafted = await self.value("analyst", asked, DraftedAnswer, sample=turn.round - 1)
            self.know(drafts=turn.round)
            return Draft(drafted)

        self.sound = False
        bounds = Bounds(rounds=2, quality=1.0)
        best = take_best()
        refined: Refined[DraftedAnswer] = await refine(
            "answer", write, self.checked, bounds, otherwise=best
        )
        self.sound = refined.stopped == "quality"
        return refined.value

    async def checked(self, draft: DraftedAnswer) -> Score:
        """Hold each statement of a draft against the mail and the known facts."""
        asked = prompts.check(self.mail, self.team, draft.text)
        found = await self.reading("fact check", "reviewer", asked, DraftCheck)
        by_rule = rules.unfounded(draft.text, self.mail, self.team)
        claims = (*(found.claims if found else ()), *by_rule)
        self.checks[draft.text] = claims
        if found is None:
            return Score(0.0, UNCHECKED)
        held = sum(c.supported for c in claims) / len(claims) if claims else 1.0
        return Score(held, rules.objections(claims))

    async def approved(self, path: Path, answer: str) -> str | None:
        """Ask a person where the path or a failed check wants it; None: no answer goes out."""
        if answer and self.sound and path not in rules.APPROVED:
            return answer
        self.enter("approval")
        said = (await self.gate(self.question(path, answer), self.remind)).last
        self.decided(said)
        if said is None:
            tasks = ("answer: nobody decided in time",)
            self.know(outcome=TriageOutcome.NOT_ANSWERED, open_tasks=tasks)
        elif said.verdict is Verdict.DECLINE:
            self.know(outcome=TriageOutcome.DECLINED)
        elif said.verdict is Verdict.SUPPLY:
            return DraftedAnswer.model_validate(said.value).text
        else:
            return answer
        return None

    def question(self, path: Path, answer: str) -> GateSpec:
        """Say why a person is asked, with the draft to start from."""
        why = "answer by hand: nobody could tell how urgent it is" if path is Path.BY_HAND else ""
        why = why if self.sound else rules.objections(self.known.checked) or UNCHECKED
        barred = {} if answer else {Verdict.APPROVE: "there is no draft to approve; supply a text"}
        return GateSpec(
            name="answer",
            question=f"Send this answer? {why}".strip(),
            proposal=Verdict.APPROVE if answer and self.sound else Verdict.SUPPLY,
            people=self.people,
            needs=(ANYBODY,),
            deadline=self.team.deadline,
            remind_every=self.team.remind_every,
            barred=barred,
            verdicts=(Verdict.APPROVE, Verdict.SUPPLY, Verdict.DECLINE),
            supplies=DraftedAnswer,
            suggests=DraftedAnswer(text=answer) if answer else None,
        )

    async def send(self, text: str) -> None:
        """Send the answer, at most once; what is unclear or failed is a task for a person."""
        self.enter("sending")
        self.know(answer=text)
        order = MailOrder(
            template="answer",
            party_id="writer",
            to=self.mail.sender,
            subject=rules.subject(self.mail),
            body=f"{text}\n\n{self.team.signature}\n",
            in_reply_to=self.mail.message_id,
        )
        receipt = await self.noted("sending", lambda: ask(MAIL, order))
        if receipt is not None and receipt.state is EffectState.DONE:
            self.know(outcome=TriageOutcome.ANSWERED)
            return
        unclear = isinstance(receipt, EffectReceipt)
        outcome = TriageOutcome.UNCLEAR if unclear else TriageOutcome.NOT_ANSWERED
        task = "answer: unclear whether it was sent" if unclear else "answer: not sent"
        self.know(outcome=outcome, open_tasks=(task,))
        question = f"{task}. Look, send it by hand if need be: done, or skip?"
        tasks = Tasks(self.desk.open, self.people)
        said = await tasks.ask("sending", question, (Verdict.DONE, Verdict.SKIP))
        self.decided(said)
        if said is not None:
            by_hand = said.verdict is Verdict.DONE
            self.know(open_tasks=(), outcome=TriageOutcome.ANSWERED_BY_HAND if by_hand else outcome)

    async def remind(self, reminder: Reminder) -> Record:
        """Remind the team's channel."""
        text = "a mail waits for its answer"
        return await ask(CHAT, ChatOrder(template="answer", number=reminder.number, text=text))

    @property
    def people(self) -> dict[str, frozenset[str]]:
        """Everybody of the team, any one of whom decides."""
        return {name: frozenset({"team"}) for name in self.team.team}

    async def value(self, role: str, prompt: Prompt, record: type[R], sample: int = 0) -> R:
        """Ask a role and give the record alone."""
        return (await self.consult(role, prompt, record, sample=sample)).value

    async def noted(self, name: str, work: Callable[[], Awaitable[R]]) -> R | None:
        """Run a branch; if it fails, say so among the gaps and give None."""

        def gap(why: str) -> None:
            self.know(gaps=(*self.known.gaps, f"{name}: {why}"))

        return await self.branch(name, work, gap)

    def decided(self, said: Decision | None) -> None:
        """Keep a decision."""
        self.know(decisions=(*self.known.decisions, *((said,) if said else ())))

    def know(self, **more: object) -> None:
        """Keep what came, for the query."""
        self.known = self.known.model_copy(update=more)

    def so_far(self) -> TriageResult:
        """Give what is read, written and sent by now."""
        return self.known.model_copy(update={"usd": self.cost().usd})
