"""Due diligence: the desk a check works at. Sources, models, and what one check tells the others.

Every check is `async def <check>(desk: CheckDesk) -> CheckResult`, in a module of its own name
beside this one. `desk.party` is whom it is about: the subject, or in the screening of a party that
party.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows import calls
from workflows.calls import Call, ask
from workflows.data.case_file import CaseFile, Party, Subject
from workflows.data.common import Record
from workflows.data.findings import CheckResult
from workflows.data.llm import Prompt
from workflows.data.sources import (
    CompanyAnswer,
    CompanyQuery,
    Identifier,
    Liveness,
    Retry,
    SourceAnswer,
    SourceError,
    SourceState,
)
from workflows.errors import BudgetSpent, ModelUnavailable, reason
from workflows.patterns.process import Process
from workflows.scope import told

Q = TypeVar("Q", bound=Record)
A = TypeVar("A", bound=SourceAnswer)
R = TypeVar("R", bound=Record)

REGISTERS = ("GB-COH", "CIK")
"""Identifier schemes that lead to a register, best first."""


@dataclass
class CheckDesk:
    """What a check asks with, and whom it tells. `round` counts evidence rounds from 0.

    In the screening of a party `case` names no party.
    """

    process: Process
    case: CaseFile
    party: Subject | Party
    found: Callable[[Party], str]
    """Hand over a party that was discovered: its screening starts at once. Gives the id it is
    screened under, which is another one's if it is known already.
    """
    confirmed_hit: Callable[[], None]
    """Tell that somebody is on a sanctions list beyond doubt: referees are asked no more."""
    round: int = 0
    results: Callable[[], tuple[CheckResult, ...]] = tuple
    """Give what has ended by now, of the subject and of all parties (for the last check)."""
    parties: Callable[[], tuple[Party, ...]] = tuple
    """Give everybody who is screened besides the subject, named and discovered."""
    owned_by: Callable[[frozenset[str]], tuple[float, float]] | None = None
    """Set by the check of ownership: what parties own of the subject together, in per cent from
    and to, given their ids as `found` gave them.
    """
    _company: dict[int, asyncio.Future[CompanyAnswer]] = field(default_factory=dict)

    async def query(self, call: Call[Q, A], request: Q) -> A:
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

    async def register(self) -> CompanyAnswer | None:
        """Ask the subject's register, once for all checks of a round; None if none is known."""
        found = (i for s in REGISTERS for i in self.case.subject.identifiers if i.scheme == s)
        identifier = next(found, None)
        if identifier is None:
            return None
        if self.round not in self._company:
            query = CompanyQuery(identifier=Identifier(**identifier.model_dump()))
            self._company[self.round] = asyncio.ensure_future(self.query(calls.COMPANY, query))
        return await asyncio.shield(self._company[self.round])

    async def read(self, role: str, prompt: Prompt, record: type[R]) -> R | None:
        """Ask a model; None (fallback `rules_only`) if none of the role's chain answers."""
        try:
            found = await self.process.consult(role, prompt, record, sample=self.round)
        except (ModelUnavailable, BudgetSpent) as error:
            workflow.logger.warning("rules only", extra=told(why=error.message))
            return None
        return found.value


async def nothing() -> None:
    """Stand in for a source the case gives no identifier for."""
