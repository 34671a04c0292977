"""Records of a single question that a person puts to a role."""

from typing import Annotated

from pydantic import Field

from workflows.data.common import Record
from workflows.data.llm import ModelAnswer, ModelRef, Tried


class RoleQuestion(Record):
    """A question in free text, with what it is about in `context`. `target` asks one model
    instead of those of the role.
    """

    role: str
    question: Annotated[str, Field(min_length=1)]
    context: str = ""
    system: str = ""
    target: ModelRef | None = None
    max_output_tokens: Annotated[int, Field(gt=0)] = 2048


class RoleReply(Record):
    """The answer, and the models that were tried before it."""

    answer: ModelAnswer
    tried: tuple[Tried, ...] = ()
