"""Records of the proposal: the case file, what models answer, and what came of it."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from workflows.data.case_policy import Mail, ModelPolicy, Text, no_duplicates, within_a_year
from workflows.data.common import CaseId, PartyId, PersonName, Record
from workflows.data.deciders import Keyed

Long = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=8000)]
Share = Annotated[float, Field(ge=0, le=1)]
People = Annotated[tuple[PersonName, ...], Field(min_length=1)]


class ProposalPath(StrEnum):
    """How much a proposal is worked on."""

    FAST = "fast"
    FULL = "full"


class ProposalOutcome(StrEnum):
    """What became of a proposal."""

    SENT = "sent"
    DECLINED = "declined"
    """People did not let it go out, or nobody decided in time."""
    FAILED = "failed"
    """An action failed; what was done was undone and nothing was sent."""


class ProposalAction(StrEnum):
    """What can be done about a proposal, in the order it is done."""

    RECORD_CUSTOMER = "record_customer"
    OPEN_ACCOUNT = "open_account"
    RESERVE_AMOUNT = "reserve_amount"
    SEND_OFFER = "send_offer"
    TELL_SALES = "tell_sales"


class ProposalCustomer(Record):
    """Who the offer goes to."""

    party_id: PartyId = "customer"
    name: Text
    contact: Mail


class ProposalCase(Keyed):
    """The case file. An offer must cover every one of `points`; `regulated` says that rules of the
    trade apply. `rounds` and `within` bound the refinement; people answer `answer_within`.
    """

    case: CaseId
    customer: ProposalCustomer
    request: Long
    points: Annotated[tuple[Text, ...], Field(min_length=1, max_length=20)]
    value: Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=2)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    regulated: bool = False
    owners: People
    compliance: People
    rounds: Annotated[int, Field(ge=1, le=10)] = 4
    within: timedelta = timedelta(minutes=30)
    answer_within: timedelta = timedelta(days=2)
    models: ModelPolicy = ModelPolicy()

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        within_a_year("within", self.within)
        within_a_year("answer_within", self.answer_within)
        for name in ("points", "owners", "compliance"):
            no_duplicates(name + "[{}]", getattr(self, name))
        return self

    def deciders(self) -> Iterable[str]:
        """Name owners and compliance."""
        return (*self.owners, *self.compliance)


class ProposalReview(Record):
    """What one reviewer says: go, go with changes, or stop."""

    verdict: Literal["go", "change", "stop"]
    remarks: tuple[str, ...]
    confidence: Share


class ProposalDraft(Record):
    """An offer's text; a person may supply one too."""

    title: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    text: Long


class DraftScore(Record):
    """How good a draft is, and what it lacks."""

    score: Share
    missing: tuple[str, ...]


class ActionPlan(Record):
    """Which actions follow; their order is ours."""

    actions: tuple[ProposalAction, ...]
    confidence: Share


class ProposalResult(Record):
    """What became of a proposal; before its end, what is known of that.

    `reviews` are by reviewer; `rounds` counts drafts made, `stopped` says why no more were.
    `told` says how the customer was: by mail, or by whom by hand. `verified` are the actions that
    were read back as done, `by_hand` who saw to what could not be.
    """

    case: str
    outcome: ProposalOutcome | None = None
    path: ProposalPath | None = None
    why: str = ""
    reviews: dict[str, ProposalReview] = Field(default_factory=dict)
    draft: ProposalDraft | None = None
    score: float | None = None
    rounds: int = 0
    stopped: str = ""
    cleared: tuple[str, ...] = ()
    plan: tuple[ProposalAction, ...] = ()
    done: tuple[ProposalAction, ...] = ()
    undone: tuple[str, ...] = ()
    told: str = ""
    verified: tuple[ProposalAction, ...] = ()
    by_hand: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    usd: Decimal = Decimal(0)
    """What the models cost."""
