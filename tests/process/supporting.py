"""A support desk without a network: models and people who answer, fail or stay silent."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from temporalio.exceptions import ApplicationError

from tests.patterns.asking import Label, consulted
from tests.support.world import example
from workflows.calls import open_door
from workflows.data.common import Decision, Record, Verdict
from workflows.data.effects import EffectReceipt, EffectState, MailOrder
from workflows.data.llm import Prompt
from workflows.data.support import (
    RequestReading,
    RequestType,
    SupportAnswer,
    SupportRequest,
    SupportResult,
)
from workflows.errors import ModelUnavailable, call_failed
from workflows.patterns.consult import Consulted
from workflows.patterns.gate import GateResult, GateSpec
from workflows.patterns.route import RouteLog
from workflows.steps.support import Resolution

EXPORT = example("support-request/export", SupportRequest)
GOOD = SupportAnswer(text="Open Orders.", cites=("export-orders",), confidence=0.9)
POOR = SupportAnswer(text="Perhaps so.", cites=("export-orders",), confidence=0.4)
ANSWER = consulted("openai-a", Label(label="")).answer
INVENTED = SupportAnswer(text="As article 9 says.", cites=("article-9",), confidence=0.99)


@dataclass
class Desk:
    """The host of a request's steps, and the door behind them.

    `about` is the type the model reads; `models` says of a prompt what is answered: None fails,
    `...` never comes. `people` are there or not; who is not does what was handed over at the second
    asking. `mail` is ok, lost or refused.
    """

    about: RequestType = RequestType.QUESTION
    models: dict[str, Any] = field(default_factory=dict)
    people: bool = True
    mail: str = "ok"
    asked: list[str] = field(default_factory=list)
    gates: list[GateSpec] = field(default_factory=list)
    mails: list[MailOrder] = field(default_factory=list)
    phase: str = ""

    async def consult(self, role: str, prompt: Prompt, record: type[Any], /) -> Consulted[Any]:
        self.asked.append(prompt.name)
        usual = RequestReading(type=self.about, confidence=0.9)
        said = self.models.get(prompt.name, usual if record is RequestReading else POOR)
        if said is ...:
            await asyncio.Event().wait()
        await asyncio.sleep(2)
        if said is None:
            raise ModelUnavailable(f"{role} is down")
        return Consulted(said, ANSWER)

    async def gate(self, spec: GateSpec, remind: Any = None, /) -> GateResult:
        self.gates.append(spec)
        if Verdict.DONE in spec.verdicts:  # a task: who was away comes at last
            again = [g.name for g in self.gates].count(spec.name) > 1
            if not self.people and not again:
                await asyncio.sleep(spec.deadline.total_seconds())
                return GateResult((), timed_out=True)
            return GateResult((Decision(verdict=Verdict.DONE, by="tim", gate=spec.name),))
        if not self.people:
            await asyncio.sleep(spec.deadline.total_seconds())
            return GateResult((), timed_out=True)
        value = {"text": "We did it."}
        verdict = Verdict.SUPPLY if Verdict.APPROVE in spec.barred else Verdict.APPROVE
        by = next(iter(spec.people))
        return GateResult((Decision(verdict=verdict, by=by, gate=spec.name, value=value),))

    def enter(self, phase: str, outcome: str | None = None, /) -> None:
        self.phase = phase

    async def door(self, call: Any, request: Record) -> Record:
        assert isinstance(request, MailOrder), call
        self.mails.append(request)
        if self.mail == "refused":
            raise call_failed(call.name, ApplicationError("no such box", type="EffectRefused"))
        state = EffectState.UNCLEAR if self.mail == "lost" else EffectState.DONE
        return EffectReceipt(key="k", reference="", state=state)

    async def resolve(self, given: SupportRequest) -> SupportResult:
        with open_door(self.door):
            return await Resolution(self, given, RouteLog()).run()


def asking(**customer: str) -> SupportRequest:
    """The question about exports, of another customer."""
    return EXPORT.model_copy(update={"customer": EXPORT.customer.model_copy(update=customer)})
