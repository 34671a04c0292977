"""Due diligence: How much credit do the figures carry? A proposal to the analyst, with its parts.

House policy: the least of a tenth of tangible net worth, a month of the purchases asked for and
what referees were owed at most, times a factor of the tier.
"""

from decimal import ROUND_DOWN, Decimal

from workflows.data.case_file import Product
from workflows.data.common import Record
from workflows.data.due_diligence import Tier
from workflows.data.worksheet import Worksheet

SHARE = Decimal("0.1")
FACTOR = {
    Tier.LOW: Decimal(1),
    Tier.MEDIUM: Decimal("0.5"),
    Tier.HIGH: Decimal("0.25"),
    Tier.PROHIBITED: Decimal(0),
}
ROUND = Decimal(100)


class LimitProposal(Record):
    """A limit in the product's currency, and what it was worked out from."""

    value: Decimal
    currency: str
    parts: tuple[str, ...]


def proposed_limit(
    product: Product, worksheet: Worksheet | None, high_credit: float | None, tier: Tier
) -> LimitProposal:
    """Propose a credit limit, rounded down to hundreds. Amounts in another currency do not count,
    for no rate of exchange is held; the parts say so.
    """
    most = product.monthly
    parts = [f"a month of purchases {product.monthly:.0f}"]
    worth = worksheet.tangible_net_worth if worksheet else None
    if worksheet is None or worth is None:
        parts.append("tangible net worth is not known")
    elif worksheet.currency != product.currency:
        parts.append(f"tangible net worth is in {worksheet.currency}: left out")
    else:
        tenth = max(Decimal(0), Decimal(str(worth)) * SHARE)
        most = min(most, tenth)
        parts.append(f"a tenth of tangible net worth {tenth:.0f}")
    if high_credit is not None:
        most = min(most, Decimal(str(high_credit)))
        parts.append(f"high credit of referees {high_credit:.0f}")
    parts.append(f"factor {FACTOR[tier]} of tier {tier}")
    value = (most * FACTOR[tier] / ROUND).to_integral_value(ROUND_DOWN) * ROUND
    return LimitProposal(value=value, currency=product.currency, parts=tuple(parts))
