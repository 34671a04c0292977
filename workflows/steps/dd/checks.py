"""Due diligence: the four checks, each with its sources, its model and its named fallback."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from workflows import calls
from workflows.calls import Call, ask
from workflows.data.case_file import CaseFile
from workflows.data.case_policy import Referee
from workflows.data.common import Record
from workflows.data.due_diligence import ReferenceReply
from workflows.data.effects import MailOrder
from workflows.data.events import Event
from workflows.data.findings import Check, CheckResult, Evidence
from workflows.data.llm import Prompt
from workflows.data.readings import CreditReading, HitReading, IdentityReading, ReferenceReading
from workflows.data.sources import (
    CompanyAnswer,
    CompanyQuery,
    FactsQuery,
    FilingsQuery,
    Identifier,
    LeiQuery,
    ListHit,
    Liveness,
    Retry,
    ScreenQuery,
    SourceAnswer,
    SourceError,
    SourceState,
)
from workflows.errors import BudgetSpent, ModelUnavailable, reason
from workflows.patterns.join import Branch, join
from workflows.patterns.process import Process
from workflows.patterns.until import all_settled, at_least
from workflows.patterns.wanted import named
from workflows.prompts import due_diligence as prompts
from workflows.rules.dd import credit, existence, references, sanctions
from workflows.rules.dd.sanctions import Screened
from workflows.scope import told

Q = TypeVar("Q", bound=Record)
A = TypeVar("A", bound=SourceAnswer)
R = TypeVar("R", bound=Record)

REGISTERS = ("GB-COH", "CIK")
"""Identifier schemes that lead to a register, best first."""
REPLY = "reference.reply"
"""Event that stands for a referee's answer; its sender is the referee."""
TIPPING_OFF = "stopped: a confirmed sanctions hit, and asking on might tip the customer off"


