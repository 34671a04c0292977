"""What is known of one mail as it comes: shown by the query, and in the end the result."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from workflows.data.common import CaseId, Decision, Record
from workflows.data.email_triage import TriageResult
from workflows.data.llm import Prompt
from workflows.patterns.consult import Consulted

T = TypeVar("T")
R = TypeVar("R", bound=Record)


class Host(Protocol):
    """What of the process the steps need."""

    async def branch(
        self, name: str, work: Callable[[], Awaitable[T]], otherwise: Callable[[str], T], /
    ) -> T:
        """Run a named branch; `otherwise(why)` stands in."""
        ...

    async def consult(
        self, role: str, prompt: Prompt, record: type[R], /, *, sample: int = 0
    ) -> Consulted[R]:
        """Ask the models of a role. Raises ModelUnavailable and BudgetSpent."""
        ...


class Notes:
    """What is known of a mail by now."""

    def __init__(self, host: Host, case: CaseId) -> None:
        self.host = host
        self.known = TriageResult(case=case)

    def know(self, **more: object) -> None:
        """Keep what came."""
        self.known = self.known.model_copy(update=more)

    def decided(self, said: Decision | None) -> None:
        """Keep a decision."""
        self.know(decisions=(*self.known.decisions, *((said,) if said else ())))

    async def noted(self, name: str, work: Callable[[], Awaitable[R]]) -> R | None:
        """Run a branch; if it fails, say so among the gaps and give None."""

        def gap(why: str) -> None:
            self.know(gaps=(*self.known.gaps, f"{name}: {why}"))

        return await self.host.branch(name, work, gap)

    async def value(self, role: str, prompt: Prompt, record: type[R], sample: int = 0) -> R:
        """Ask a role and give the record alone."""
        return (await self.host.consult(role, prompt, record, sample=sample)).value

    async def reading(self, name: str, role: str, prompt: Prompt, record: type[R]) -> R | None:
        """Ask one role in a branch of its own; without an answer there is a gap."""
        return await self.noted(name, lambda: self.value(role, prompt, record))
