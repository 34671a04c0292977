"""How a support request is resolved: read, routed, answered by the first who can, told once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Protocol, TypeVar

from workflows.data.common import Record, Verdict
from workflows.data.effects import MailOrder
from workflows.data.llm import Prompt
from workflows.data.support import (
    Attempt,
    PersonalAnswer,
    RequestReading,
    RequestType,
    SupportAnswer,
    SupportOutcome,
    SupportPath,
    SupportRequest,
    SupportResult,
)
from workflows.patterns.clock import now
from workflows.patterns.consult import Consulted
from workflows.patterns.gate import ANYBODY, GateResult, GateSpec, Level, Remind
from workflows.patterns.ladder import Climbed, Rung, ladder
from workflows.patterns.notice import notify, until_done
from workflows.patterns.otherwise import Unmet, instead
from workflows.patterns.reminders import by_chat
from workflows.patterns.route import RouteLog
from workflows.patterns.tasks import Tasks
from workflows.prompts import support as prompts
from workflows.rules import support as rules

R = TypeVar("R", bound=Record)
ROLES = {"knowledge": "drafter", "specialist": "judge"}
QUESTIONS = {"knowledge": prompts.knowledge, "specialist": prompts.specialist}
READER = "triage"


class Host(Protocol):
    """What of the process the steps need."""

    async def consult(self, role: str, prompt: Prompt, record: type[R], /) -> Consulted[R]:
        """Ask the models of a role."""
        ...

    async def gate(self, spec: GateSpec, remind: Remind | None = None, /) -> GateResult:
        """Ask people."""
        ...

    def enter(self, phase: str, outcome: str | None = None, /) -> None:
        """Say which phase the case is in."""
        ...


@dataclass(frozen=True)
class Reply:
    """What the customer is told, and from whom it comes; nobody, if it is handed over."""

    text: str
    by: str = ""
    cites: tuple[str, ...] = ()


class Resolution:
    """One request, from its arrival to the customer's mail. `result` is what is known of it."""

    def __init__(self, host: Host, given: SupportRequest, routes: RouteLog) -> None:
        self.host, self.given, self.routes = host, given, routes
        self.desk, self.arrived = rules.desk(given), now()
        self.people = {name: frozenset({"desk"}) for name in self.desk.people}
        self.remind = by_chat(f"support request {given.case}")
        self.result = SupportResult(case=given.case, due=self.arrived + self.desk.within)

    async def run(self) -> SupportResult:
        """Read, choose the path, answer, tell the customer; every path ends in the same debt."""
        self.host.enter("reading")
        path = await self.way(await self.read())
        self.host.enter("answering")
        await self.tell(await self.answer(path))
        return self.result

    async def read(self) -> RequestType:
        """Take the model's word for what it is about; without a sure one, the words decide."""
        asked = prompts.reading(self.given)
        work = partial(self.consulted, READER, asked, RequestReading)
        limit = rules.share(self.given, rules.FOR_READING)
        rung = Rung(READER, work, rules.is_sure, limit)
        read = await ladder("reading", [rung], otherwise=instead("words", self.by_words))
        if read.via != READER:
            self.know(gaps=(f"type by words: {read.said[0].why or 'the model was not sure'}",))
        return rules.stricter(read.value.type, self.given)

    async def by_words(self, _unmet: Unmet[RequestReading]) -> RequestReading:
        """Stand in for the model."""
        return RequestReading(type=rules.type_by_words(self.given), confidence=0)

    async def way(self, type: RequestType) -> SupportPath:
        """Choose by two tables: how risky it is, then who tries first."""
        tier, standing = rules.tier(self.given), self.given.customer.standing
        weighed = rules.RISKS.choose(type=type, standing=standing, reach=rules.reach(self.given))
        risk = await self.routes.take(weighed)
        path = await self.routes.take(rules.PATHS.choose(risk=risk, tier=tier, type=type))
        self.know(type=type, risk=risk, tier=tier, path=path)
        return path

    async def answer(self, path: SupportPath) -> Reply:
        """Climb from the cheapest who may answer to a person."""
        rungs = [
            self.rung(name, alone=path is not SupportPath.PERSON) for name in rules.MODELS[path]
        ]
        climbed: Climbed[SupportAnswer | Reply] = await ladder(
            "answer", rungs, otherwise=instead("person", self.person)
        )
        tried = (Attempt(by=s.rung, state=s.state, why=s.why) for s in climbed.said)
        self.know(attempts=tuple(tried))
        said = climbed.value
        return said if isinstance(said, Reply) else Reply(said.text, climbed.via, said.cites)

    def rung(self, name: str, *, alone: bool) -> Rung[SupportAnswer | Reply]:
        """Make a model's attempt; unless `alone`, it is only a draft for a person."""

        def will_do(said: SupportAnswer | Reply) -> bool:
            if not alone or isinstance(said, Reply):
                return False
            return rules.will_do(said, self.given.knowledge)

        def worth(said: SupportAnswer | Reply) -> float:
            return said.confidence if isinstance(said, SupportAnswer) and said.text else 0.0

        asked, limit = QUESTIONS[name](self.given), rules.share(self.given, rules.FOR_MODEL)
        work: Callable[[], Awaitable[SupportAnswer | Reply]]
        work = partial(self.consulted, ROLES[name], asked, SupportAnswer)
        return Rung(name, work, will_do, limit, score=worth)

    async def consulted(self, role: str, asked: Prompt, record: type[R]) -> R:
        """Ask a role and give its answer."""
        return (await self.host.consult(role, asked, record)).value

    async def person(self, unmet: Unmet[SupportAnswer | Reply]) -> Reply:
        """Ask the desk, with the best draft; if nobody answers in time, it is handed over."""
        self.host.enter("a person")
        best = unmet.best if isinstance(unmet.best, SupportAnswer) and unmet.best.text else None
        until = self.arrived + rules.share(self.given, rules.FOR_PEOPLE)
        if (left := until - now()) <= timedelta(0):  # the worker was away for long
            return Reply(rules.handed_over(self.given))
        spec = GateSpec(
            name="answer",
            question=f"{self.given.subject}: {self.given.text}",
            proposal=f"send the draft: {best.text}" if best else f"none yet ({unmet.why})",
            people=self.people,
            needs=(ANYBODY,),
            deadline=left,
            remind_every=left / 2,
            barred={} if best else {Verdict.APPROVE: "there is no draft; supply an answer"},
            verdicts=(Verdict.APPROVE, Verdict.SUPPLY),
            escalation=self.escalation(left * 0.75),
            supplies=PersonalAnswer,
            suggests=PersonalAnswer(text=best.text) if best else None,
        )
        said = (await self.host.gate(spec, self.remind)).last
        if said is None:
            return Reply(rules.handed_over(self.given))
        if said.verdict is Verdict.APPROVE and best is not None:
            return Reply(best.text, said.by, best.cites)
        return Reply(PersonalAnswer.model_validate(said.value).text, said.by)

    async def tell(self, reply: Reply) -> None:
        """Tell the customer once, whichever way it ended; what is handed over is seen through."""
        outcome = SupportOutcome.ANSWERED if reply.by else SupportOutcome.HANDED_OVER
        self.host.enter("telling the customer", outcome)
        by = reply.by or ", ".join(self.desk.people)
        self.know(outcome=outcome, answer=reply.text, cites=reply.cites, by=by)
        customer, tasks = self.given.customer, self.tasks()
        order = MailOrder(
            template="support-reply",
            party_id=customer.party_id,
            to=customer.contact,
            subject=f"Re: {self.given.subject}",
            body=reply.text,
        )
        told = await notify(order, tasks)
        self.know(told=told, in_time=now() <= self.arrived + self.desk.within)
        if outcome is SupportOutcome.HANDED_OVER:
            question = f"Answer {customer.name} yourself: {self.given.subject}. Then say done."
            self.know(by=await until_done("handed over", question, tasks))

    def tasks(self) -> Tasks:
        """Ask the desk, reminding it daily; its leads too, after two days."""
        leads = self.escalation(timedelta(days=2))
        return Tasks(self.host.gate, self.people, remind=self.remind, escalation=leads)

    def escalation(self, after: timedelta) -> tuple[Level, ...]:
        """Give the level at which the leads are asked, if there are any."""
        leads = {name: frozenset({"desk"}) for name in self.desk.leads}
        return (Level(after, leads),) if leads else ()

    def know(self, **more: object) -> None:
        """Note what is known now."""
        self.result = self.result.model_copy(update=more)
