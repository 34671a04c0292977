"""Records of model calls: roles, prompts, requests, answers and what they cost."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from workflows.data.common import Record


class Vendor(StrEnum):
    """Who answers; each has its own task queue `llm-<vendor>`."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"


class ModelRef(Record):
    """One model of the catalogue, as resolved for a case."""

    vendor: Vendor
    model: str

    @property
    def queue(self) -> str:
        """The task queue of the vendor."""
        return f"llm-{self.vendor}"


class RoleQuery(Record):
    """Which models stand behind these roles?"""

    roles: tuple[str, ...]


class RoleChain(Record):
    """A role's models, first choice first."""

    role: str
    models: Annotated[tuple[ModelRef, ...], Field(min_length=1)]


class RoleBook(Record):
    """The chains of a case, resolved once and kept in its history."""

    chains: tuple[RoleChain, ...]
    catalogue_sha256: str

    def chain(self, role: str) -> RoleChain:
        """Give the chain of `role`; KeyError if it was not asked for."""
        for chain in self.chains:
            if chain.role == role:
                return chain
        raise KeyError(role)


class Prompt(Record):
    """What a model is asked. `answer` names the record its reply must fit."""

    name: str
    version: int
    system: str
    user: str
    answer: str


class ModelRequest(Record):
    """One question to one model. `sample` tells repeated askings of the same question apart."""

    target: ModelRef
    prompt: Prompt
    max_output_tokens: int = 2048
    sample: Annotated[int, Field(ge=0)] = 0


class Usage(Record):
    """Tokens as the vendor bills them. `input_tokens` includes `cached_tokens`,
    `output_tokens` includes `reasoning_tokens`.
    """

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0


class ModelAnswer(Record):
    """A validated reply. `text` is JSON that fits the record the prompt named."""

    target: ModelRef
    text: str
    usage: Usage
    usd: Decimal
    simulated: bool
    reused: bool = False
    """The reply was read back from the journal: nothing was sent or paid by this attempt."""


ANSWER_PATTERN = r"^[A-Z][A-Za-z]{2,40}$"
AnswerName = Annotated[str, StringConstraints(pattern=ANSWER_PATTERN)]
