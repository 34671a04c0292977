"""Records of looking at the customer and account service: how a case's customer stands."""

from datetime import date
from decimal import Decimal

from workflows.data.common import Record


class AccountQuery(Record):
    """How does the customer of this case stand?"""

    case: str


class AccountView(Record):
    """What the service holds of a case. Empty or None: not there."""

    case: str
    name: str = ""
    customer: str = ""
    account: str = ""
    limit: Decimal | None = None
    currency: str = ""
    monitoring: str = ""
    review_due: date | None = None
    access: str = ""
