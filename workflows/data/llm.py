"""Records of model calls: roles, prompts, requests, answers and what they cost."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from workflows.data.common import Record

VENDOR_QUEUE = "llm-"
"""How the task queue of a vendor begins; its name follows."""

VendorName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
"""Who answers, as the catalogue calls it; each vendor has its own task queue."""


class Vendor(StrEnum):
    """The vendors whose own APIs Braid speaks; the catalogue may name others that speak alike."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"


class Dialect(StrEnum):
    """Which API a vendor speaks."""

    OPENAI_RESPONSES = "openai-responses"
    OPENAI_CHAT = "openai-chat"
    """Also spoken by vLLM, Ollama, Groq, Mistral, DeepSeek, OpenRouter and many others."""
    ANTHROPIC_MESSAGES = "anthropic-messages"
    GEMINI_GENERATE = "gemini-generate"


class Quirk(StrEnum):
    """How a server that speaks an API of OpenAI's differs from the usual, or is to be asked."""

    MAX_TOKENS = "max-tokens"
    """It knows `max_tokens`, not `max_completion_tokens` (Mistral, older servers)."""
    JSON_OBJECT = "json-object"
    """It knows `json_object` only: the schema is told in the system prompt (DeepSeek)."""
    NO_STREAM_OPTIONS = "no-stream-options"
    """It refuses `stream_options`, and reports usage in a stream of itself (Mistral)."""
    BACKGROUND = "background"
    """Of `openai-responses`: ask in the background, so that a crash does not pay a call twice.
    The vendor keeps the answer for some minutes.
    """


class ModelRef(Record):
    """One model of the catalogue, as resolved for a case."""

    vendor: VendorName
    model: str

    @property
    def queue(self) -> str:
        """The task queue of the vendor."""
        return VENDOR_QUEUE + self.vendor


class RoleQuery(Record):
    """Which models stand behind these roles?"""

    roles: tuple[str, ...]


class RoleChain(Record):
    """A role's models, first choice first."""

    role: str
    models: Annotated[tuple[ModelRef, ...], Field(min_length=1)]


class ModelFacts(Record):
    """What the catalogue says of a model on the day it was asked; 0 or None where it does not.

    `window` and `max_output` are tokens, `usd_in` and `usd_out` US dollars per million tokens,
    `p95` the seconds within which 95 of 100 typical calls end, `quality` an estimate from 0 to 1.
    `p95_snapshot` names the snapshot of learned estimates that says the p95; 0 is the catalogue.
    """

    target: ModelRef
    window: Annotated[int, Field(ge=0)] = 0
    max_output: Annotated[int, Field(ge=0)] = 0
    usd_in: Decimal | None = None
    usd_out: Decimal | None = None
    p95: Annotated[float, Field(gt=0)] | None = None
    p95_snapshot: int = 0
    quality: Annotated[float, Field(ge=0, le=1)] | None = None


class RoleBook(Record):
    """The chains of a case and the facts on their models, resolved once, kept in its history."""

    chains: tuple[RoleChain, ...]
    catalogue_sha256: str
    facts: tuple[ModelFacts, ...] = ()

    def facts_of(self, target: ModelRef) -> ModelFacts:
        """Give what is known of a model; of one that is not in the book, nothing but its name."""
        known = (facts for facts in self.facts if facts.target == target)
        return next(known, ModelFacts(target=target))

    def chain(self, role: str) -> RoleChain:
        """Give the chain of `role`; KeyError if it was not asked for."""
        for chain in self.chains:
            if chain.role == role:
                return chain
        raise KeyError(role)


class Prompt(Record):
    """What a model is asked. `answer` names the record its reply must fit; empty is free text.

    `prefix` is context that several questions share, word for word: it is sent before `user` and
    marked so that vendors keep it and bill it as cached input when it comes again. `gives` are the
    fields of a record that no code declares, as blueprints write them.
    """

    name: str
    version: int
    system: str
    user: str
    answer: str
    prefix: str = ""
    gives: Mapping[str, str] = Field(default_factory=dict, exclude_if=lambda fields: not fields)


class ModelRequest(Record):
    """One question to one model. `sample` tells repeated askings of the same question apart.

    `budget` names a budget of this case (`open_budget`) that pays for it. `max_age` in seconds
    lets the answer cache serve a reply another case was given; 0 asks anew. A `patient` question
    waits for a vendor whose breaker is open; any other fails at once, so that another is asked.
    """

    target: ModelRef
    prompt: Prompt
    max_output_tokens: int = 2048
    sample: Annotated[int, Field(ge=0)] = 0
    budget: str = ""
    max_age: Annotated[float, Field(ge=0)] = 0
    patient: bool = False


class Usage(Record):
    """Tokens as the vendor bills them. `input_tokens` includes `cached_tokens` (read from the
    vendor's cache) and `cache_write_tokens`, `output_tokens` includes `reasoning_tokens`.
    """

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cache_write_tokens: int = 0


class ModelAnswer(Record):
    """A validated reply. `text` is JSON that fits the record the prompt named, or free text.

    `window` is how many tokens the model's context holds, 0 if the catalogue does not say;
    `waited` the seconds the call waited for its permit.
    """

    target: ModelRef
    text: str
    usage: Usage
    usd: Decimal
    simulated: bool
    reused: bool = False
    """The reply was read back from the journal: nothing was sent or paid by this attempt."""
    cached: bool = False
    """Another case's reply was taken from the answer cache."""
    repaired: bool = False
    """The first reply did not fit the record and was asked for once more."""
    priced: bool = True
    """The catalogue knows what the model costs; if not, `usd` counts nothing for it."""
    window: int = 0
    waited: float = 0


class FreeText(Record):
    """The answer to a prompt that names no record."""

    text: str


class Tried(Record):
    """A model of a chain that gave no usable answer, and why. `kind` is the error's type."""

    target: ModelRef
    kind: str
    why: str
    usd: Decimal = Decimal(0)
    """What its unusable replies cost."""


ANSWER_PATTERN = r"^[A-Z][A-Za-z]{2,40}$"
"""What the name of an answer's record looks like: vendors take it as the name of its schema."""
