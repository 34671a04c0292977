"""How an offer comes about: drafted once, or reviewed by three, cleared by people and refined."""

from dataclasses import replace
from functools import partial
from typing import TypeVar

from workflows.data.common import Record, Verdict
from workflows.data.llm import Prompt
from workflows.data.proposal import (
    DraftScore,
    ProposalCase,
    ProposalDraft,
    ProposalResult,
    ProposalReview,
)
from workflows.errors import BudgetSpent, ModelUnavailable, Unresolved
from workflows.patterns.bounds import Bounds
from workflows.patterns.gate import ANYBODY, GateSpec
from workflows.patterns.otherwise import ask_person
from workflows.patterns.process import Process
from workflows.patterns.refine import refine
from workflows.patterns.reminders import by_chat
from workflows.patterns.rounds import Draft, Score, Turn
from workflows.patterns.together import gather
from workflows.prompts import proposal as prompts
from workflows.rules import proposal as rules

R = TypeVar("R", bound=Record)


class Offer:
    """One offer. `known` is what is known of it, `process` asks models and people."""

    def __init__(self, process: Process, case: ProposalCase) -> None:
        self.process, self.case = process, case
        self.remind = by_chat(f"proposal {case.case}")
        self.known = ProposalResult(case=case.case)

    async def drafted(self, role: str) -> ProposalDraft | None:
        """Draft it once; None if there is no draft, or it will not do by the rules."""
        asked = prompts.draft(self.case, {})
        found = await self.consulted("draft", role, asked, ProposalDraft)
        if found is None or (score := rules.rated(self.case, found, None)).value < rules.GOOD:
            return None
        self.know(draft=found, score=score.value, rounds=1, stopped="quality")
        return found

    async def reviewed(self) -> None:
        """Have the request reviewed by all reviewers at once; one without an answer is a gap."""
        names = rules.REVIEWERS
        found = await gather(*(self.process.branch(n, partial(self._review, n)) for n in names))
        reviews = {n: said for n, said in zip(names, found, strict=True) if said is not None}
        self.know(reviews=reviews)

    async def cleared(self) -> None:
        """Let people close what a review stopped or left open. Raises Unresolved if they do not."""
        for name, why in rules.to_clear(self.known.reviews).items():
            people = self.case.compliance if name == "compliance" else self.case.owners
            gate = self._gate(f"clear {name}", f"{why}. Go on?", people)
            said = (await self.process.gate(gate, self.remind)).last
            if said is None:
                raise Unresolved(f"{why}; nobody decided in time")
            if said.verdict is Verdict.DECLINE:
                raise Unresolved(f"{why}; {said.by} declined")
            self.know(cleared=(*self.known.cleared, f"{name}: {said.by}"))

    async def refined(self, role: str) -> ProposalDraft:
        """Write it from the reviews and improve it until it is good, in bounded rounds and time.

        If it never is, the owners send the best, write one, or decline: that raises Unresolved.
        """
        bounds = Bounds(rounds=self.case.rounds, deadline=self.case.within, quality=rules.GOOD)
        gate = self._gate("quality", "Send this offer, or write it?", self.case.owners)
        verdicts = (*gate.verdicts, Verdict.SUPPLY)
        gate = replace(gate, verdicts=verdicts, supplies=ProposalDraft)
        people = ask_person(lambda spec: self.process.gate(spec, self.remind), gate)
        write = partial(self._write, role)
        best = await refine("offer", write, self._rate, bounds, otherwise=people)
        score = best.best.score if best.best else None
        offer: ProposalDraft = best.value
        self.know(draft=offer, score=score, rounds=len(best.rounds), stopped=best.stopped)
        return offer

    async def consulted(self, what: str, role: str, asked: Prompt, record: type[R]) -> R | None:
        """Ask a role; without an answer None, and a gap that says what is missing."""
        try:
            return (await self.process.consult(role, asked, record)).value
        except (ModelUnavailable, BudgetSpent) as error:
            self.know(gaps=(*self.known.gaps, f"no {what}: {error.message}"))
            return None

    def know(self, **more: object) -> None:
        """Note what is known now."""
        self.known = self.known.model_copy(update=more)

    async def _review(self, name: str) -> ProposalReview | None:
        role = "reviewer" if name == "compliance" else "analyst"
        asked = prompts.review(name, self.case)
        return await self.consulted(f"{name} review", role, asked, ProposalReview)

    async def _write(self, role: str, turn: Turn[ProposalDraft]) -> Draft[ProposalDraft]:
        """Write the synthesis of the reviews, or improve the draft by what it lacks."""
        last = turn.previous
        before, why = (last.value, last.reason) if last else (None, "")
        asked = prompts.draft(self.case, self.known.reviews, before, why)
        found = await self.process.consult(role, asked, ProposalDraft, sample=turn.round)
        return Draft(found.value, found.usd)

    async def _rate(self, draft: ProposalDraft) -> Score:
        """Score by the rules and a judge; without the judge, by the rules."""
        said = await self.consulted("score", "judge", prompts.score(self.case, draft), DraftScore)
        return rules.rated(self.case, draft, said)

    def _gate(self, name: str, question: str, people: tuple[str, ...]) -> GateSpec:
        """Make the gate at which any one of these people lets it go on or not."""
        return GateSpec(
            name=name,
            question=question,
            proposal=str(Verdict.DECLINE),
            people={who: frozenset({"person"}) for who in people},
            needs=(ANYBODY,),
            deadline=self.case.answer_within,
            remind_every=self.case.answer_within / 2,
            verdicts=(Verdict.APPROVE, Verdict.DECLINE),
        )
