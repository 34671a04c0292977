"""Records of sentiment: what customers wrote, and how each of them feels."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints

from workflows.data.case_policy import ModelPolicy
from workflows.data.common import CaseId, CostView, Record
from workflows.data.document_analysis import Sentiment
from workflows.data.findings import Share
from workflows.data.pack import PackItem, Shaped


class Remark(PackItem):
    """One short text of a customer."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class SentimentCase(Record):
    """The case file. `per_call` remarks share a call, `at_once` calls are under way; a remark whose
    confidence is below `sure` is asked about alone, of a stronger role.
    """

    case: CaseId
    remarks: Annotated[tuple[Remark, ...], Field(min_length=1, max_length=5000)]
    per_call: Annotated[int, Field(ge=1, le=50)] = 10
    at_once: Annotated[int, Field(ge=1, le=200)] = 100
    sure: Share = 0.7
    models: ModelPolicy = ModelPolicy()


class Tone(Record):
    """What a model says of one remark."""

    id: str
    sentiment: Sentiment
    confidence: Share


class Tones(Record):
    """What a model says of several remarks."""

    items: tuple[Annotated[JsonValue, Shaped(Tone)], ...]


class RemarkTone(Record):
    """How a customer feels; None if no model said, and then `why`."""

    id: str
    sentiment: Sentiment | None
    confidence: Share = 0
    asked: Literal["packed", "alone"] = "packed"
    why: str = ""


class SentimentResult(Record):
    """Every remark with its tone, and the counts. `saving` says what packing saved."""

    case: CaseId
    totals: dict[str, int] = Field(default_factory=dict)
    unanswered: int = 0
    tones: tuple[RemarkTone, ...] = ()
    saving: str = ""
    cost: CostView = CostView()
