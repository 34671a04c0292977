"""What the effect services keep: orders that were performed, mails that were accepted."""

from typing import Annotated

from pydantic import Field

from workflows.data.common import PartyId, Record
from workflows.data.effects import AccountOrder
from workflows.data.orders import LabelOrder, PaymentOrder, StockOrder
from workflows.data.pipeline import LoadOrder


class Order(Record):
    """A performed order with its idempotency key and the reference given for it."""

    key: str
    request: AccountOrder | PaymentOrder | StockOrder | LabelOrder | LoadOrder
    reference: str


class ReplyTo(Record):
    """The signal an answer comes back as."""

    workflow_id: Annotated[str, Field(min_length=1)]
    signal: Annotated[str, Field(min_length=1)]
    party_id: PartyId


class Mail(Record):
    """A mail as sent."""

    message_id: str
    to: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
    subject: str
    body: str
    in_reply_to: str = ""
    reply: ReplyTo | None = None
