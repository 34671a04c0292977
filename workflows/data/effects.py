"""Records of effects: changes in the outside world, each with an idempotency key."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

from workflows.data.common import PartyId, Record


class EffectState(StrEnum):
    """What became of an effect. `unclear`: sent, never confirmed, and not safe to repeat."""

    DONE = "done"
    UNCLEAR = "unclear"


class EffectReceipt(Record):
    """Proof of an effect: its key in the ledger and the other side's reference.

    `suppressed`: a shadow would have had it; nothing was sent, and the reference is made up.
    """

    key: str
    reference: str
    state: EffectState = EffectState.DONE
    suppressed: bool = False


class AccountAction(StrEnum):
    """What the customer and account service can do and undo."""

    CREATE_CUSTOMER = "create_customer"
    OPEN_ACCOUNT = "open_account"
    SET_LIMIT = "set_limit"
    ENROL_MONITORING = "enrol_monitoring"
    GRANT_ACCESS = "grant_access"
    DELETE_CUSTOMER = "delete_customer"
    CLOSE_ACCOUNT = "close_account"
    CLEAR_LIMIT = "clear_limit"
    LEAVE_MONITORING = "leave_monitoring"
    REVOKE_ACCESS = "revoke_access"


class AccountOrder(Record):
    """One action on a case's customer. The key is scope + action + case."""

    action: AccountAction
    case: str
    customer_name: str = ""
    limit: Decimal | None = None
    currency: str = ""
    review_due: date | None = None
    """When the customer must be looked at again; goes with the enrolment in monitoring."""


class MailOrder(Record):
    """One mail, sent at most once: mail has no idempotency key."""

    template: str
    """What kind of mail it is, an enumerated word: it is part of the key."""
    party_id: PartyId
    to: str
    subject: str
    body: str
    reply_signal: str = ""
    """Name of the signal an answer comes back as; empty if none is expected."""
    in_reply_to: str = ""
    """The Message-ID of the mail this one answers."""


class ChatOrder(Record):
    """One message to the reviewers' channel (webhook)."""

    template: str
    number: int
    text: str
