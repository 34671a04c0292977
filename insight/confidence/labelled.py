"""A labelled answer: what a model said, how sure it was, and whether it was right."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from workflows.data.confidence import Probability


class LabelledAnswer(BaseModel):
    """One line of a file of labelled answers. Fields of other names are left unread.

    `baseline_correct` says whether the model a cascade would ask next was right on the same
    question; `complexity` is a score or the name of a tier, and computed from the `question` if
    left out; equal `id`s are one question.
    """

    model_config = ConfigDict(frozen=True)

    confidence: Probability
    correct: Annotated[bool, Field(strict=True)]
    baseline_correct: Annotated[bool, Field(strict=True)] | None = None
    model: str = ""
    group: str = ""
    complexity: Annotated[float, Field(strict=True)] | str | None = None
    id: str = ""
    question: str = Field(default="", repr=False)


def with_baseline(answers: Sequence[LabelledAnswer], model: str) -> list[LabelledAnswer]:
    """Take the answers of `model` as the baseline of the others' to the same questions (ids)."""
    known = {a.id: a.correct for a in answers if a.model == model and a.id}
    return [
        a
        if a.model == model or a.id not in known
        else a.model_copy(update={"baseline_correct": known[a.id]})
        for a in answers
    ]


def best_model(answers: Sequence[LabelledAnswer]) -> str:
    """Name the model that is right most often, empty if none is named."""
    marks: dict[str, list[bool]] = {}
    for a in answers:
        marks.setdefault(a.model, []).append(a.correct)
    marks.pop("", None)
    return max(sorted(marks), key=lambda m: sum(marks[m]) / len(marks[m]), default="")
