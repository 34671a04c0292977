"""Consult a role: try the models of its chain in order until one gives a usable answer."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, TypeVar

from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from workflows.calls import ASK_MODEL, ask
from workflows.data.common import Record
from workflows.data.llm import (
    FreeText,
    ModelAnswer,
    ModelRef,
    ModelRequest,
    Prompt,
    RoleChain,
    Tried,
)
from workflows.errors import BudgetSpent, ModelUnavailable, budget_spent, reason, reasons, usd_of

T = TypeVar("T", bound=Record)


@dataclass(frozen=True)
class Consulted(Generic[T]):
    """A model's answer as the record that was asked for, the call it came from, and the models
    that were tried before it.
    """

    value: T
    answer: ModelAnswer
    tried: tuple[Tried, ...] = ()

    @property
    def usd(self) -> Decimal:
        """What the answer cost, with the unusable replies before it, in US dollars."""
        return sum((t.usd for t in self.tried), self.answer.usd)


@dataclass(frozen=True)
class Terms:
    """On which terms models are asked; see `ModelRequest`.

    With `patient` false nobody waits for an open breaker: whoever asks others besides goes on.
    """

    sample: int = 0
    budget: str = ""
    max_age: float = 0
    max_output_tokens: int = 2048
    patient: bool = True

    def request(
        self, target: ModelRef, prompt: Prompt, sample: int = 0, *, patient: bool = False
    ) -> ModelRequest:
        """Make the request to one model; `sample` is added to that of the terms."""
        return ModelRequest(
            target=target,
            prompt=prompt,
            sample=self.sample + sample,
            budget=self.budget,
            max_age=self.max_age,
            max_output_tokens=self.max_output_tokens,
            patient=patient,
        )


DEFAULT_TERMS = Terms()
CIRCUIT_OPEN = "ModelCircuitOpen"
"""Type of the error of a model that was not asked because its vendor kept failing."""


async def consult(
    chain: RoleChain,
    prompt: Prompt,
    record: type[T],
    *,
    sample: int = 0,
    terms: Terms = DEFAULT_TERMS,
) -> Consulted[T]:
    """Ask the chain's models in order, each on its vendor's queue.

    A model whose breaker is open is gone past at once, and waited for only if all others failed
    and the terms are patient. docs/replies.md lists why a model may give no answer.
    `sample` tells repeated askings apart: the same one reads a paid answer back; it is added to
    that of `terms`. Raises ModelUnavailable when none gave a usable answer (its details hold what
    the unusable ones cost), BudgetSpent (likewise) when the budget does not pay for the next one.
    """
    tried: list[Tried] = []
    errors: list[BaseException] = []
    waiting = [(target, False) for target in chain.models]
    while waiting:
        target, patient = waiting.pop(0)
        request = terms.request(target, prompt, sample, patient=patient)
        try:
            answer = await ask(ASK_MODEL, request, queue=target.queue)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            if (spent := budget_spent(error)) is not None:
                raise _with_cost(spent, tried) from error
            errors.append(error)
            tried.append(passed_over(target, error))
            if tried[-1].kind == CIRCUIT_OPEN and terms.patient and not patient:
                waiting.append((target, True))
        else:
            return Consulted(_read(record, answer.text), answer, tuple(tried))
    lost = {"usd": str(_cost_of(tried))}
    raise ModelUnavailable(f"role {chain.role!r}: no usable answer: {reasons(errors)}", lost)


def _cost_of(tried: list[Tried]) -> Decimal:
    return sum((t.usd for t in tried), Decimal(0))


def _with_cost(spent: BudgetSpent, tried: list[Tried]) -> BudgetSpent:
    """Tell with the error what unusable replies cost before it, of this model and of others."""
    told = spent.details[0] if spent.details else {}
    return BudgetSpent(spent.message, {**told, "usd": str(usd_of(spent) + _cost_of(tried))})


def _read(record: type[T], text: str) -> T:
    if record is FreeText:
        return record.model_validate({"text": text})
    return record.model_validate_json(text)


def passed_over(target: ModelRef, error: ActivityError) -> Tried:
    """Note why a model gave no usable answer, and what its replies cost all the same."""
    cause = error.cause
    named = cause.type if isinstance(cause, ApplicationError) else None
    kind = named or type(cause or error).__name__
    return Tried(target=target, kind=kind, why=reason(error), usd=usd_of(cause))
