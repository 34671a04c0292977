"""Help for tests of strategies: respondents whose answers, prices and delays are given."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from temporalio.exceptions import ApplicationError

from tests.patterns.virtual import Trail
from workflows.data.common import Record
from workflows.data.llm import ModelAnswer, ModelRef, ModelRequest, Prompt, RoleChain, Usage
from workflows.errors import ModelUnavailable, call_failed
from workflows.patterns.consult import CIRCUIT_OPEN, Consulted
from workflows.patterns.respondents import Respondent

PRICE = Decimal("0.01")


class Label(Record):
    """What a respondent says, and how sure it is."""

    label: str
    confidence: float | None = None


def sure_of(label: Label) -> float | None:
    return label.confidence


def said(label: Label) -> str:
    return label.label


def target(name: str) -> ModelRef:
    vendor, _, model = name.partition("-")
    return ModelRef(vendor=vendor, model=model or name)


@dataclass
class Panel:
    """Respondents, and a trail of what happened to them. `openai-a` is of vendor openai."""

    trail: Trail = field(default_factory=Trail)

    def says(
        self, name: str, label: str = "yes", confidence: float | None = None, after: float = 1
    ) -> Respondent[Label]:
        """Give one who answers."""
        work = partial(self._say, name, Label(label=label, confidence=confidence), after)
        return Respondent(name, work)

    def fails(self, name: str, after: float = 1, error: Exception | None = None) -> Any:
        """Give one whose models gave unusable replies that cost something."""
        lost = ModelUnavailable(f"{name} is down", {"usd": "0.003"})
        work: Any = self.trail.work(name, after, error=error or lost)
        return Respondent(name, work)

    def hangs(self, name: str, timeout: float | None = None) -> Any:
        """Give one who never answers."""
        limit = None if timeout is None else timedelta(seconds=timeout)
        work: Any = self.trail.work(name, 1e6)
        return Respondent(name, work, limit)

    @property
    def asked(self) -> list[str]:
        """Who was asked, in order."""
        return [w.removesuffix(" starts") for w in self.trail.words if w.endswith(" starts")]

    @property
    def cancelled(self) -> list[str]:
        """Who was given up."""
        return [w.removesuffix(" cancelled") for w in self.trail.words if w.endswith(" cancelled")]

    async def _say(self, name: str, label: Label, after: float) -> Consulted[Label]:
        await self.trail.work(name, after)()
        return consulted(name, label)


def consulted(name: str, label: Label) -> Consulted[Label]:
    """Give an answer of the model `name`."""
    text = label.model_dump_json()
    answer = ModelAnswer(target=target(name), text=text, usage=Usage(), usd=PRICE, simulated=True)
    return Consulted(label, answer)


PROMPT = Prompt(name="label", version=1, system="", user="Which?", answer="Label")


def chain(*names: str) -> RoleChain:
    return RoleChain(role="judge", models=tuple(target(n) for n in names))


@dataclass
class Models:
    """A door behind which models answer by name; notes each request.

    One whose answer is `open` has its breaker open, and answers only to a patient request.
    """

    answers: dict[str, str]
    after: float = 1
    requests: list[ModelRequest] = field(default_factory=list)

    async def __call__(self, _call: Any, request: Record) -> Record:
        assert isinstance(request, ModelRequest)
        self.requests.append(request)
        await asyncio.sleep(self.after)
        name = request.target.model
        if self.answers.get(name) == "open" and not request.patient:
            raise call_failed("ask_model", ApplicationError("it keeps failing", type=CIRCUIT_OPEN))
        label = Label(
            label=self.answers.get(f"{name}#{request.sample}", self.answers.get(name, ""))
        )
        return consulted(f"{request.target.vendor}-{name}", label).answer
