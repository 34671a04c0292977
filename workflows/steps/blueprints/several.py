"""Steps that ask several models, or one several times: votes and cascades of a run by choices."""

from dataclasses import replace
from functools import partial
from typing import TypeVar

from workflows.data.blueprints.blueprint import Cascade, Step, Vote
from workflows.data.blueprints.choices import Composite
from workflows.data.blueprints.plan import StepId
from workflows.data.common import Record
from workflows.data.llm import Prompt, RoleChain
from workflows.data.strategies import StrategyRecord, VoteRecord
from workflows.errors import Misuse
from workflows.patterns.cascade import cascade
from workflows.patterns.otherwise import take_best
from workflows.patterns.process import Process
from workflows.patterns.respondents import Decided, Respondent, samples_of
from workflows.patterns.vote import vote

R = TypeVar("R", bound=Record)
MOST_VOTERS = 10
"""Samples of a round: rounds must not read each other's answers back."""
ANY = 1e-9
"""The strong model need not be sure of anything."""


class Several:
    """Asks several for one step of a case."""

    def __init__(self, host: Process, name: StepId, step: Step, prompt: Prompt) -> None:
        self.host, self.name, self.step, self.prompt = host, name, step, prompt

    async def ask(self, made: Composite, role: RoleChain, record: type[R], number: int) -> R:
        """Ask as the way says; `number` is the round. Raises Misuse for a way the step has not."""
        if made.kind == "vote" and self.step.vote:
            return await self._vote(self.step.vote, made, record, number)
        if made.kind == "cascade" and self.step.cascade and len(made.models) == 2:
            return await self._cascade(self.step.cascade, made, role, record, number)
        raise Misuse(f"step {self.name!r} says no {made.kind}; plan anew")

    async def _vote(self, how: Vote, made: Composite, record: type[R], number: int) -> R:
        one, terms = RoleChain(role=self.step.ask, models=made.models), self.host.terms
        terms = replace(terms, sample=terms.sample + number * MOST_VOTERS)
        voters = samples_of(
            how.voters, one, self.prompt, record, ask=self.host.consult, terms=terms
        )
        by = how.by
        found: Decided[R, VoteRecord] = await vote(
            self.name, voters, key=lambda said: getattr(said, by), otherwise=take_best()
        )
        return found.value

    async def _cascade(
        self, how: Cascade, made: Composite, role: RoleChain, record: type[R], number: int
    ) -> R:
        cheap, strong = made.models
        rest = (model for model in role.models if model not in made.models)
        chains = (
            RoleChain(role=how.first, models=(cheap,)),
            role.model_copy(update={"models": (strong, *rest)}),
        )
        asked = [
            Respondent(
                chain.models[0].model,
                partial(self.host.consult, chain, self.prompt, record, sample=number),
            )
            for chain in chains
        ]
        sure = how.sure
        found: Decided[R, StrategyRecord] = await cascade(
            self.name,
            asked,
            confidence=lambda said: getattr(said, sure),
            threshold={cheap.model: how.at, strong.model: ANY},
            otherwise=take_best(),
        )
        return found.value