class CheckBook:
    """The checks of one case. `done` fills as they finish; `round` counts evidence rounds."""

    def __init__(self, process: Process, case: CaseFile) -> None:
        self.process, self.case = process, case
        self.round = 0
        self.done: dict[Check, CheckResult] = {}
        self._company: dict[int, asyncio.Future[CompanyAnswer]] = {}

    # ---- the checks ------------------------------------------------------------------------

    async def existence(self) -> CheckResult:
        """Ask register and LEI system at once; a model compares them with the form."""
        lei = self.case.subject.number("LEI")
        register, record = await asyncio.gather(
            self._register(),
            _query(calls.LEI, LeiQuery(lei=lei)) if lei else _nothing(),
        )
        company = register.company if register else None
        entry = record.entry if record else None
        reading = None
        if company or entry:
            prompt = prompts.identity(self.case, company, entry)
            reading = await self._read("triage", prompt, IdentityReading)
        return existence.existence(self.case, register, record, reading)

    async def credit(self) -> CheckResult:
        """Ask for accounts, filings and figures at once; a model reads them for distress."""
        cik = self.case.subject.number("CIK")
        register, filings, facts = await asyncio.gather(
            _nothing() if cik else self._register(),
            _query(calls.FILINGS, FilingsQuery(cik=cik)) if cik else _nothing(),
            _query(calls.FACTS, FactsQuery(cik=cik)) if cik else _nothing(),
        )
        company = register.company if register else None
        listed = filings.filings if filings else ()
        figures = facts.facts if facts else ()
        reading = None
        if company or listed or figures:
            work = credit.work_out(self.case, filings, facts)
            prompt = prompts.credit(company, listed[:40], figures[:60], work)
            reading = await self._read("analyst", prompt, CreditReading)
        return credit.credit(self.case, register, filings, facts, reading)

    async def sanctions(self) -> CheckResult:
        """Screen subject and parties at once against sanctions lists."""
        joined = await join(
            [Branch(q.party_id, partial(self._screen, q)) for q in self._screen_queries()],
            until=all_settled(),
        )
        unscreened = [(o.name, reason(o.error)) for o in joined.failed if o.error]
        return sanctions.sanctions(list(joined.values.values()), unscreened)

    async def references(self) -> CheckResult:
        """Ask all referees at once; enough conclusive replies by the deadline satisfy it."""
        plan = self.case.references
        joined = await join(
            [Branch(r.party_id, partial(self._reference, r)) for r in plan.referees],
            until=at_least(plan.needed),
            deadline=plan.deadline,
        )
        unclear = [f"{o.name}: {reason(o.error)}" for o in joined.failed if o.error]
        return references.references(joined.values, plan.needed, unclear)

    def take_reply(self, reply: ReferenceReply) -> str | None:
        """Remember a referee's first answer. Gives the reason if it cannot count."""
        if reply.party_id not in {r.party_id for r in self.case.references.referees}:
            return f"{reply.party_id} is not a referee of this case"
        body = reply.model_dump(mode="json")
        first = Event(name=REPLY, id="first", sender=reply.party_id, body=body)
        if not self.process.inbox.take(first):
            return f"{reply.party_id} has answered already; the first answer counts"
        return None

    # ---- their parts -----------------------------------------------------------------------

    async def _register(self) -> CompanyAnswer | None:
        """Ask the company's register, once for all checks of a round."""
        found = (i for s in REGISTERS for i in self.case.subject.identifiers if i.scheme == s)
        identifier = next(found, None)
        if identifier is None:
            return None
        if self.round not in self._company:
            query = CompanyQuery(identifier=Identifier(**identifier.model_dump()))
            self._company[self.round] = asyncio.ensure_future(_query(calls.COMPANY, query))
        return await asyncio.shield(self._company[self.round])

    async def _read(self, role: str, prompt: Prompt, record: type[R]) -> R | None:
        """Ask a model; None (fallback `rules_only`) if none of the role's chain answers."""
        try:
            found = await self.process.consult(role, prompt, record, sample=self.round)
        except (ModelUnavailable, BudgetSpent) as error:
            workflow.logger.warning("rules only", extra=told(why=error.message))
            return None
        return found.value

    def _screen_queries(self) -> list[ScreenQuery]:
        subject = self.case.subject
        plain = tuple(Identifier(**i.model_dump()) for i in subject.identifiers)
        first = ScreenQuery(
            party_id=subject.party_id,
            kind="Company",
            name=subject.name,
            country=subject.country,
            identifiers=plain,
        )
        return [
            first,
            *(
                ScreenQuery(
                    party_id=p.party_id,
                    kind=p.kind,
                    name=p.name,
                    country=p.country,
                    birth_date=p.birth_date,
                )
                for p in self.case.parties
            ),
        ]

    async def _screen(self, query: ScreenQuery) -> Screened:
        """Search the lists; when the search is down, go through the list file (`ofac_list`)."""
        answer, fallback = await _query(calls.SCREEN, query), ""
        if answer.state is SourceState.UNAVAILABLE:
            answer, fallback = await _query(calls.SCREEN_LIST, query), "ofac_list"
        if answer.state not in (SourceState.FOUND, SourceState.NONE):
            why = answer.error.code if answer.error else str(answer.state)
            raise ApplicationError(f"no list answered: {why}", type="Unscreened")
        screened = Screened(query, answer, fallback)
        hits = screened.worth_reading()
        if any(sanctions.confirmed(query, hit) for hit in hits):
            self.process.stop_branch(Check.REFERENCES, TIPPING_OFF)
        await self._read_hits(screened, hits)
        return screened

    async def _read_hits(self, screened: Screened, hits: Sequence[ListHit]) -> None:
        readings = await asyncio.gather(
            *(self._read("reviewer", prompts.hit(screened.query, h), HitReading) for h in hits)
        )
        for hit, reading in zip(hits, readings, strict=True):
            if reading is not None:
                screened.readings[hit.entry_id] = reading

    async def _reference(self, referee: Referee) -> tuple[ReferenceReading, Evidence]:
        """Mail one referee, wait for the answer, have it read. An empty answer is a failure."""
        await ask(calls.MAIL, _enquiry(referee))
        replied = named(REPLY, by=referee.party_id)
        received = await self.process.inbox.wait(replied, deadline=None)
        reply = ReferenceReply.model_validate(received.events[0].event.body)
        prompt = prompts.reference(referee, reply.text)
        reading = await self._read("triage", prompt, ReferenceReading)
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


async def _query(call: Call[Q, A], request: Q) -> A:
    """Ask a source; when all attempts failed, its answer is `unavailable`."""
    try:
        return await ask(call, request)
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        return call.output(
            source=call.name,
            state=SourceState.UNAVAILABLE,
            liveness=Liveness.NOWHERE,
            retrieved_at=workflow.now(),
            error=SourceError(code=reason(error)[:200], retry=Retry.LATER),
        )


async def _nothing() -> None:
    """Stand in for a source the case gives no identifier for."""


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
