"""Consult a role: try the models of its chain in order until one gives a usable answer."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.calls import ASK_MODEL, ask
from workflows.data.common import Record
from workflows.data.llm import ModelAnswer, ModelRequest, Prompt, RoleChain
from workflows.errors import ModelUnavailable, reasons

T = TypeVar("T", bound=Record)


@dataclass(frozen=True)
class Consulted(Generic[T]):
    """A model's answer as the record that was asked for, and the call it came from."""

    value: T
    answer: ModelAnswer


async def consult(
    chain: RoleChain, prompt: Prompt, record: type[T], *, sample: int = 0
) -> Consulted[T]:
    """Ask the chain's models in order, each on its vendor's queue.

    `sample` tells repeated askings apart: the same one reads a paid answer back. Raises
    ModelUnavailable when none gave a usable answer.
    """
    errors: list[BaseException] = []
    for target in chain.models:
        request = ModelRequest(target=target, prompt=prompt, sample=sample)
        try:
            answer = await ask(ASK_MODEL, request, queue=target.queue)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            errors.append(error)
        else:
            return Consulted(record.model_validate_json(answer.text), answer)
    raise ModelUnavailable(f"role {chain.role!r}: no usable answer: {reasons(errors)}")
