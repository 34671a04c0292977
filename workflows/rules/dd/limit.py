"""Due diligence: How much credit do the figures carry? A proposal to the analyst, with its parts.

House policy: the least of a tenth of tangible net worth, a month of the purchases asked for and
what referees were owed at most, times a factor of the tier.
"""

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal

from workflows.data.case_file import CaseFile, Product
from workflows.data.common import Condition, Record
from workflows.data.due_diligence import CaseOutcome, Tier
from workflows.data.findings import CheckResult
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


def limit_of(
    case: CaseFile, checks: Sequence[CheckResult], proposal: CaseOutcome | None, tier: Tier
) -> LimitProposal | None:
    """Give the limit that an approval with conditions comes with; None for any other proposal."""
    if proposal is not CaseOutcome.APPROVE_WITH_CONDITIONS:
        return None
    work = next((c.worksheet for c in checks if c.worksheet), None)
    high = next((c.high_credit for c in checks if c.high_credit is not None), None)
    return proposed_limit(case.product, work, high, tier)


def question(limit: LimitProposal | None) -> str:
    """Word the question of the review, with the limit proposed and what it came from."""
    asked = "What becomes of the customer?"
    if limit is None:
        return asked
    (condition,) = conditions(limit)
    told = f"{condition.code}={condition.value} {limit.currency}"
    return f"{asked} Proposed: {told} ({'; '.join(limit.parts)})"


def conditions(limit: LimitProposal | None) -> tuple[Condition, ...]:
    """Give the proposed limit as a condition of the approval."""
    return () if limit is None else (Condition(code="LIMIT", value=f"{limit.value:f}"),)
