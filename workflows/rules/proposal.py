"""Rules of the proposal: how complex it is, what a draft covers, which actions follow and hold."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

from workflows.data.accounts import AccountView
from workflows.data.complexity import Tier, Tiers
from workflows.data.proposal import (
    ActionPlan,
    DraftScore,
    ProposalAction,
    ProposalCase,
    ProposalDraft,
    ProposalPath,
    ProposalReview,
)
from workflows.patterns.rounds import Score
from workflows.patterns.route_rows import ANY, Factor, row
from workflows.patterns.route_table import Routed, RouteTable

GOOD = 0.8
LARGE = Decimal(50_000)
"""From this value on, in whatever currency, an offer is worked on in full."""
REVIEWERS = ("technical", "business", "compliance")
TIERS = Tiers(
    policy="proposal-1",
    tiers=(
        Tier(name="simple", role="drafter", since=0),
        Tier(name="complex", role="reviewer", since=0.12),
    ),
)
"""Who drafts, by how hard the request looks."""
SIMPLE = TIERS.tiers[0].role
PATHS = RouteTable(
    "proposal",
    paths=ProposalPath,
    policy="proposal-1",
    factors=(
        Factor("hard", (True, False)),
        Factor("large", (True, False)),
        Factor("regulated", (True, False)),
        Factor("missed", (True, False)),
    ),
    rows=(
        row(ProposalPath.FULL, hard=ANY, large=ANY, regulated=ANY, missed=ANY),
        row(ProposalPath.FAST, hard=False, large=False, regulated=False, missed=False),
    ),
)
"""`missed` says that the fast path was tried and its draft would not do."""
_NEEDS = {
    ProposalAction.OPEN_ACCOUNT: ProposalAction.RECORD_CUSTOMER,
    ProposalAction.RESERVE_AMOUNT: ProposalAction.OPEN_ACCOUNT,
}
ALWAYS = frozenset({ProposalAction.SEND_OFFER, ProposalAction.TELL_SALES})


def path(case: ProposalCase, role: str, *, missed: bool = False) -> Routed[ProposalPath]:
    """Choose the path of a request that `role` writes."""
    hard, large = role != SIMPLE, case.value >= LARGE
    return PATHS.choose(hard=hard, large=large, regulated=case.regulated, missed=missed)


def missing(draft: ProposalDraft, points: Iterable[str]) -> tuple[str, ...]:
    """Give the points a draft does not speak of: some word of them does not stand in it."""
    said = set(re.findall(r"\w+", f"{draft.title} {draft.text}".lower()))
    return tuple(p for p in points if not set(re.findall(r"\w+", p.lower())) <= said)


def rated(case: ProposalCase, draft: ProposalDraft, said: DraftScore | None) -> Score:
    """Score a draft: no better than the share of points it covers, nor than the model says."""
    lacks = missing(draft, case.points)
    share = 1 - len(lacks) / len(case.points)
    if said is None:
        return Score(share, reason="; ".join(lacks))
    return Score(min(share, said.score), reason="; ".join(dict.fromkeys((*lacks, *said.missing))))


def to_clear(reviews: Mapping[str, ProposalReview]) -> dict[str, str]:
    """Give what people must clear before anything goes out: by whose review, and why.

    A stop of anybody; and that compliance did not review it: a gap there is never a pass.
    """
    stops = {
        name: f"{name} says stop: {_listed(review.remarks) or 'no reason given'}"
        for name, review in reviews.items()
        if review.verdict == "stop"
    }
    if "compliance" not in reviews:
        stops["compliance"] = "compliance did not review it"
    return stops


def _listed(remarks: Iterable[str]) -> str:
    return "; ".join(remark.rstrip(".") for remark in remarks)


def planned(plan: ActionPlan | None) -> tuple[ProposalAction, ...]:
    """Give the actions in order, with what they need; the offer is always sent and told of."""
    wanted = set(plan.actions) if plan else set(ProposalAction)
    wanted |= ALWAYS
    for action in reversed(ProposalAction):
        if action in wanted and action in _NEEDS:
            wanted.add(_NEEDS[action])
    return tuple(action for action in ProposalAction if action in wanted)


def holds(action: ProposalAction, case: ProposalCase, now: AccountView) -> bool:
    """Say whether what an action did stands there, as read back."""
    match action:
        case ProposalAction.RECORD_CUSTOMER:
            return bool(now.customer) and now.name == case.customer.name
        case ProposalAction.OPEN_ACCOUNT:
            return bool(now.account)
        case ProposalAction.RESERVE_AMOUNT:
            return now.limit == case.value and now.currency == case.currency
        case _:
            return True
