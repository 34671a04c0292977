"""Records of batches: questions handed to a vendor together, answered within a day at less cost."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from workflows.data.common import Record
from workflows.data.llm import ModelAnswer, ModelRequest, VendorName
from workflows.data.spread import ItemKey


class ItemEnd(StrEnum):
    """What became of a question in a batch.

    `answered` came with the batch, `known` had been answered before and was not sent again,
    `unusable` has a reply, paid, that does not fit. The others have no reply and cost nothing:
    `failed` at the vendor, `expired` there, `cancelled` by us, `missing` from what came back,
    `late` when we stopped waiting, `unsent` because no vendor took the batch.
    """

    ANSWERED = "answered"
    KNOWN = "known"
    UNUSABLE = "unusable"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    MISSING = "missing"
    LATE = "late"
    UNSENT = "unsent"


class BatchQuestion(Record):
    """A question of a batch under the process's own id for it."""

    key: ItemKey
    request: ModelRequest


class BatchOrder(Record):
    """Questions to one model, to be sent as one batch; each id once."""

    questions: Annotated[tuple[BatchQuestion, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_model(self) -> Self:
        if len({q.request.target for q in self.questions}) > 1:
            raise ValueError("the questions of a batch go to one model; make a batch of each")
        if len({q.key for q in self.questions}) < len(self.questions):
            raise ValueError("two questions have the same key; name each once")
        return self


class BatchTicket(Record):
    """A batch as we know it; `batch` is the vendor's id, empty if nothing had to be sent."""

    key: str
    vendor: VendorName
    batch: str
    sent: Annotated[int, Field(ge=0)]


class BatchQuery(Record):
    """Asks for the replies of a batch from the question at place `after` on."""

    ticket: BatchTicket
    after: Annotated[int, Field(ge=0)] = 0


class BatchReply(Record):
    """What a question came to. `saved` is what its reply would have cost more if asked alone."""

    key: ItemKey
    end: ItemEnd
    answer: ModelAnswer | None = None
    why: str = ""
    usd: Decimal = Decimal(0)
    saved: Decimal = Decimal(0)


class BatchPage(Record):
    """Replies in the order of the questions; `next` None means these are the last."""

    replies: tuple[BatchReply, ...]
    next: int | None = None
